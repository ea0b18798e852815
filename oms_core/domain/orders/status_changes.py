"""The decision on a move of an order to another status, and the stock movements that the move implies."""

from __future__ import annotations

from oms_core.domain.callers import Caller
from oms_core.domain.commands import ChangeOrderStatus
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.order_changes import (
    OrderChange,
    check_version,
    invalid_transition,
    order_movement,
    status_event,
)
from oms_core.domain.orders.returning import return_all
from oms_core.domain.orders.shipment_changes import deliver_all
from oms_core.domain.orders.shipments import Standing, Tracking
from oms_core.domain.orders.shipping import everything_reserved, ship
from oms_core.domain.orders.statuses import OrderStatus, allowed_moves
from oms_core.domain.stock.products import MovementKind


def decide_status_change(
    order: Order, standing: Standing, command: ChangeOrderStatus, caller: Caller
) -> OrderChange | None:
    """Decide a move; None when the order has the status already (also with a stale version).

    Raise `version_mismatch`, `invalid_transition`, `shipment_limit`, `return_limit`, or `stock_limit` where a count
    would be too large after a return.
    """
    if order.status is command.status:
        return None
    check_version(order, command.if_version)
    allowed = allowed_moves(order.status, caller)
    if command.status not in allowed:
        raise invalid_transition(order, f"cannot become {command.status}", allowed)
    match command.status:
        case OrderStatus.SHIPPED:
            parcels = everything_reserved(standing.holdings)
            return ship(order, standing, parcels, tracking=Tracking(), reason=command.reason)
        case OrderStatus.DELIVERED:
            return deliver_all(order, standing, command.reason)
        case OrderStatus.CANCELLED:
            return _cancel(order, standing, command.reason)
        case OrderStatus.RETURNED:
            return return_all(order, standing, reason=command.reason)
        case target:
            return OrderChange(status=target, movements=(), events=(status_event(order, target, command.reason),))


def _cancel(order: Order, standing: Standing, reason: str | None) -> OrderChange:
    return OrderChange(
        status=OrderStatus.CANCELLED,
        movements=tuple(
            order_movement(order, holding, MovementKind.RELEASE, reserved=-holding.reserved, reason=reason)
            for holding in standing.holdings
            if holding.reserved
        ),
        events=(status_event(order, OrderStatus.CANCELLED, reason),),
    )
