"""Shipments to make: each is a JSON document, or some rows of a CSV file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from oms_core.documents.shipments import read_keyed_shipment
from oms_core.domain.identifiers import parse_uuid
from oms_core.domain.import_commands import SHIPMENT_COLUMNS, ImportFormat, ImportReject, key_of_line
from oms_core.imports.headers import Wanted
from oms_core.imports.records import Lines
from oms_core.imports.rejects import SHIPMENT, number_or_text
from oms_core.imports.row_groups import Document, Grouping, read_documents, read_groups

_NAMES = ("idempotency_key", "sku", "tracking_number", "reference")
# What tells shipments apart. The rest of it stands in for a missing key.
_TOLD_BY = ("order_id", "idempotency_key", "location", "reference", "tracking_number")
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
    draft = partial(_draft, key_of_file=idempotency_key)
    if format is ImportFormat.JSONL:
        return read_documents(lines, SHIPMENT, draft)
    wanted = Wanted(ours=SHIPMENT_COLUMNS, required=("order_id",), theirs=columns)
    rows = Grouping(
        noun=SHIPMENT,
        names=_NAMES,
        identity=_identity,
        told_by=_TOLD_BY,
        shared=tuple(name for name in SHIPMENT.of_whole if name not in _TOLD_BY),
        line=_line,
        draft=lambda line, document: draft(line, _without_empty_line(document)),
    )
    return read_groups(lines, wanted, rows, delimiter=delimiter)


def _identity(values: Mapping[str, str]) -> tuple[str, ...]:
    order_id, *others = (values.get(name, "") for name in _TOLD_BY)
    return (order_id.lower(), *others)


def _line(values: Mapping[str, str]) -> Document:
    """Return a line of a shipment, empty for a row that says none: it is for all that is reserved."""
    line: Document = {name: values[name] for name in SHIPMENT.of_line if values.get(name)}
    return {name: number_or_text(str(value)) if name != "sku" else value for name, value in line.items()}


def _without_empty_line(document: Document) -> Document:
    if document["lines"] != [{}]:
        return document
    return {name: value for name, value in document.items() if name != "lines"}


def _draft(line: int, document: Document, key_of_file: str | None) -> ShipmentDraft:
    if document.get("idempotency_key") is None and (key := _key(line, document, key_of_file)) is not None:
        document["idempotency_key"] = key
    command = read_keyed_shipment(document, why_key=_NO_KEY)
    return ShipmentDraft(line=line, key=str(command.idempotency_key), document=document)


def _key(line: int, document: Document, key_of_file: str | None) -> str | None:
    if document.get("reference") is None and document.get("tracking_number") is None:
        return None if key_of_file is None else key_of_line(key_of_file, line)
    told = [document.get(name) for name in ("location", "reference", "tracking_number")]
    return f"{_order_of(document)}/{hashlib.sha256(json.dumps(told).encode()).hexdigest()}"


def _order_of(document: Document) -> str:
    """Return the id of the order as the core writes it; nothing for one that is none, which is refused."""
    try:
        return str(parse_uuid(str(document.get("order_id"))))
    except ValueError:
        return ""
