"""An order of three lines, what it holds, and its shipments: what the tests of shipping begin with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from oms_core import ALL_SCOPES, Caller, OmsError, Order, OrderStatus
from oms_core.domain.orders.order import Holding, PlacedLine
from oms_core.domain.orders.order_changes import OrderChange
from oms_core.domain.orders.shipments import Shipment, ShipmentLine, ShipmentStatus, ShippedLine, Standing, shipment_id

ORDER_ID = UUID(int=1)
CLERK = Caller(name="clerk", scopes=ALL_SCOPES)
PLACED_AT = datetime(2026, 1, 2, tzinfo=UTC)
NOW = PLACED_AT + timedelta(hours=1)
S = ShipmentStatus


def order(status: OrderStatus = OrderStatus.PENDING) -> Order:
    """Give an order at version 3: five A in line 1, two B in line 2, four A in line 3."""
    lines = [("A", 5), ("B", 2), ("A", 4)]
    return Order(
        id=ORDER_ID,
        status=status,
        customer_id="C1",
        reference=None,
        currency="EUR",
        lines=tuple(
            PlacedLine(line_no=number, sku=sku, quantity=quantity, unit_price=None)
            for number, (sku, quantity) in enumerate(lines, start=1)
        ),
        total=None,
        metadata={},
        failure=None,
        attempts=0,
        version=3,
        created_at=PLACED_AT,
        updated_at=PLACED_AT,
    )


def holding(line_no: int, location: str = "main", *, reserved: int = 0, shipped: int = 0, returned: int = 0) -> Holding:
    """Give what a line holds at a location."""
    sku = order().lines[line_no - 1].sku
    return Holding(line_no=line_no, sku=sku, location=location, reserved=reserved, shipped=shipped, returned=returned)


ALL = (holding(1, reserved=5), holding(2, reserved=2), holding(3, reserved=4))


def shipment(number: int = 1, status: ShipmentStatus = S.SHIPPED, *lines: tuple[int, int]) -> Shipment:
    """Give a shipment of (line_no, quantity) from `main`."""
    return Shipment(
        id=shipment_id(ORDER_ID, number),
        order_id=ORDER_ID,
        shipment_no=number,
        status=status,
        location="main",
        lines=tuple(ShippedLine(line_no=no, sku=order().lines[no - 1].sku, quantity=units) for no, units in lines),
        reference=None,
        created_at=PLACED_AT,
        updated_at=PLACED_AT,
        delivered_at=PLACED_AT if status is S.DELIVERED else None,
    )


def standing(holdings: Sequence[Holding] = ALL, *shipments: Shipment) -> Standing:
    """Give how the order stands at NOW."""
    return Standing(at=NOW, holdings=holdings, shipments=shipments)


def units(*wanted: tuple[int | str, int]) -> list[ShipmentLine]:
    """Give lines of a shipment from (line_no or SKU, quantity)."""
    return [
        ShipmentLine(quantity=quantity, sku=what)
        if isinstance(what, str)
        else ShipmentLine(quantity=quantity, line_no=what)
        for what, quantity in wanted
    ]


def refusal(act: Callable[[], object]) -> OmsError:
    """Give the error that an act raises."""
    with pytest.raises(OmsError) as caught:
        act()
    return caught.value


def rows(change: OrderChange) -> list[tuple[str, int | None, str, int, int]]:
    """Give kind, line, location and both deltas of what a change writes to the ledger."""
    return [
        (row.kind.value, row.line_no, row.location, row.on_hand_delta, row.reserved_delta) for row in change.movements
    ]


def types(change: OrderChange) -> list[str]:
    """Give the types of a change's events."""
    return [event.type.value for event in change.events]
