"""Shipments to make: each is a JSON document, or some rows of a CSV file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeAlias

from oms_core.documents.shipments import read_keyed_shipment
from oms_core.domain.import_commands import SHIPMENT_COLUMNS, ImportFormat, ImportReject, key_of_line
from oms_core.domain.validation import one_finding
from oms_core.errors import OmsError
from oms_core.imports.headers import Header, Wanted, read_columns
from oms_core.imports.records import Lines, RecordFault, csv_records, json_records
from oms_core.imports.rejects import ROUNDED, error_reject, fault_reject, is_rounded, number_or_text, shipment_rows

Document: TypeAlias = dict[str, object]

_LINE_COLUMNS = ("line_no", "sku", "quantity")
# Texts that a spreadsheet may have taken for numbers.
_NAMES = ("idempotency_key", "sku", "tracking_number", "reference")
# What tells shipments of one order apart, and stands in for a missing key.
_KEYS = ("idempotency_key", "reference", "tracking_number")
_NO_KEY = "is required (or a reference, a tracking number, or a key for the file), so that a rerun is harmless"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentDraft:
    """A good shipment: the line of the file where it begins, its idempotency key, and its document."""

    line: int
    key: str
    document: Document


def read_shipment_rows(
    lines: Lines,
    format: ImportFormat,
    columns: Mapping[str, str],
    *,
    delimiter: str = ",",
    idempotency_key: str | None = None,
) -> Iterator[ShipmentDraft | ImportReject]:
    """Return the good shipments and the malformed ones, in the order of the file.

    JSONL has the document that makes a shipment, with its `order_id`. CSV has a row for a whole shipment, without
    `line_no`, `sku` and `quantity`, or a row for each line of one. Rows that follow each other are one shipment where
    they have the same order, location, key, reference and tracking number. The key of a shipment is its
    `idempotency_key`, or else made of its order, location, reference and tracking number, or of an `idempotency_key`
    for the file and the number of its line; without any it is malformed. Raise `validation_error` for a header that
    lacks a column.
    """
    if format is ImportFormat.JSONL:
        return _read_json(lines, idempotency_key)
    return _read_csv(lines, columns, delimiter, idempotency_key)


def _read_json(lines: Lines, key_of_file: str | None) -> Iterator[ShipmentDraft | ImportReject]:
    for record in json_records(lines):
        if isinstance(record, RecordFault):
            yield fault_reject(record)
        else:
            yield _drafted(*record, key_of_file)


def _read_csv(
    lines: Lines, columns: Mapping[str, str], delimiter: str, key_of_file: str | None
) -> Iterator[ShipmentDraft | ImportReject]:
    header = read_columns(
        lines, Wanted(ours=SHIPMENT_COLUMNS, required=("order_id",), theirs=columns), delimiter=delimiter
    )
    rows = (_read_row(record, header) for record in csv_records(lines, delimiter))
    for _, group in groupby(rows, key=_told_apart):
        first, *others = group
        if isinstance(first, ImportReject):
            yield first
            continue
        lines_of_it = [_line(row.values) for row in (first, *others) if isinstance(row, _Row)]
        document: Document = {
            name: value for name, value in first.values.items() if value and name not in _LINE_COLUMNS
        }
        if others or lines_of_it[0]:
            document["lines"] = lines_of_it
        yield _drafted(first.line, document, key_of_file)


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    values: Mapping[str, str]


def _read_row(record: tuple[int, list[str]] | RecordFault, header: Header) -> _Row | ImportReject:
    if isinstance(record, RecordFault):
        return fault_reject(record)
    line, fields = record
    values = header.values(line, fields)
    if isinstance(values, ImportReject):
        return values
    for name in _NAMES:
        if is_rounded(values.get(name, "")):
            return error_reject(line, one_finding(f"/{name}", *ROUNDED), values)
    return _Row(line, values)


def _told_apart(row: _Row | ImportReject) -> tuple[object, ...]:
    """Return what the rows of one shipment share; a row that cannot be read stands alone."""
    if isinstance(row, ImportReject):
        return (row.line,)
    return tuple(row.values.get(name, "") for name in ("order_id", "location", *_KEYS))


def _line(values: Mapping[str, str]) -> Document:
    """Return a line of a shipment, empty for a row that says none: it is for all that is reserved."""
    line: Document = {name: values[name] for name in _LINE_COLUMNS if values.get(name)}
    return {name: number_or_text(str(value)) if name != "sku" else value for name, value in line.items()}


def _drafted(line: int, document: Document, key_of_file: str | None) -> ShipmentDraft | ImportReject:
    if document.get("idempotency_key") is None and (key := _key(line, document, key_of_file)) is not None:
        document["idempotency_key"] = key
    try:
        command = read_keyed_shipment(document, why_key=_NO_KEY)
    except OmsError as error:
        rows = shipment_rows(document)
        return replace(error_reject(line, error, rows[0]), rows=rows)
    return ShipmentDraft(line=line, key=str(command.idempotency_key), document=document)


def _key(line: int, document: Document, key_of_file: str | None) -> str | None:
    if document.get("reference") is None and document.get("tracking_number") is None:
        return None if key_of_file is None else key_of_line(key_of_file, line)
    told = [document.get(name) for name in ("location", "reference", "tracking_number")]
    return f"{document.get('order_id')}/{hashlib.sha256(json.dumps(told).encode()).hexdigest()}"
