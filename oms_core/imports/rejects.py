"""Rows and orders of a file that are refused: what is wrong with each, worded the same for every kind of file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

from oms_core.documents.orders import whole
from oms_core.domain.import_commands import ORDER_COLUMNS, SHIPMENT_COLUMNS, ImportReject
from oms_core.domain.limits import ORDER_LINES_MAX
from oms_core.domain.numbers import parse_whole_number
from oms_core.domain.validation import Findings
from oms_core.errors import OmsError
from oms_core.imports.records import RecordFault

COLUMNS_OF_LINE = ("sku", "quantity", "unit_price")
COLUMNS_OF_ORDER = tuple(name for name in ORDER_COLUMNS if name not in COLUMNS_OF_LINE)
_OF_SHIPMENT_LINE = ("line_no", "sku", "quantity")
_OF_SHIPMENT = tuple(name for name in SHIPMENT_COLUMNS if name not in _OF_SHIPMENT_LINE)
ROWS_KEPT_MAX = ORDER_LINES_MAX + 1
REPEATED = "duplicate_order"
ROUNDED = ("rounded_number", "is a number that a spreadsheet has rounded: export the column as text")

_SHOWN_CHARACTERS_MAX = 64
_SHOWN_FINDINGS_MAX = 10
_is_scientific = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE]\+[0-9]+").fullmatch


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


def order_values(document: Mapping[str, object]) -> dict[str, str]:
    """Return what a document says of the order itself, and not of its lines, as cells of a CSV file."""
    return {name: shown(document[name]) for name in COLUMNS_OF_ORDER if name in document}


def document_rows(document: Mapping[str, object]) -> list[dict[str, str]]:
    """Return an order's document as rows of a CSV file: one for each of its lines, and one line too many at most."""
    order = order_values(document)
    lines = document.get("lines")
    if not isinstance(lines, list) or not lines:
        return [order]
    return [{**order, **_line_values(line)} for line in lines[:ROWS_KEPT_MAX]]


def shipment_rows(document: Mapping[str, object]) -> list[dict[str, str]]:
    """Return a shipment's document as rows of a CSV file: one for each of its lines, or one for all."""
    shipment = {name: shown(document[name]) for name in _OF_SHIPMENT if document.get(name) is not None}
    lines = document.get("lines")
    if not isinstance(lines, list) or not lines:
        return [shipment]
    kept = [line for line in lines[:ROWS_KEPT_MAX] if isinstance(line, Mapping)]
    return [{**shipment, **{name: shown(line[name]) for name in _OF_SHIPMENT_LINE if name in line}} for line in kept]


def refused_order(line: int, document: Mapping[str, object], error: OmsError) -> ImportReject:
    """Report a good order that the present state refuses."""
    return ImportReject(
        line=line,
        column=None,
        code=error.code,
        detail=error.detail,
        values=order_values(document),
        rows=document_rows(document),
    )


def repeated_reject(line: int, document: Mapping[str, object], *, other: int) -> ImportReject:
    """Report an order with the key of another order of the file, which begins in line `other`."""
    return ImportReject(
        line=line,
        column="idempotency_key",
        code=REPEATED,
        detail=f"line {other} begins an order with the same key; rows of one order must follow each other",
        values=order_values(document),
        rows=document_rows(document),
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


def _line_values(line: object) -> dict[str, str]:
    if not isinstance(line, Mapping):
        return {}
    return {name: shown(whole(line[name])) for name in COLUMNS_OF_LINE if name in line}
