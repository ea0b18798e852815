"""The files' own figures, added up by simple code that shares nothing with the replay it is compared with."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

PerInvoice = defaultdict[str, Counter[str]]  # Invoice to SKU to units.


def _per_invoice() -> PerInvoice:
    return defaultdict(Counter)


@dataclass(slots=True)
class Sheet:
    """Per invoice: its customer, and what it sold line by line, took back, or corrected (signed units)."""

    customers: dict[str, str] = field(default_factory=dict)
    sold: dict[str, list[tuple[str, int, Decimal]]] = field(default_factory=lambda: defaultdict(list))
    taken_back: PerInvoice = field(default_factory=_per_invoice)
    corrected: PerInvoice = field(default_factory=_per_invoice)

    def units_sold(self, invoice: str) -> Counter[str]:
        """Sum an invoice's units per SKU."""
        units: Counter[str] = Counter()
        for sku, quantity, _ in self.sold.get(invoice, []):
            units[sku] += quantity
        return units

    def opening(self) -> Counter[str]:
        """Sum what the shelves must hold to begin with: all that is sold or written off."""
        units: Counter[str] = Counter()
        for invoice in self.sold:
            units.update(self.units_sold(invoice))
        for corrections in self.corrected.values():
            units.update({sku: -quantity for sku, quantity in corrections.items() if quantity < 0})
        return units


def read_sheet(paths: Iterable[Path], *, ignoring: Collection[str] = ()) -> Sheet:
    """Add up the files, passing over the invoices that `ignoring` names."""
    invoices: dict[str, list[dict[str, str]]] = defaultdict(list)
    for path in paths:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")
        for row in csv.DictReader(io.StringIO(text, newline="")):
            if row["InvoiceNo"] not in ignoring:
                invoices[row["InvoiceNo"]].append(row)
    sheet = Sheet()
    for rows in invoices.values():
        unpaid = all(Decimal(row["UnitPrice"]) == 0 and not row["CustomerID"] for row in rows)
        for row in rows:
            _enter(sheet, row, unpaid)
    return sheet


def _enter(sheet: Sheet, row: dict[str, str], unpaid: bool) -> None:
    invoice, sku, units = row["InvoiceNo"], row["StockCode"].strip().upper(), int(row["Quantity"])
    if not sku[:5].isdigit() and sku[:4] != "DCGS":
        return
    sheet.customers[invoice] = row["CustomerID"].split(".")[0] or "walk-in"
    if invoice[0] == "C":
        sheet.taken_back[invoice][sku] -= units
    elif unpaid:
        sheet.corrected[invoice][sku] += units
    else:
        sheet.sold[invoice].append((sku, units, Decimal(row["UnitPrice"])))
