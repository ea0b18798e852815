"""Reads the lines of Online Retail files as they were recorded, and says of each that it cannot read why."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from oms_core.domain.money import parse_money
from oms_core.domain.validation import Findings

COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of an invoice.

    `place` is "file:row" (the header is row 1); `code` is as recorded, `sku` is the name of the shelf: codes that
    differ in case only name one. `quantity` is signed; `customer_id` is None where none was recorded.
    """

    place: str
    invoice: str
    code: str
    description: str
    quantity: int
    invoiced_at: str
    unit_price: Decimal
    customer_id: str | None
    country: str

    @property
    def sku(self) -> str:
        """The code in capitals."""
        return self.code.upper()

    @property
    def amount(self) -> Decimal:
        """What the line comes to, signed as its quantity."""
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadLine:
    """A line that cannot be understood, at `place`, and why; `invoice` as far as it can be told."""

    place: str
    invoice: str
    reason: str


def read_files(paths: Sequence[Path]) -> list[Line | UnreadLine]:
    """Read .csv or .csv.gz files (UTF-8, with or without a BOM), in the order given; ValueError for other columns."""
    return [line for path in paths for line in _read_file(path)]


def _read_file(path: Path) -> Iterator[Line | UnreadLine]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    header = next(rows, [])
    if tuple(header) != COLUMNS:
        raise ValueError(f"{path.name}: the columns must be {', '.join(COLUMNS)}; they are {', '.join(header)}")
    for number, row in enumerate(rows, start=2):
        yield _read_row(f"{path.name}:{number}", row)


def _read_row(place: str, row: Sequence[str]) -> Line | UnreadLine:
    values = [value.strip() for value in row]
    try:
        if len(values) != len(COLUMNS):
            raise ValueError(f"{len(values)} columns, not {len(COLUMNS)}")
        return _line(place, dict(zip(COLUMNS, values, strict=True)))
    except ValueError as error:
        return UnreadLine(place=place, invoice=values[0] if values else "", reason=str(error))


def _line(place: str, row: Mapping[str, str]) -> Line:
    if not row["InvoiceNo"]:
        raise ValueError("InvoiceNo is missing")
    findings = Findings()
    findings.sku("StockCode", row["StockCode"].upper())
    if findings.errors:
        raise ValueError(f"StockCode {row['StockCode']!r} {findings.errors[0].detail}")
    return Line(
        place=place,
        invoice=row["InvoiceNo"],
        code=row["StockCode"],
        description=" ".join(row["Description"].split()),
        quantity=_quantity(row["Quantity"]),
        invoiced_at=row["InvoiceDate"],
        unit_price=_unit_price(row["UnitPrice"]),
        customer_id=row["CustomerID"].removesuffix(".0") or None,  # 17850.0: the number went through a float once.
        country=row["Country"],
    )


def _quantity(text: str) -> int:
    try:
        quantity = int(text)
    except ValueError as error:
        raise ValueError(f"Quantity {text!r} is not a whole number") from error
    if quantity == 0:
        raise ValueError("Quantity is 0")
    return quantity


def _unit_price(text: str) -> Decimal:
    try:
        return parse_money(text)
    except ValueError as error:
        raise ValueError(f"UnitPrice {text!r} {error}") from error
