"""A system over memory with one method to import, and what an import told: what the tests of imports begin with."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from oms_contracts.clock import TickingClock
from oms_memory import MemoryStorage

from oms_core import (
    ALL_SCOPES,
    Caller,
    ImportOrders,
    ImportProgress,
    ImportReject,
    ImportStock,
    Oms,
    OmsError,
    Order,
    OrderImportReport,
    Ports,
    Settings,
    StockImportReport,
)

CLERK = Caller(name="clerk", scopes=ALL_SCOPES)


@dataclass
class Importer:
    """A system, and what its last import told."""

    oms: Oms
    rejects: list[ImportReject] = field(default_factory=list)
    progress: list[ImportProgress] = field(default_factory=list)
    report: StockImportReport | None = None

    def import_stock(self, text: str, *, caller: Caller = CLERK, **given: Any) -> StockImportReport:
        """Import a text with the fields of ImportStock; give the figures of its rows, and keep the whole report."""
        self.rejects.clear()
        source = io.BytesIO(text.encode())
        told = {"rejects": self.rejects.append, "progress": self.progress.append}
        self.report = self.oms.imports.stock(ImportStock(**given), source, caller=caller, **told)
        return stock_report(
            self.report.rows,
            applied=self.report.applied,
            unchanged=self.report.unchanged,
            rejected=self.report.rejected,
        )

    def import_orders(self, text: str, *, caller: Caller = CLERK, **given: Any) -> OrderImportReport:
        """Import a text with the fields of ImportOrders."""
        self.rejects.clear()
        source = io.BytesIO(text.encode())
        told = {"rejects": self.rejects.append, "progress": self.progress.append}
        report = self.oms.imports.orders(ImportOrders(**given), source, caller=caller, **told)
        return replace(report, seconds=0.0, blank=0)

    def refused_stock(self, text: str, **given: Any) -> OmsError:
        """Import a text that must be refused as a whole."""
        with pytest.raises(OmsError) as caught:
            self.import_stock(text, **given)
        return caught.value

    def refused_orders_beside(self, text: str, **given: Any) -> OmsError:
        """Import a text that must be refused as a whole, whatever orders there are already."""
        with pytest.raises(OmsError) as caught:
            self.import_orders(text, **given)
        return caught.value

    def refused_orders(self, text: str, **given: Any) -> OmsError:
        """Import a text that must be refused as a whole, where there are no orders yet."""
        error = self.refused_orders_beside(text, **given)
        assert self.orders() == []
        return error

    def on_hand(self, sku: str) -> dict[str, int]:
        """Give a product's counts by location."""
        return {level.location: level.on_hand for level in self.oms.stock.get(sku, caller=CLERK).levels}

    def available(self, sku: str) -> int:
        """Give the units that can still be sold."""
        return self.oms.stock.get(sku, caller=CLERK).available

    def orders(self) -> list[Order]:
        """Give all orders, oldest first."""
        return list(reversed(self.oms.orders.list(caller=CLERK, limit=500).items))

    def told(self) -> list[tuple[int, str | None, str]]:
        """Give line, column and code of the rejects."""
        return [(row.line, row.column, row.code) for row in self.rejects]


def importer_over(storage: MemoryStorage, **settings: Any) -> Importer:
    """Open a system over a storage."""
    return Importer(Oms(settings=Settings(**settings), ports=Ports(storage=storage, clock=TickingClock())))


def stock_report(rows: int, *, applied: int = 0, unchanged: int = 0, rejected: int = 0) -> StockImportReport:
    """Say what became of rows."""
    return StockImportReport(rows=rows, applied=applied, unchanged=unchanged, rejected=rejected, seconds=0.0)


def order_report(orders: int, *, placed: int = 0, replayed: int = 0, refused: int = 0) -> OrderImportReport:
    """Say what became of orders."""
    return OrderImportReport(orders=orders, placed=placed, replayed=replayed, refused=refused, seconds=0.0)
