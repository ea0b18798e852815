"""The commands to import a file, and the reports of what was done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from oms_core.domain import limits
from oms_core.domain.commands import check_idempotency_key, check_reason
from oms_core.domain.validation import Findings

# A number of a line has at most seven digits.
_KEY_OF_FILE_LENGTH_MAX = limits.IDEMPOTENCY_KEY_LENGTH_MAX - 8
_NO_DELIMITERS = frozenset("\"'\r\n +-\0")

STOCK_COLUMNS = ("sku", "quantity", "location", "name", "reason", "reference")
REASON_COLUMNS = ("line", "column", "code", "detail")  # The further columns of a file of rejects.
ORDER_COLUMNS = (
    *("idempotency_key", "reference", "customer_id", "currency", "sku", "quantity", "unit_price", "metadata"),
    *("hold_seconds", "locations"),
)
SHIPMENT_COLUMNS = (
    *("idempotency_key", "order_id", "location", "line_no", "sku", "quantity"),
    *("carrier", "tracking_number", "tracking_url", "reference"),
)
RETURN_COLUMNS = (
    *("idempotency_key", "order_id", "line_no", "sku", "quantity"),
    *("disposition", "location", "reference", "reason"),
)


class ImportFormat(StrEnum):
    """How rows are written: CSV (RFC 4180) with a header, or one JSON object per line."""

    CSV = "csv"
    JSONL = "jsonl"


class ImportMode(StrEnum):
    """What a quantity means: an absolute count, or a signed difference."""

    SET = "set"
    ADJUST = "adjust"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportStock:
    """Import counts or differences of stock, in transactions of `batch_size` rows.

    `format` None reads JSONL when the first character is `{`, else CSV. `reason` is for rows without a reason of their
    own. `skip_bad` applies the good rows although others are malformed. `dry_run` decides everything and changes
    nothing. `idempotency_key` makes the import resumable; mode adjust needs one.

    `columns` maps a column of ours to the file's name for it (`{"sku": "Article"}`); further columns of a CSV file are
    then ignored. `existing_only` refuses SKUs and locations that do not exist yet. `delimiter` separates the fields of
    a CSV file. Raises `validation_error`.
    """

    mode: ImportMode = ImportMode.SET
    format: ImportFormat | None = None
    batch_size: int = limits.IMPORT_BATCH_ROWS_DEFAULT
    skip_bad: bool = False
    dry_run: bool = False
    existing_only: bool = False
    reason: str | None = None
    idempotency_key: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = ","

    def __post_init__(self) -> None:
        findings = Findings()
        _check_columns(findings, self.columns, STOCK_COLUMNS)
        _check_delimiter(findings, self.delimiter)
        if not isinstance(self.mode, ImportMode):
            findings.add("/mode", "unknown_mode", f"must be one of {', '.join(ImportMode)}")
        _check_format(findings, self.format)
        findings.whole_number("/batch_size", self.batch_size, lowest=1, highest=limits.IMPORT_BATCH_ROWS_MAX)
        check_reason(findings, self.reason)
        check_idempotency_key(findings, self.idempotency_key)
        if self.mode is ImportMode.ADJUST and self.idempotency_key is None and not self.dry_run:
            detail = "is required to adjust: differences must not be applied twice when the import is run again"
            findings.add("/idempotency_key", "required", detail)
        findings.raise_if_any()
        object.__setattr__(self, "columns", dict(self.columns))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOrders:
    """Import orders in the order of the file, each all or nothing.

    `format`, `columns`, `delimiter` and `skip_bad` are as in ImportStock; `dry_run` decides each order as if those
    before it had been placed, and places none. `idempotency_key` and the number of its line are the key of a line
    of JSON that has neither a key nor a reference. Raises `validation_error`.
    """

    format: ImportFormat | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = ","
    skip_bad: bool = False
    dry_run: bool = False
    idempotency_key: str | None = None

    def __post_init__(self) -> None:
        findings = Findings()
        _check_format(findings, self.format)
        _check_columns(findings, self.columns, ORDER_COLUMNS)
        _check_key_of_lines(findings, self.idempotency_key)
        _check_delimiter(findings, self.delimiter)
        findings.raise_if_any()
        object.__setattr__(self, "columns", dict(self.columns))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportActs:
    """Act as a file says: what the imports of shipments, of returns and of transfers have in common.

    `format`, `columns`, `delimiter` and `skip_bad` are as in ImportStock. `COLUMNS` are those that a file may have.
    Raises `validation_error`.
    """

    COLUMNS: ClassVar[Sequence[str]] = ()

    format: ImportFormat | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = ","
    skip_bad: bool = False
    idempotency_key: str | None = None

    def __post_init__(self) -> None:
        findings = Findings()
        _check_format(findings, self.format)
        _check_columns(findings, self.columns, self.COLUMNS)
        _check_key_of_lines(findings, self.idempotency_key)
        _check_delimiter(findings, self.delimiter)
        findings.raise_if_any()
        object.__setattr__(self, "columns", dict(self.columns))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportShipments(ImportActs):
    """Ship orders as a file says, in the order of the file, each shipment if it may be made.

    `format`, `columns`, `delimiter` and `skip_bad` are as in ImportStock. `idempotency_key` and the number of its line
    are the key of a shipment that has neither a key nor a reference nor a tracking number. Raises `validation_error`.
    """

    COLUMNS: ClassVar[Sequence[str]] = SHIPMENT_COLUMNS


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReturns(ImportActs):
    """Take back units of orders as a file says, in the order of the file, each return if it may be made.

    `format`, `columns`, `delimiter` and `skip_bad` are as in ImportStock. `idempotency_key` and the number of its line
    are the key of a return that has neither a key nor a reference. Raises `validation_error`.
    """

    COLUMNS: ClassVar[Sequence[str]] = RETURN_COLUMNS


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReject:
    """A row that was not applied: `line` is where it begins in the file, from 1.

    A malformed row has a `column` if one column is at fault. A refused row has the error code of the refusal. `values`
    are the row's columns as they were read (empty when the row could not be read at all). For an order,
    a shipment or a return, `rows` are all its rows, as an import of CSV reads them.
    """

    line: int
    column: str | None
    code: str
    detail: str
    values: Mapping[str, str]
    rows: Sequence[Mapping[str, str]] = ()


class ImportStage(StrEnum):
    """What an import is doing: reading the file, or applying its rows."""

    READING = "reading"
    APPLYING = "applying"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProgress:
    """How far an import has come: `done` rows (or orders) of `total`; while reading, `total` is not known."""

    stage: ImportStage
    done: int
    total: int | None


TellProgress = Callable[[ImportProgress], None]
TellReject = Callable[[ImportReject], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StockImportReport:
    """The result of a stock import: `rows` = `applied` + `unchanged` + `rejected`; `blank` rows were empty and not
    counted.

    `created` counts the new products; `created_skus` are the first 20 that this run has made. `new_locations` are the
    first 20 locations that were in no setting and had no stock. `seconds` is the time of this run.

    After a rerun under an idempotency key the figures are those of the whole import. `replayed` counts the rows that
    earlier runs had decided, and `was_done` tells whether these were all.
    """

    rows: int
    applied: int
    unchanged: int
    rejected: int
    seconds: float
    replayed: int = 0
    was_done: bool = False
    blank: int = 0
    created: int = 0
    created_skus: tuple[str, ...] = ()
    new_locations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderImportReport:
    """The result of an import of orders: `orders` = `placed` + `replayed` + `refused`; `blank` rows were empty.

    `seconds` is the time it took.
    """

    orders: int
    placed: int
    replayed: int
    refused: int
    seconds: float
    blank: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ActImportReport:
    """The result of an import of acts: how many were made, had been made before, and were refused.

    `blank` rows were empty. `seconds` is the time it took.
    """

    made: int
    replayed: int
    refused: int
    seconds: float
    blank: int = 0

    @property
    def count(self) -> int:
        """How many acts the file has."""
        return self.made + self.replayed + self.refused


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentImportReport(ActImportReport):
    """The result of an import of shipments: `shipments` = `made` + `replayed` + `refused`."""

    shipments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnImportReport(ActImportReport):
    """The result of an import of returns: `returns` = `made` + `replayed` + `refused`."""

    returns: int


def key_of_line(idempotency_key: str, line: int) -> str:
    """Return the idempotency key of an order that has none, in a file that has one."""
    return f"{idempotency_key}#{line}"


def _check_key_of_lines(findings: Findings, idempotency_key: str | None) -> None:
    check_idempotency_key(findings, idempotency_key)
    if isinstance(idempotency_key, str) and len(idempotency_key) > _KEY_OF_FILE_LENGTH_MAX:
        detail = f"must have at most {_KEY_OF_FILE_LENGTH_MAX} characters here, since the number of a line follows it"
        findings.add("/idempotency_key", "wrong_length", detail)


def _check_format(findings: Findings, chosen: object) -> None:
    if chosen is not None and not isinstance(chosen, ImportFormat):
        findings.add("/format", "unknown_format", f"must be one of {', '.join(ImportFormat)}")


def _check_columns(findings: Findings, columns: Mapping[str, str], known: Sequence[str]) -> None:
    for ours, theirs in columns.items():
        if ours not in known:
            findings.add("/columns", "unknown_column", f"maps {ours!r}; it may map {', '.join(known)}")
        findings.prose(f"/columns/{ours}", theirs, longest=limits.NAME_LENGTH_MAX)


def _check_delimiter(findings: Findings, delimiter: object) -> None:
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter.isalnum() or delimiter in _NO_DELIMITERS:
        findings.add("/delimiter", "bad_delimiter", "must be one character that is no letter, digit, quote or line end")
