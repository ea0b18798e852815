"""What is wrong with a row or a header of an imported file, worded the same for every kind of file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

from oms_core.domain.import_commands import ImportReject
from oms_core.domain.numbers import parse_whole_number
from oms_core.domain.validation import Findings
from oms_core.errors import OmsError
from oms_core.imports.records import RecordFault

_SHOWN_CHARACTERS_MAX = 64
_SHOWN_FINDINGS_MAX = 10
ROUNDED = ("rounded_number", "is a number that a spreadsheet has rounded: export the column as text")
_is_scientific = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE]\+[0-9]+").fullmatch


def fault_reject(fault: RecordFault) -> ImportReject:
    """Report a record that cannot be read."""
    return ImportReject(line=fault.line, column=None, code=fault.code, detail=fault.detail, values={})


def width_reject(line: int, fields: Sequence[str], header: Sequence[str | None]) -> ImportReject:
    """Report a CSV row that has not as many fields as the header."""
    detail = f"the row has {len(fields)} columns, the header {len(header)}"
    values = {name: field for name, field in zip(header, fields, strict=False) if name}
    return ImportReject(line=line, column=None, code="wrong_width", detail=detail, values=values)


def is_rounded(text: str) -> bool:
    """Tell whether a spreadsheet has made a rounded number of a name: 1.23457E+11 may have been any of a million."""
    return "+" in text and _is_scientific(text) is not None


def findings_reject(line: int, findings: Findings, values: Mapping[str, object]) -> ImportReject:
    """Report a row whose values are wrong: the first one's column and code, and what is wrong with each."""
    first = findings.errors[0]
    return ImportReject(
        line=line,
        column=_column(first.pointer),
        code=first.code,
        detail="; ".join(f"{_column(found.pointer)} {found.detail}" for found in findings.errors),
        values={name: shown(value) for name, value in values.items()},
    )


def _column(pointer: str) -> str:
    return pointer.removeprefix("/")


def error_reject(
    line: int, error: OmsError, values: Mapping[str, object], *, named: Callable[[str], str] = _column
) -> ImportReject:
    """Report a document that is not valid: the first finding's place and code, and what is wrong everywhere.

    `named` gives the name of a place in the file, of which the finding has the pointer into the document.
    """
    found = error.errors[0] if error.errors else None
    return ImportReject(
        line=line,
        column=(_column(found.pointer) or None) if found else None,
        code=found.code if found else error.code,
        detail="; ".join(f"{named(each.pointer)} {each.detail}" for each in error.errors[:_SHOWN_FINDINGS_MAX])
        or error.detail,
        values={name: shown(value) for name, value in values.items()},
    )


def shown(value: object) -> str:
    """Return a value of a row as the text of a CSV column."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def number_or_text(text: str) -> int | str:
    """Read a whole number; any other text stays as it is, for the check of its column to refuse."""
    try:
        return parse_whole_number(text)
    except ValueError:
        return text


def shorten(text: str) -> str:
    """Cut a text that somebody else chose to what a message can bear, in ASCII."""
    return ascii(text)[1:-1][:_SHOWN_CHARACTERS_MAX]
