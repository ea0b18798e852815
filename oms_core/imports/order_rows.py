"""Orders to import: each is a JSON document, or some rows of a CSV file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from oms_core.documents.json_text import parse_json
from oms_core.documents.orders import read_repeatable_order
from oms_core.domain.import_commands import ORDER_COLUMNS, ImportFormat, ImportReject, key_of_line
from oms_core.domain.validation import one_finding
from oms_core.errors import OmsError
from oms_core.imports.headers import Header, Wanted, read_columns
from oms_core.imports.records import Lines, RecordFault, csv_records, json_records
from oms_core.imports.rejects import (
    COLUMNS_OF_ORDER,
    ROUNDED,
    ROWS_KEPT_MAX,
    document_rows,
    error_reject,
    fault_reject,
    is_rounded,
    number_or_text,
    order_values,
)

_REQUIRED = ("customer_id", "sku", "quantity")
_NAMES = ("idempotency_key", "reference", "customer_id", "sku")
_KEYS = ("idempotency_key", "reference")

_NO_KEY = "is required (or a reference), so that a rerun is harmless"

Document: TypeAlias = dict[str, object]


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
    `idempotency_key,reference,customer_id,currency,sku,quantity,unit_price,metadata,hold_seconds`, in any order, under
    the names in `columns`. The metadata are a JSON object. Rows with the same key that follow each other are one
    order; what several of them say of the order must be the same. Where an order has no idempotency key, its reference
    is the key, so that a rerun is harmless; without either it is malformed, but in JSONL under an `idempotency_key` of
    the file, which makes one with the number of the line. Raise `validation_error` for a header that lacks a column.
    """
    if format is ImportFormat.JSONL:
        return _read_json(lines, idempotency_key)
    return _read_csv(lines, columns, delimiter)


def _read_json(lines: Lines, idempotency_key: str | None) -> Iterator[OrderDraft | ImportReject]:
    for record in json_records(lines):
        if isinstance(record, RecordFault):
            yield fault_reject(record)
            continue
        line, document = record
        try:
            yield _draft(line, document, idempotency_key)
        except OmsError as error:
            reject = error_reject(line, error, order_values(document))
            yield replace(reject, rows=document_rows(document))


def _draft(line: int, document: Document, key_of_file: str | None = None) -> OrderDraft:
    if document.get("idempotency_key") is None:
        document["idempotency_key"] = document.get("reference")
    if document["idempotency_key"] is None and key_of_file is not None:
        document["idempotency_key"] = key_of_line(key_of_file, line)
    command = read_repeatable_order(document, why=_NO_KEY)
    return OrderDraft(line=line, key=str(command.idempotency_key), document=document, line_count=len(command.lines))


def _read_csv(lines: Lines, columns: Mapping[str, str], delimiter: str) -> Iterator[OrderDraft | ImportReject]:
    wanted = Wanted(ours=ORDER_COLUMNS, required=_REQUIRED, either=_KEYS, theirs=columns)
    header = read_columns(lines, wanted, delimiter=delimiter)
    order: _OpenOrder | None = None
    bad_line: int | None = None
    for record in csv_records(lines, delimiter):
        row = _read_row(record, header)
        if isinstance(row, ImportReject):
            yield row
            bad_line = row.line
            if order is not None:
                order.bad_line = bad_line
            continue
        if order is None or order.identity != row.identity:
            if order is not None:
                yield order.close()
            order = _OpenOrder(line=row.line, identity=row.identity, bad_line=bad_line)
        order.add(row)
        bad_line = None
    if order is not None:
        yield order.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    line: int
    identity: tuple[str, str]
    values: Mapping[str, str]


