"""What a file is before it is rows: compressed, in another encoding, or no text at all."""

from __future__ import annotations

import codecs
import re
import zlib
from typing import IO, NamedTuple, Protocol, cast

from oms_core.domain.limits import IMPORT_BYTES_MAX
from oms_core.domain.validation import one_finding
from oms_core.errors import OmsError

UTF8_BOM = b"\xef\xbb\xbf"
GZIP_MAGIC = b"\x1f\x8b"
BYTES_LOOKED_AT = 8

_is_json_array = re.compile(rb"\s*\[\s*(?:[{\]]|$)").match
_is_utf_16 = re.compile(rb"\xff\xfe|\xfe\xff|[^\x00]\x00[^\x00]\x00|\x00[^\x00]\x00[^\x00]", re.DOTALL).match

_UTF_8 = "utf-8"
# Not encodings of files; decoding some of them takes the whole text at once, or the square of its length in time.
_NOT_OF_FILES = frozenset({"idna", "punycode", "unicode_escape", "raw-unicode-escape", "undefined", "unicode-escape"})


class ByteSource(Protocol):
    """What is read: an open binary file, standard input, a request's body."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end only."""
        ...


class FileKind(NamedTuple):
    """A kind of file that is not read as rows: the code of the finding, and what is said of it."""

    code: str
    detail: str


_UTF_16 = FileKind("bad_encoding", "the file is UTF-16, not UTF-8: name its encoding, or save it as CSV UTF-8")
_GZIP = FileKind("compressed", "the file is compressed with gzip: decompress it first")
_WORKBOOK = FileKind("workbook", "the file is a workbook or an archive, not text: save the sheet as CSV UTF-8")
_JSON_ARRAY = FileKind("json_array", "the file is a JSON array: write JSON Lines, one object on each line")
_JSON_LINES = FileKind("json_lines", "the file is JSON, and is to be read as CSV: name its format, JSON Lines")

_WORKBOOK_MAGICS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


def decompressed(source: ByteSource) -> ByteSource:
    """Return the content of a file: decompressed where its first two bytes say that it is compressed with gzip.

    Reading raises `payload_too_large` beyond 1 GiB of content, and `validation_error` where it is damaged.
    """
    begun = _Begun(source)
    return _Unzipped(begun) if begun.starts_with(GZIP_MAGIC) else begun


def decoded(source: ByteSource, encoding: str) -> ByteSource:
    """Return the text of a file in UTF-8; `encoding` is any that Python knows. Raise `validation_error` for another.

    What cannot be decoded becomes bytes that are not UTF-8. Its line is then refused.
    """
    try:
        name = codecs.lookup(encoding).name
        "a".encode(encoding)  # Raises LookupError for what is a codec but no encoding of text.
    except (LookupError, ValueError):
        name = "undefined"
    if name in _NOT_OF_FILES:
        raise one_finding("/encoding", "unknown_encoding", f"{encoding!a} is no encoding such as utf-16 or cp1252")
    return source if name == _UTF_8 else _Decoded(source, name)


def refuse_binary(head: bytes) -> None:
    """Raise `validation_error` where a file does not begin as a text in UTF-8; `head` is its first 8 bytes or more."""
    kind = None
    if _is_utf_16(head):
        kind = _UTF_16
    elif head.startswith(GZIP_MAGIC):
        kind = _GZIP
    elif head.startswith(_WORKBOOK_MAGICS):
        kind = _WORKBOOK
    _refuse(kind)


def refuse_json_array(head: bytes) -> None:
    """Raise `validation_error` where a file begins as a JSON array does."""
    _refuse(_JSON_ARRAY if _is_json_array(head) else None)


def json_kind(head: bytes) -> FileKind | None:
    """Return the kind of a file that is to be read as CSV and is JSON; None for another."""
    if _is_json_array(head):
        return _JSON_ARRAY
    return _JSON_LINES if head.lstrip().startswith(b"{") else None


def _refuse(kind: FileKind | None) -> None:
    """Raise `validation_error` for a kind of file, if there is one."""
    if kind is not None:
        raise one_finding("/1", kind.code, kind.detail)


class _Begun:
    """A source whose first bytes were read ahead."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._begin = b""

    def starts_with(self, magic: bytes) -> bool:
        while len(self._begin) < len(magic) and (block := self._source.read(len(magic) - len(self._begin))):
            self._begin += block
        return self._begin == magic

    def read(self, size: int, /) -> bytes:
        if not self._begin:
            return self._source.read(size)
        begin, self._begin = self._begin[:size], self._begin[size:]
        return begin


class _Unzipped:
    """The content of a gzip file."""

    def __init__(self, source: ByteSource) -> None:
        import gzip  # Hardly any file is compressed.

        self._file = gzip.GzipFile(fileobj=cast("IO[bytes]", source), mode="rb")
        self._given_bytes = 0

    def read(self, size: int, /) -> bytes:
        try:
            block = self._file.read(size)
        except (EOFError, OSError, zlib.error) as error:
            raise one_finding("", "compressed", f"the file is damaged gzip: {error}") from error
        self._given_bytes += len(block)
        if self._given_bytes > IMPORT_BYTES_MAX:
            raise OmsError("payload_too_large", f"the file has more than {IMPORT_BYTES_MAX} bytes when decompressed")
        return block


class _Decoded:
    """A text from another encoding, as UTF-8."""

    def __init__(self, source: ByteSource, encoding: str) -> None:
        # Both handlers leave lone surrogates, which are then written as no UTF-8.
        errors = "surrogatepass" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
        self._decoder = codecs.getincrementaldecoder(encoding)(errors)
        self._encoding = encoding
        self._source = source
        self._is_over = False

    def read(self, size: int, /) -> bytes:
        """Return at least one byte until the end; a few more than `size` at times."""
        text = ""
        while not text and not self._is_over:
            block = self._source.read(size)
            self._is_over = not block
            try:
                text = self._decoder.decode(block, final=self._is_over)
            except UnicodeError as error:
                raise one_finding("", "bad_encoding", f"the file is not {self._encoding}: {error}") from error
        return text.encode("utf-8", "surrogatepass")
