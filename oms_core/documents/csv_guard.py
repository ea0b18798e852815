"""Text in CSV files that no spreadsheet may take for a formula, and that comes back from them as it was.

A cell that begins with = + - @, a tab or a line end is run as a formula by spreadsheets when the file is opened
(https://owasp.org/www-community/attacks/CSV_Injection). Such a text gets one apostrophe in front, which makes it text
to a spreadsheet; so does one that begins so after apostrophes, for reading takes one away from both. Numbers stay
numbers.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from typing import Any, Literal, TextIO

_FORMULA_SIGNS = "=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20"  # The last four are full-width, and run in some spreadsheets.
_needs_guard = re.compile(f"'*[{_FORMULA_SIGNS}]").match
_is_guarded = re.compile(f"'+[{_FORMULA_SIGNS}]").match
_is_number = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII).fullmatch
_CRLF = "\r\n"


def guard(value: object) -> object:
    """Return a value as a cell: a text that could be run gets an apostrophe in front, all else is as it was."""
    if isinstance(value, str) and _needs_guard(value) and not _is_number(value):
        return f"'{value}"
    return value


def unguard(fields: Iterable[str]) -> list[str]:
    """Return the fields of a row as they were before `guard`."""
    return [field[1:] if _is_guarded(field) else field for field in fields]


def csv_writer(stream: TextIO, *, quoting: Literal[0, 1] = csv.QUOTE_MINIMAL) -> Any:
    """Return a writer as `csv.writer` does, of lines that end in LF and in which a lone CR is quoted.

    Before Python 3.13 csv quotes only what its own line ends are made of, and every reader takes a bare CR for one.
    """
    return csv.writer(_LineFeeds(stream), lineterminator=_CRLF, quoting=quoting)


class _LineFeeds:
    """Passes each line on with LF for CR LF at its end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str) -> int:
        return self._stream.write(line.removesuffix(_CRLF) + "\n")
