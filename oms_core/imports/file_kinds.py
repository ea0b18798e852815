"""What a file is that is no text in UTF-8: recognised by its first bytes, and named with what to do about it."""

from __future__ import annotations

import re
from typing import NamedTuple

from oms_core.domain.validation import one_finding

UTF8_BOM = b"\xef\xbb\xbf"
GZIP_MAGIC = b"\x1f\x8b"
BYTES_LOOKED_AT = 8

_is_json_array = re.compile(rb"\s*\[\s*(?:[{\]]|$)").match
_is_utf_16 = re.compile(rb"\xff\xfe|\xfe\xff|[^\x00]\x00[^\x00]\x00|\x00[^\x00]\x00[^\x00]", re.DOTALL).match


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


def refuse_binary(head: bytes) -> None:
    """Raise `validation_error` where a file begins as no text in UTF-8 does; `head` is its first 8 bytes or more."""
    kind = None
    if _is_utf_16(head):
        kind = _UTF_16
    elif head.startswith(GZIP_MAGIC):
        kind = _GZIP
    elif head.startswith(_WORKBOOK_MAGICS):
        kind = _WORKBOOK
    refuse(kind)


def refuse_json_array(head: bytes) -> None:
    """Raise `validation_error` where a file begins as a JSON array does."""
    refuse(_JSON_ARRAY if _is_json_array(head) else None)


def json_kind(head: bytes) -> FileKind | None:
    """Tell whether a file that is read as CSV is JSON."""
    if _is_json_array(head):
        return _JSON_ARRAY
    return _JSON_LINES if head.lstrip().startswith(b"{") else None


def refuse(kind: FileKind | None) -> None:
    """Raise `validation_error` over a kind of file, unless there is none."""
    if kind is not None:
        raise one_finding("/1", kind.code, kind.detail)
