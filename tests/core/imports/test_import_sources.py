"""Files that are decompressed and decoded while they are read: bounded, and never half read without a word."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_core import OmsError
from oms_core.documents import byte_sources
from oms_core.documents.byte_sources import ByteSource, decoded, decompressed
from oms_core.imports.records import Lines, RecordFault, csv_records

TEXT = "sku,name\nÄ-1,Größe 漢\n" * 5_000


def whole(source: ByteSource, size: int = 1_000) -> bytes:
    return b"".join(iter(lambda: source.read(size), b""))


class Trickle(io.BytesIO):
    """A pipe that gives three bytes at most."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(3, size or 3))


@pytest.mark.parametrize("content", [b"", b"\x1f", b"s", TEXT.encode(), b"\x1f\x8c rest"])
def test_what_is_not_compressed_is_as_it_was(content: bytes) -> None:
    assert whole(decompressed(Trickle(content))) == content


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(TEXT.encode(), mtime=0), gzip.compress(b"", mtime=0) + gzip.compress(TEXT.encode(), mtime=0)],
)
def test_gzip_is_taken_apart_whatever_the_file_is_called(packed: bytes) -> None:
    assert whole(decompressed(io.BytesIO(packed))) == TEXT.encode()
    assert whole(decompressed(Trickle(packed))) == TEXT.encode()


@pytest.mark.parametrize("cut", [3, 30, -1])
def test_damaged_gzip_is_refused(cut: int) -> None:
    packed = gzip.compress(TEXT.encode(), mtime=0)
    with pytest.raises(OmsError, match="damaged gzip"):
        whole(decompressed(io.BytesIO(packed[:cut])))
    with pytest.raises(OmsError, match="damaged gzip"):
        whole(decompressed(io.BytesIO(packed[:20] + b"\xff\xff\xff\xff" + packed[24:])))


def test_a_bomb_is_refused_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_sources, "IMPORT_BYTES_MAX", 8_000_000)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([packer.compress(bytes(1_000_000)) for _ in range(50)]) + packer.flush()
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(OmsError) as caught:
            for _ in csv_records(Lines(_Letters(decompressed(io.BytesIO(bomb))))):
                pass
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.code == "payload_too_large"
    assert peak_bytes < 3_000_000


class _Letters:
    """Zeros as letters, so that they are a line without end."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source

    def read(self, size: int, /) -> bytes:
        return self._source.read(size).replace(b"\0", b"x")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "UTF-16BE", "utf-32", "utf8", "gb18030"])
def test_a_text_in_another_encoding_is_read(encoding: str) -> None:
    assert whole(decoded(Trickle(TEXT.encode(encoding)), encoding)).decode() == TEXT


@given(st.text(st.characters(codec="cp1252")), st.integers(1, 9))
def test_a_text_is_the_same_wherever_blocks_end(text: str, size: int) -> None:
    assert whole(decoded(io.BytesIO(text.encode("cp1252")), "cp1252"), size).decode() == text


@pytest.mark.parametrize(
    ("content", "encoding"),
    [(b"a,b\nc\x81\x8d,d\ne,f\n", "cp1252"), ("a,b\nc\ud800,d\ne,f\n".encode("utf-16", "surrogatepass"), "utf-16")],
)
def test_what_cannot_be_decoded_is_a_bad_line_and_no_other(content: bytes, encoding: str) -> None:
    found = list(csv_records(Lines(decoded(io.BytesIO(content), encoding))))
    faults = [(record.line, record.code) for record in found if isinstance(record, RecordFault)]
    assert faults == [(2, "bad_encoding")]
    assert [record[1] for record in found if not isinstance(record, RecordFault)] == [["a", "b"], ["e", "f"]]


def test_a_file_that_ends_within_a_character_is_refused() -> None:
    with pytest.raises(OmsError, match="is not utf-16"):
        whole(decoded(io.BytesIO("sku".encode("utf-16")[:-1]), "utf-16"))


@pytest.mark.parametrize("encoding", ["", "nonsense", "base64", "rot13", "idna", "punycode", "undefined", "a\0b", "é"])
def test_what_is_no_encoding_of_files_is_refused(encoding: str) -> None:
    with pytest.raises(OmsError) as caught:
        decoded(io.BytesIO(b""), encoding)
    assert [(found.pointer, found.code) for found in caught.value.errors] == [("/encoding", "unknown_encoding")]
