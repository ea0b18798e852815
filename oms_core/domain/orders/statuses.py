"""The statuses of an order and the moves between them, as data."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from oms_core.domain.callers import Caller, Scope


class OrderStatus(StrEnum):
    """Where an order stands; the lower-case value is what JSON, SQL and the CLI show."""

    QUEUED = "queued"
    HELD = "held"
    PENDING = "pending"
    PROCESSING = "processing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    RETURNED = "returned"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    FAILED = "failed"


MOVES: Mapping[OrderStatus, tuple[OrderStatus, ...]] = MappingProxyType(
    {
        OrderStatus.QUEUED: (
            OrderStatus.PENDING,
            OrderStatus.HELD,
            OrderStatus.REJECTED,
            OrderStatus.FAILED,
            OrderStatus.CANCELLED,
        ),
        OrderStatus.HELD: (OrderStatus.PENDING, OrderStatus.EXPIRED, OrderStatus.CANCELLED),
        OrderStatus.PENDING: (OrderStatus.PROCESSING, OrderStatus.SHIPPED, OrderStatus.CANCELLED),
        OrderStatus.PROCESSING: (OrderStatus.SHIPPED, OrderStatus.CANCELLED),
        OrderStatus.SHIPPED: (OrderStatus.DELIVERED, OrderStatus.RETURNED),
        OrderStatus.DELIVERED: (OrderStatus.RETURNED,),
        OrderStatus.EXPIRED: (OrderStatus.QUEUED, OrderStatus.CANCELLED),
        OrderStatus.REJECTED: (OrderStatus.QUEUED, OrderStatus.CANCELLED),
        OrderStatus.FAILED: (OrderStatus.QUEUED, OrderStatus.CANCELLED),
        OrderStatus.CANCELLED: (),
        OrderStatus.RETURNED: (),
    }
)

# No caller sets the others: placing leads to held, pending, rejected and failed, confirming to pending, the sweep to
# expired, accepting and retrying to queued.
SETTABLE = frozenset(
    {
        OrderStatus.PROCESSING,
        OrderStatus.SHIPPED,
        OrderStatus.DELIVERED,
        OrderStatus.CANCELLED,
        OrderStatus.RETURNED,
    }
)

# Orders that have a row among those that wait.
WAITING = frozenset({OrderStatus.QUEUED, OrderStatus.HELD})

# Orders whose lines are reserved: the sum of their holdings is what the levels show as reserved.
OPEN = frozenset({OrderStatus.HELD, OrderStatus.PENDING, OrderStatus.PROCESSING})


def allowed_moves(status: OrderStatus, caller: Caller) -> tuple[OrderStatus, ...]:
    """Return the statuses that this caller may set from here, in the table's order."""
    return tuple(target for target in MOVES[status] if target in SETTABLE and caller.may(scope_needed(target)))


def moved_by(source: OrderStatus, target: OrderStatus) -> tuple[str, Scope | None]:
    """Return the act that makes a move, and the scope that it needs; None for what the system does by itself."""
    if target in SETTABLE:
        return "status", scope_needed(target)
    if target is OrderStatus.QUEUED:
        return "retry", Scope.ORDERS_MANAGE
    if target is OrderStatus.EXPIRED:
        return "sweep", None
    if source is OrderStatus.HELD:
        return "confirm", Scope.ORDERS_WRITE
    return "settle", None


def scope_needed(target: OrderStatus) -> Scope:
    """Return the scope that setting a status needs: callers who may place orders may cancel; all else is management."""
    return Scope.ORDERS_WRITE if target is OrderStatus.CANCELLED else Scope.ORDERS_MANAGE
