"""Files that are not UTF-8 as they stand: decompressed and decoded while they are read, in bounded memory."""

from __future__ import annotations

import codecs
import gzip
import zlib
from typing import IO, cast

from oms_core.domain.limits import IMPORT_BYTES_MAX
from oms_core.domain.validation import one_finding
from oms_core.errors import OmsError
from oms_core.imports.file_kinds import GZIP_MAGIC
from oms_core.imports.lines import ByteSource

_UTF_8 = "utf-8"
# They are no encodings of files, and some are read whole or in the square of their length.
_NOT_OF_FILES = frozenset({"idna", "punycode", "unicode_escape", "raw-unicode-escape", "undefined", "unicode-escape"})


def decompressed(source: ByteSource) -> ByteSource:
    """Return what a file holds that may be compressed with gzip, as its first two bytes tell.

    Reading raises `payload_too_large` beyond 1 GiB of content, and `validation_error` where it is damaged.
    """
    begun = _Begun(source)
    return _Unzipped(begun) if begun.starts_with(GZIP_MAGIC) else begun


def decoded(source: ByteSource, encoding: str) -> ByteSource:
    """Return a text in UTF-8, from one in another encoding that Python knows. Raise `validation_error` for no encoding.

    What cannot be decoded becomes bytes that are not UTF-8, so that it is refused with its line.
    """
    try:
        name = codecs.lookup(encoding).name
        "a".encode(encoding)  # Raises LookupError for what is a codec but no encoding of text.
    except (LookupError, ValueError):
        name = "undefined"
    if name in _NOT_OF_FILES:
        raise one_finding("/encoding", "unknown_encoding", f"{encoding!a} is no encoding such as utf-16 or cp1252")
    return source if name == _UTF_8 else _Decoded(source, name)


class _Begun:
    """A source whose first bytes were looked at."""

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