def _read_row(record: tuple[int, list[str]] | RecordFault, header: Header) -> _Row | ImportReject:
    if isinstance(record, RecordFault):
        return fault_reject(record)
    line, fields = record
    values = header.values(line, fields)
    if isinstance(values, ImportReject):
        return values
    key = values.get("idempotency_key") or values.get("reference")
    if not key:
        return error_reject(line, _no_key(), values)
    for name in _NAMES:
        if is_rounded(values.get(name, "")):
            return error_reject(line, one_finding(f"/{name}", *ROUNDED), values)
    return _Row(line=line, identity=(key, header.told_apart(fields)), values=values)


@dataclass(slots=True, kw_only=True)
class _OpenOrder:
    """An order whose rows are still coming. `bad_line`: a line before or among them that cannot be read."""

    line: int
    identity: tuple[str, str]
    bad_line: int | None
    document: Document = field(default_factory=dict)
    lines: list[Document] = field(default_factory=list)
    line_numbers: list[int] = field(default_factory=list)
    rows: list[Mapping[str, str]] = field(default_factory=list)
    row_count: int = 0
    conflict: ImportReject | None = None

    def add(self, row: _Row) -> None:
        """Add the next row. Of an order with too many lines, no more is kept than shows that it has."""
        self.row_count += 1
        for name in COLUMNS_OF_ORDER:
            if (value := row.values.get(name)) and self.document.setdefault(name, value) != value:
                detail = f"{name} is not what line {self.line} gives for the same order"
                self.conflict = self.conflict or ImportReject(
                    line=row.line, column=name, code="conflicting_value", detail=detail, values=row.values
                )
        if len(self.lines) < ROWS_KEPT_MAX:
            self.rows.append(row.values)
            self.lines.append(_line_document(row.values))
            self.line_numbers.append(row.line)

    def close(self) -> OrderDraft | ImportReject:
        """Return the order, all of whose rows have come, or why it is malformed."""
        closed = self._close()
        if isinstance(closed, OrderDraft):
            return closed
        detail = closed.detail
        if self.row_count > len(self.rows):
            detail += f"; of its {self.row_count} lines the first {len(self.rows)} are kept"
        return replace(closed, detail=detail, rows=tuple(self.rows))

    def _close(self) -> OrderDraft | ImportReject:
        if self.bad_line is not None:
            detail = f"line {self.bad_line}, which may belong to this order, cannot be read"
            values = order_values(self.document)
            return ImportReject(line=self.line, column=None, code="incomplete_order", detail=detail, values=values)
        if self.conflict is not None:
            return self.conflict
        try:
            return _draft(
                self.line, {**self.document, **_metadata(self.document), **_hold(self.document), "lines": self.lines}
            )
        except OmsError as error:
            return self._reject(error)

    def _reject(self, error: OmsError) -> ImportReject:
        """Report an error that points into the document by the row and the column of the file."""
        reject = error_reject(self.line, error, self.document, named=self._named)
        match (reject.column or "").split("/"):
            case ["lines", index, column]:
                return replace(reject, line=self.line_numbers[int(index)], column=column)
        return reject

    def _named(self, pointer: str) -> str:
        """Return the name of a value in the file: its column, and its line where the order has several."""
        match pointer.split("/"):
            case ["", "lines", index, column] if len(self.line_numbers) > 1:
                return f"{column} of line {self.line_numbers[int(index)]}"
            case ["", "lines", _, column]:
                return column
        return pointer.removeprefix("/")


def _metadata(document: Document) -> Document:
    """Return the metadata, a JSON object in one cell. Any other text is left to the check of the order."""
    try:
        return {"metadata": parse_json(str(document["metadata"]).encode())}
    except (KeyError, OmsError):
        return {}


def _hold(document: Document) -> Document:
    return {name: number_or_text(str(document[name])) for name in ("hold_seconds",) if name in document}


def _line_document(values: Mapping[str, str]) -> Document:
    price = values.get("unit_price")
    return {
        "sku": values["sku"],
        "quantity": number_or_text(values["quantity"]),
        "unit_price": price or None,
    }


def _no_key() -> OmsError:
    return one_finding("/idempotency_key", "required", _NO_KEY)
