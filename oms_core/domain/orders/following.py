"""The status of an order of which something was shipped: nobody sets it, it follows from what is reserved, shipped and
returned.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from oms_core.domain.events import NewEvent
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.order_changes import OrderChange, status_event
from oms_core.domain.orders.returns import Return
from oms_core.domain.orders.shipments import Shipment, ShipmentStatus, Standing
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.products import MovementKind, NewMovement


def following(
    order: Order,
    standing: Standing,
    *,
    movements: tuple[NewMovement, ...],
    shipments: tuple[Shipment, ...] = (),
    returns: tuple[Return, ...] = (),
    events: Sequence[NewEvent],
    reason: str | None = None,
    act_no: int | None = None,
) -> OrderChange:
    """Return a change with the status that follows from the sums after it, and the event of that if it is another."""
    reserved = sum(holding.reserved for holding in standing.holdings)
    shipped = sum(holding.shipped for holding in standing.holdings)
    reserved += sum(row.reserved_delta for row in movements)
    shipped -= sum(row.on_hand_delta for row in movements if row.kind is not MovementKind.RETURN)
    returned = sum(holding.returned for holding in standing.holdings)
    returned += sum(line.quantity for made in returns for line in made.lines)
    present = {each.shipment_no: each.status for each in (*standing.shipments, *shipments)}
    status = status_of(reserved, shipped, returned, is_delivered=are_delivered(present.values()))
    if status is not order.status:
        events = [*events, status_event(order, status, reason)]
    return OrderChange(
        status=status,
        movements=movements,
        events=tuple(events),
        shipments=shipments,
        returns=returns,
        act_no=act_no,
    )


def status_of(reserved: int, shipped: int, returned: int, *, is_delivered: bool) -> OrderStatus:
    """Return the status that follows from an order's units in all, once something of it was shipped.

    `is_delivered` tells whether every shipment was.
    """
    if not shipped:
        return OrderStatus.PROCESSING
    if reserved:
        return OrderStatus.PARTLY_SHIPPED
    if returned:
        return OrderStatus.RETURNED if returned == shipped else OrderStatus.PARTLY_RETURNED
    return OrderStatus.DELIVERED if is_delivered else OrderStatus.SHIPPED


def are_delivered(statuses: Iterable[ShipmentStatus]) -> bool:
    """Return whether all shipments that were not cancelled were delivered; False where there are none."""
    live = {status for status in statuses if status is not ShipmentStatus.CANCELLED}
    return live == {ShipmentStatus.DELIVERED}
