"""A system with orders to be shipped from a file, and what such a file has: what the tests of shipments begin with."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from oms_memory import MemoryStorage

from oms_core import (
    Caller,
    ImportShipments,
    OmsError,
    Order,
    OrderLine,
    PlaceOrder,
    SetStock,
    ShipmentImportReport,
)
from tests.core.imports.import_fixtures import CLERK, Importer, importer_over


@dataclass(frozen=True)
class Desk:
    """A system with two orders of three A and two B each, which are to be shipped."""

    importer: Importer
    first: Order
    second: Order

    def ship(self, text: str, *, caller: Caller = CLERK, **given: Any) -> ShipmentImportReport:
        """Import a text with the fields of ImportShipments."""
        importer = self.importer
        importer.rejects.clear()
        importer.progress.clear()
        report = importer.oms.imports.shipments(
            ImportShipments(**given),
            io.BytesIO(text.encode()),
            caller=caller,
            rejects=importer.rejects.append,
            progress=importer.progress.append,
        )
        return replace(report, seconds=0.0)

    def refused(self, text: str, **given: Any) -> OmsError:
        """Import a text that must be refused as a whole."""
        with pytest.raises(OmsError) as caught:
            self.ship(text, **given)
        return caught.value

    def shipped(self, order: Order) -> list[tuple[str, list[tuple[int, int]]]]:
        """Give location and (line_no, quantity) of an order's shipments."""
        found = self.importer.oms.shipments.list(order.id, caller=CLERK).shipments
        return [(each.location, [(line.line_no, line.quantity) for line in each.lines]) for each in found]

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


def report(shipments: int, *, made: int = 0, replayed: int = 0, refused: int = 0, blank: int = 0) -> Any:
    return ShipmentImportReport(
        shipments=shipments, made=made, replayed=replayed, refused=refused, blank=blank, seconds=0.0
    )


def json_line(order_id: object, key: str | None = None, **given: Any) -> str:
    keyed = {} if key is None else {"idempotency_key": key}
    return json.dumps({"order_id": str(order_id), **keyed, **given}) + "\n"
