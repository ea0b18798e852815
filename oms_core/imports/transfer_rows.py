"""Transfers to be made: each is a JSON document, or a row of a CSV file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from oms_core.documents.transfers import read_keyed_transfer
from oms_core.domain.import_commands import ImportFormat, ImportReject, key_of_line
from oms_core.domain.stock.transfers import TransferStock
from oms_core.domain.transfer_imports import TRANSFER_COLUMNS
from oms_core.domain.validation import one_finding
from oms_core.errors import OmsError
from oms_core.imports.act_rows import ActDraft
from oms_core.imports.headers import Header, Wanted, read_columns
from oms_core.imports.records import Lines, RecordFault, csv_records
from oms_core.imports.rejects import ROUNDED, TRANSFER, error_reject, fault_reject, is_rounded, number_or_text
from oms_core.imports.row_groups import Document, read_documents

_REQUIRED = ("sku", "from", "to", "quantity")
_NAMES = ("idempotency_key", "sku", "from", "to", "reference")


def read_transfer(document: Mapping[str, object]) -> TransferStock:
    """Read the document of a row. Raise `validation_error`."""
    return read_keyed_transfer(document, why_key="is required (or a key for the file), so that a rerun is harmless")


def read_transfer_rows(
    lines: Lines,
    format: ImportFormat,
    columns: Mapping[str, str],
    *,
    delimiter: str = ",",
    idempotency_key: str | None = None,
) -> Iterator[ActDraft | ImportReject]:
    """Return the good transfers and the malformed ones, in the order of the file.

    CSV begins with a header of `sku,from,to,quantity[,reason,reference,idempotency_key]`, in any order, under the names
    in `columns`. JSONL has objects with these members. A row without a key has that of an `idempotency_key` for the
    file and the number of its line; without either it is malformed. Raise `validation_error` for a header that lacks a
    column.
    """
    if format is ImportFormat.JSONL:
        yield from read_documents(lines, TRANSFER, partial(_draft, key_of_file=idempotency_key))
        return
    header = read_columns(lines, Wanted(ours=TRANSFER_COLUMNS, required=_REQUIRED, theirs=columns), delimiter=delimiter)
    for record in csv_records(lines, delimiter):
        yield fault_reject(record) if isinstance(record, RecordFault) else _read_row(*record, header, idempotency_key)


def _read_row(line: int, fields: list[str], header: Header, key_of_file: str | None) -> ActDraft | ImportReject:
    values = header.values(line, fields)
    if isinstance(values, ImportReject):
        return values
    document: Document = {name: value for name, value in values.items() if value}
    if "quantity" in document:
        document["quantity"] = number_or_text(values["quantity"])
    try:
        for name in _NAMES:
            if is_rounded(values.get(name, "")):
                raise one_finding(f"/{name}", *ROUNDED)
        return _draft(line, document, key_of_file)
    except OmsError as error:
        return error_reject(line, error, document)


def _draft(line: int, document: Document, key_of_file: str | None) -> ActDraft:
    """Make the draft of a document, which gets a key. A file of rejects keeps that, although the line is another."""
    if document.get("idempotency_key") is None and key_of_file is not None:
        document["idempotency_key"] = key_of_line(key_of_file, line)
    command = read_transfer(document)
    return ActDraft(line=line, key=str(command.idempotency_key), document=document)
