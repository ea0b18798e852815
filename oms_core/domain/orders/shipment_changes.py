"""The decisions on shipments that are there: how they travel, that they were delivered, and taking one back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from oms_core.domain.events import EventType
from oms_core.domain.orders.following import following
from oms_core.domain.orders.order import Holding, Order
from oms_core.domain.orders.order_changes import OrderChange, check_room, check_version, status_event
from oms_core.domain.orders.shipments import Shipment, ShipmentStatus, Standing, Tracking
from oms_core.domain.orders.shipping import shipment_event, shown_lines, shown_tracking
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.shipment_commands import CancelShipment, UpdateShipment
from oms_core.domain.stock.products import MovementKind, NewMovement
from oms_core.errors import OmsError


def decide_shipment_update(order: Order, standing: Standing, command: UpdateShipment) -> OrderChange | None:
    """Decide how a shipment travels, and whether it was delivered; None when it is so already.

    Raise `shipment_not_found`, `version_mismatch`, `shipment_cancelled` or `shipment_delivered`.
    """
    before = _shipment(standing, command.shipment_no)
    tracking = command.tracking(before)
    status = before.status if command.status is None else command.status
    is_told_more = tracking != _tracking(before)
    if status is before.status and not is_told_more:
        return None
    check_version(order, command.if_version)
    if before.status is ShipmentStatus.CANCELLED:
        raise OmsError("shipment_cancelled", f"shipment {before.shipment_no} was cancelled")
    if status is ShipmentStatus.SHIPPED and before.status is ShipmentStatus.DELIVERED:
        raise _delivered(before)
    after = replace(
        before,
        status=status,
        carrier=tracking.carrier,
        tracking_number=tracking.tracking_number,
        tracking_url=tracking.tracking_url,
        updated_at=standing.at,
        delivered_at=standing.at if status is not before.status else before.delivered_at,
    )
    events = [shipment_event(order, EventType.SHIPMENT_UPDATED, after, shown_tracking(after))] if is_told_more else []
    if status is not before.status:
        events.append(shipment_event(order, EventType.SHIPMENT_DELIVERED, after, {}))
    return following(order, standing, movements=(), shipments=(after,), events=events)


def decide_shipment_cancellation(order: Order, standing: Standing, command: CancelShipment) -> OrderChange | None:
    """Decide to take a shipment back: its units are on hand and reserved again; None where that was done.

    Raise `shipment_not_found`, `version_mismatch`, `shipment_delivered`, `shipment_returned` or `stock_limit`.
    """
    shipment = _shipment(standing, command.shipment_no)
    if shipment.status is ShipmentStatus.CANCELLED:
        return None
    check_version(order, command.if_version)
    if shipment.status is ShipmentStatus.DELIVERED:
        raise _delivered(shipment)
    _check_not_returned(standing.holdings, shipment)
    movements = tuple(
        NewMovement(
            sku=line.sku,
            location=shipment.location,
            kind=MovementKind.UNSHIP,
            on_hand_delta=line.quantity,
            reserved_delta=line.quantity,
            order_id=order.id,
            line_no=line.line_no,
            reason=command.reason,
            act_id=shipment.id,
        )
        for line in shipment.lines
    )
    check_room(movements, standing.counts)
    after = replace(shipment, status=ShipmentStatus.CANCELLED, updated_at=standing.at)
    data = {"location": after.location, "lines": shown_lines(after), "reason": command.reason}
    event = shipment_event(order, EventType.SHIPMENT_CANCELLED, after, data)
    return following(order, standing, movements=movements, shipments=(after,), events=[event], reason=command.reason)


def deliver_all(order: Order, standing: Standing, reason: str | None) -> OrderChange:
    """Return what is written when all that an order has shipped was delivered.

    One that was shipped by an earlier release has no shipment of which that could be said.
    """
    delivered = tuple(
        replace(each, status=ShipmentStatus.DELIVERED, updated_at=standing.at, delivered_at=standing.at)
        for each in standing.shipments
        if each.status is ShipmentStatus.SHIPPED
    )
    events = [shipment_event(order, EventType.SHIPMENT_DELIVERED, each, {}) for each in delivered]
    return OrderChange(
        status=OrderStatus.DELIVERED,
        movements=(),
        events=(*events, status_event(order, OrderStatus.DELIVERED, reason)),
        shipments=delivered,
    )


def shipment_not_found(shipment_no: int | str) -> OmsError:
    """Return the error for a shipment that an order does not have."""
    return OmsError("shipment_not_found", f"the order has no shipment {shipment_no!a}")


def _shipment(standing: Standing, shipment_no: int) -> Shipment:
    found = next((each for each in standing.shipments if each.shipment_no == shipment_no), None)
    if found is None:
        raise shipment_not_found(shipment_no)
    return found


def _check_not_returned(holdings: Sequence[Holding], shipment: Shipment) -> None:
    """Raise `shipment_returned` where fewer units of a line would be shipped from there than have come back."""
    there = {holding.line_no: holding for holding in holdings if holding.location == shipment.location}
    lines = []
    for line in shipment.lines:
        held = there[line.line_no]
        if held.shipped - line.quantity < held.returned:
            lines.append({"line_no": line.line_no, "shipped": held.shipped, "returned": held.returned})
    if lines:
        detail = f"units of shipment {shipment.shipment_no} have come back already"
        raise OmsError("shipment_returned", detail, data={"lines": lines})


def _delivered(shipment: Shipment) -> OmsError:
    return OmsError("shipment_delivered", f"shipment {shipment.shipment_no} was delivered")


def _tracking(shipment: Tracking) -> Tracking:
    return Tracking(
        carrier=shipment.carrier, tracking_number=shipment.tracking_number, tracking_url=shipment.tracking_url
    )
