"""Orders to import: each is a JSON document, or some rows of a CSV file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from oms_core.documents.json_text import parse_json
from oms_core.documents.location_cells import read_locations_cell
from oms_core.documents.orders import read_repeatable_order
from oms_core.domain.import_commands import ORDER_COLUMNS, ImportFormat, ImportReject, key_of_line
from oms_core.domain.validation import one_finding
from oms_core.errors import OmsError
from oms_core.imports.headers import Wanted
from oms_core.imports.records import Lines
from oms_core.imports.rejects import ORDER, number_or_text
from oms_core.imports.row_groups import Document, Grouping, read_documents, read_groups

_REQUIRED = ("customer_id", "sku", "quantity")
_NAMES = ("idempotency_key", "reference", "customer_id", "sku")
_KEYS = ("idempotency_key", "reference")

_NO_KEY = "is required (or a reference), so that a rerun is harmless"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDraft:
    """A good order: the line of the file where it begins, its idempotency key, and its document."""

    line: int
    key: str
    document: Document
    line_count: int


def read_order_rows(
    lines: Lines,
    format: ImportFormat,
    columns: Mapping[str, str],
    *,
    delimiter: str = ",",
    idempotency_key: str | None = None,
) -> Iterator[OrderDraft | ImportReject]:
    """Return the good orders and the malformed ones, in the order of the file.

    JSONL has the document that places an order, with an `idempotency_key`. CSV has a row for each line of an order:
    `idempotency_key,reference,customer_id,currency,sku,quantity,unit_price,metadata,hold_seconds,locations`, in any
    order, under the names in `columns`. The metadata are a JSON object, the locations names with `;` between them. Rows
    with the same key that follow each other are one order; what several of them say of the order must be the same.
    Where an order has no idempotency key, its reference is the key, so that a rerun is harmless; without either it is
    malformed, but in JSONL under an `idempotency_key` of the file, which makes one with the number of the line. Raise
    `validation_error` for a header that lacks a column.
    """
    if format is ImportFormat.JSONL:
        return read_documents(lines, ORDER, partial(_draft, key_of_file=idempotency_key))
    wanted = Wanted(ours=ORDER_COLUMNS, required=_REQUIRED, either=_KEYS, theirs=columns)
    return read_groups(lines, wanted, _ROWS, delimiter=delimiter)


def _draft(line: int, document: Document, key_of_file: str | None = None) -> OrderDraft:
    if document.get("idempotency_key") is None:
        document["idempotency_key"] = document.get("reference")
    if document["idempotency_key"] is None and key_of_file is not None:
        document["idempotency_key"] = key_of_line(key_of_file, line)
    command = read_repeatable_order(document, why=_NO_KEY)
    return OrderDraft(line=line, key=str(command.idempotency_key), document=document, line_count=len(command.lines))


def _draft_of_rows(line: int, document: Document) -> OrderDraft:
    return _draft(line, {**document, **_metadata(document), **_locations(document), **_hold(document)})


def _identity(values: Mapping[str, str]) -> tuple[str]:
    key = values.get("idempotency_key") or values.get("reference")
    if not key:
        raise one_finding("/idempotency_key", "required", _NO_KEY)
    return (key,)


def _metadata(document: Document) -> Document:
    """Return the metadata, a JSON object in one cell. Any other text is left to the check of the order."""
    try:
        return {"metadata": parse_json(str(document["metadata"]).encode())}
    except (KeyError, OmsError):
        return {}


def _locations(document: Document) -> Document:
    return {"locations": read_locations_cell(str(document["locations"]))} if "locations" in document else {}


def _hold(document: Document) -> Document:
    return {name: number_or_text(str(document[name])) for name in ("hold_seconds",) if name in document}


def _line_document(values: Mapping[str, str]) -> Document:
    price = values.get("unit_price")
    return {
        "sku": values["sku"],
        "quantity": number_or_text(values["quantity"]),
        "unit_price": price or None,
    }


_ROWS = Grouping(
    noun=ORDER,
    names=_NAMES,
    identity=_identity,
    shared=ORDER.of_whole,
    line=_line_document,
    draft=_draft_of_rows,
)
