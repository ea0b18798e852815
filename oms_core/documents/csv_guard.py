"""A guard for texts in CSV files: no spreadsheet takes one for a formula, and reading returns it as it was.

A spreadsheet that opens a file runs a cell as a formula if it begins with = + - @, a tab or a line end
(https://owasp.org/www-community/attacks/CSV_Injection). An apostrophe in front makes it text. A text that begins with
apostrophes and then one of these signs gets one too, since reading takes one away. Numbers stay numbers.
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
    """Return a value as a cell: an apostrophe stands before a text that could be run; another value is unchanged."""
    if isinstance(value, str) and _needs_guard(value) and not _is_number(value):
        return f"'{value}"
    return value


def unguard(fields: Iterable[str]) -> list[str]:
    """Return the fields of a row as they were before `guard`."""
    return [field[1:] if _is_guarded(field) else field for field in fields]


def csv_writer(stream: TextIO, *, quoting: Literal[0, 1] = csv.QUOTE_MINIMAL) -> Any:
    """Return a writer like `csv.writer`, whose lines end in LF and in which a lone CR is quoted.

    Before Python 3.13 csv quotes only the characters of its own line ends, but every reader takes a bare CR for one.
    """
    return csv.writer(_LineFeeds(stream), lineterminator=_CRLF, quoting=quoting)


class _LineFeeds:
    """Passes each line on with LF instead of CR LF at its end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str) -> int:
        return self._stream.write(line.removesuffix(_CRLF) + "\n")
