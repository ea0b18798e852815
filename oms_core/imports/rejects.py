"""Rows and orders of a file that are refused: what is wrong with each, worded the same for every kind of file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from oms_core.documents.location_cells import locations_cell
from oms_core.documents.orders import whole
from oms_core.domain.import_commands import ORDER_COLUMNS, RETURN_COLUMNS, SHIPMENT_COLUMNS, ImportReject
from oms_core.domain.limits import ORDER_LINES_MAX
from oms_core.domain.numbers import parse_whole_number
from oms_core.domain.transfer_imports import TRANSFER_COLUMNS
from oms_core.domain.validation import Findings
from oms_core.errors import OmsError
from oms_core.imports.records import RecordFault

ROWS_KEPT_MAX = ORDER_LINES_MAX + 1
ROUNDED = ("rounded_number", "is a number that a spreadsheet has rounded: export the column as text")

_SHOWN_CHARACTERS_MAX = 64
_SHOWN_FINDINGS_MAX = 10
_is_scientific = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE]\+[0-9]+").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """What rows of a file are together, and which of the columns say something of a line, which of the whole."""

    name: str
    one: str
    of_whole: Sequence[str]
    of_line: Sequence[str]

    @property
    def plural(self) -> str:
        """Several of them."""
        return f"{self.name}s"

    @property
    def repeated(self) -> str:
        """The code of one whose key another one of the file has."""
        return f"duplicate_{self.name}"


def _noun(name: str, one: str, columns: Sequence[str], of_line: Sequence[str]) -> Noun:
    of_whole = tuple(column for column in columns if column not in of_line)
    return Noun(name=name, one=one, of_whole=of_whole, of_line=of_line)


ORDER = _noun("order", "an order", ORDER_COLUMNS, ("sku", "quantity", "unit_price"))
SHIPMENT = _noun("shipment", "a shipment", SHIPMENT_COLUMNS, ("line_no", "sku", "quantity"))
RETURN = _noun("return", "a return", RETURN_COLUMNS, ("line_no", "sku", "quantity", "disposition", "location"))
TRANSFER = _noun("transfer", "a transfer", TRANSFER_COLUMNS, ())


def _column(pointer: str) -> str:
    return pointer.removeprefix("/")


def fault_reject(fault: RecordFault) -> ImportReject:
    """Report a record that cannot be read."""
    return ImportReject(line=fault.line, column=None, code=fault.code, detail=fault.detail, values={})


def width_reject(line: int, fields: Sequence[str], header: Sequence[str | None]) -> ImportReject:
    """Report a CSV row that does not have as many fields as the header."""
    detail = f"the row has {len(fields)} columns, the header {len(header)}"
    values = {name: field for name, field in zip(header, fields, strict=False) if name}
    return ImportReject(line=line, column=None, code="wrong_width", detail=detail, values=values)


def findings_reject(line: int, findings: Findings, values: Mapping[str, object]) -> ImportReject:
    """Report a row with wrong values: the column and code of the first one, and what is wrong with each."""
    first = findings.errors[0]
    return ImportReject(
        line=line,
        column=_column(first.pointer),
        code=first.code,
        detail="; ".join(f"{_column(found.pointer)} {found.detail}" for found in findings.errors),
        values={name: shown(value) for name, value in values.items()},
    )


def error_reject(
    line: int, error: OmsError, values: Mapping[str, object], *, named: Callable[[str], str] = _column
) -> ImportReject:
    """Report a document that is not valid: the place and code of the first finding, and the text of all of them.

    A finding points into the document; `named` returns the name of that place in the file.
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


def whole_values(noun: Noun, document: Mapping[str, object]) -> dict[str, str]:
    """Return what a document says of the whole, and not of its lines, as cells of a CSV file."""
    return {name: _cell(name, document[name]) for name in noun.of_whole if name in document}


def document_rows(noun: Noun, document: Mapping[str, object]) -> list[dict[str, str]]:
    """Return a document as rows of a CSV file: one for each of its lines, and one line too many at most."""
    whole_of_it = whole_values(noun, document)
    lines = document.get("lines")
    if not isinstance(lines, list) or not lines:
        return [whole_of_it]
    return [{**whole_of_it, **_line_values(noun, line)} for line in lines[:ROWS_KEPT_MAX]]


def document_reject(noun: Noun, line: int, document: Mapping[str, object], error: OmsError) -> ImportReject:
    """Report a document of JSON that is not valid."""
    reject = error_reject(line, error, whole_values(noun, document))
    return replace(reject, rows=document_rows(noun, document))


def refused_reject(noun: Noun, line: int, document: Mapping[str, object], error: OmsError) -> ImportReject:
    """Report a good one that the present state refuses."""
    return ImportReject(
        line=line,
        column=None,
        code=error.code,
        detail=error.detail,
        values=whole_values(noun, document),
        rows=document_rows(noun, document),
    )


def repeated_reject(
    noun: Noun, line: int, document: Mapping[str, object], *, other: int, column: str | None
) -> ImportReject:
    """Report one with the key of another one of the file, which begins in line `other`."""
    return ImportReject(
        line=line,
        column=column,
        code=noun.repeated,
        detail=f"line {other} begins {noun.one} with the same key; rows of one {noun.name} must follow each other",
        values=whole_values(noun, document),
        rows=document_rows(noun, document),
    )


def is_rounded(text: str) -> bool:
    """Return whether a spreadsheet has turned a name into a rounded number: 1.23E+11 may stand for many names."""
    return "+" in text and _is_scientific(text) is not None


def shown(value: object) -> str:
    """Return a value of a row as the text of a CSV column."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def number_or_text(text: str) -> int | str:
    """Return a whole number that a text says. Any other text stays as it is: the check of its column refuses it."""
    try:
        return parse_whole_number(text)
    except ValueError:
        return text


def shorten(text: str) -> str:
    """Return a text from the file as a message may show it: short, and in ASCII."""
    return ascii(text)[1:-1][:_SHOWN_CHARACTERS_MAX]


def _cell(name: str, value: object) -> str:
    """Return a value as the cell of its column, in which an import reads it."""
    if name == "locations" and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return locations_cell(value)
    return shown(value)


def _line_values(noun: Noun, line: object) -> dict[str, str]:
    if not isinstance(line, Mapping):
        return {}
    return {name: shown(whole(line[name])) for name in noun.of_line if name in line}
