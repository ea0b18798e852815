"""A system with orders to be shipped, or taken back, as a file says: what the tests of such files begin with."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from oms_memory import MemoryStorage

from oms_core import (
    Caller,
    CreateShipment,
    ImportReturns,
    ImportShipments,
    OmsError,
    Order,
    OrderLine,
    PlaceOrder,
    ReturnImportReport,
    SetStock,
    ShipmentImportReport,
)
from oms_core.domain.import_commands import ImportActs
from tests.core.imports.import_fixtures import CLERK, Importer, importer_over


@dataclass(frozen=True)
class Desk:
    """A system with two orders of three A and two B each, which are to be shipped, or have been."""

    importer: Importer
    first: Order
    second: Order

    def ship(self, text: str, *, caller: Caller = CLERK, **given: Any) -> ShipmentImportReport:
        """Import a text with the fields of ImportShipments."""
        report = self._told(self.importer.oms.imports.shipments, ImportShipments(**given), text, caller)
        return replace(report, seconds=0.0)

    def take_back(self, text: str, *, caller: Caller = CLERK, **given: Any) -> ReturnImportReport:
        """Import a text with the fields of ImportReturns."""
        report = self._told(self.importer.oms.imports.returns, ImportReturns(**given), text, caller)
        return replace(report, seconds=0.0)

    def _told(self, imports: Callable[..., Any], command: ImportActs, text: str, caller: Caller) -> Any:
        importer = self.importer
        importer.rejects.clear()
        importer.progress.clear()
        told = {"rejects": importer.rejects.append, "progress": importer.progress.append}
        return imports(command, io.BytesIO(text.encode()), caller=caller, **told)

    def refused(self, text: str, **given: Any) -> OmsError:
        """Import a text that must be refused as a whole."""
        with pytest.raises(OmsError) as caught:
            self.ship(text, **given)
        return caught.value

    def shipped(self, order: Order) -> list[tuple[str, list[tuple[int, int]]]]:
        """Give location and (line_no, quantity) of an order's shipments."""
        found = self.importer.oms.shipments.list(order.id, caller=CLERK).shipments
        return [(each.location, [(line.line_no, line.quantity) for line in each.lines]) for each in found]

    def returned(self, order: Order) -> list[list[tuple[int, int, str, str | None]]]:
        """Give line_no, quantity, disposition and location of the lines of an order's returns."""
        found = self.importer.oms.returns.list(order.id, caller=CLERK).returns
        return [
            [(line.line_no, line.quantity, line.disposition.value, line.location) for line in each.lines]
            for each in found
        ]

    def status(self, order: Order) -> str:
        """Give an order's status."""
        return self.importer.oms.orders.get(order.id, caller=CLERK).status.value


def order(importer: Importer, **given: Any) -> Order:
    lines = [OrderLine(sku="A", quantity=3), OrderLine(sku="B", quantity=2)]
    return importer.oms.orders.place(PlaceOrder(**{"customer_id": "C1", **given}, lines=lines), caller=CLERK).order


def desk_over(storage: MemoryStorage) -> Desk:
    importer = importer_over(storage)
    for sku in "AB":
        importer.oms.stock.set(SetStock(sku=sku, on_hand=100), caller=CLERK)
    return Desk(importer, order(importer), order(importer))


@dataclass(frozen=True)
class Acts:
    """A kind of acts on orders that a file may hold, at a desk where they may be done."""

    noun: str
    desk: Desk

    def do(self, text: str, **given: Any) -> Any:
        """Import a text of them."""
        return (self.desk.ship if self.noun == "shipment" else self.desk.take_back)(text, **given)

    def refused(self, text: str, **given: Any) -> OmsError:
        """Import a text that must be refused as a whole."""
        with pytest.raises(OmsError) as caught:
            self.do(text, **given)
        return caught.value

    def report(self, count: int, **counts: int) -> Any:
        """Say what became of them."""
        return (report if self.noun == "shipment" else return_report)(count, **counts)

    def done(self, order: Order) -> list[list[tuple[int, int]]]:
        """Give line_no and quantity of what was done to an order."""
        if self.noun == "shipment":
            return [lines for _, lines in self.desk.shipped(order)]
        return [[line[:2] for line in lines] for lines in self.desk.returned(order)]


def acts_over(noun: str, storage: MemoryStorage) -> Acts:
    desk = desk_over(storage)
    if noun == "return":
        for each in (desk.first, desk.second):
            desk.importer.oms.shipments.create(CreateShipment(order_id=each.id), caller=CLERK)
    return Acts(noun, desk)


def report(shipments: int, *, made: int = 0, replayed: int = 0, refused: int = 0, blank: int = 0) -> Any:
    return ShipmentImportReport(
        shipments=shipments, made=made, replayed=replayed, refused=refused, blank=blank, seconds=0.0
    )


def return_report(returns: int, *, made: int = 0, replayed: int = 0, refused: int = 0, blank: int = 0) -> Any:
    return ReturnImportReport(returns=returns, made=made, replayed=replayed, refused=refused, blank=blank, seconds=0.0)


def json_line(order_id: object, key: str | None = None, **given: Any) -> str:
    keyed = {} if key is None else {"idempotency_key": key}
    return json.dumps({"order_id": str(order_id), **keyed, **given}) + "\n"
