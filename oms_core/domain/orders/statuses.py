"""The statuses of an order and the moves between them, as data."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from oms_core.domain.callers import Caller, Scope


class OrderStatus(StrEnum):
    """Where an order stands; the lower-case value is what JSON, SQL and the CLI show."""

    QUEUED = "queued"
    PENDING = "pending"
    PROCESSING = "processing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    RETURNED = "returned"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    FAILED = "failed"


MOVES: Mapping[OrderStatus, tuple[OrderStatus, ...]] = MappingProxyType(
    {
        OrderStatus.QUEUED: (
            OrderStatus.PENDING,
            OrderStatus.REJECTED,
            OrderStatus.FAILED,
            OrderStatus.CANCELLED,
        ),
        OrderStatus.PENDING: (OrderStatus.PROCESSING, OrderStatus.SHIPPED, OrderStatus.CANCELLED),
        OrderStatus.PROCESSING: (OrderStatus.SHIPPED, OrderStatus.CANCELLED),
        OrderStatus.SHIPPED: (OrderStatus.DELIVERED, OrderStatus.RETURNED),
        OrderStatus.DELIVERED: (OrderStatus.RETURNED,),
        OrderStatus.REJECTED: (OrderStatus.QUEUED, OrderStatus.CANCELLED),
        OrderStatus.FAILED: (OrderStatus.QUEUED, OrderStatus.CANCELLED),
        OrderStatus.CANCELLED: (),
        OrderStatus.RETURNED: (),
    }
)

# No caller sets the others: only placing leads to pending, rejected and failed, and only accepting and retry to queued.
SETTABLE = frozenset(
    {
        OrderStatus.PROCESSING,
        OrderStatus.SHIPPED,
        OrderStatus.DELIVERED,
        OrderStatus.CANCELLED,
        OrderStatus.RETURNED,
    }
)

# Orders whose lines are reserved: the sum of their holdings is what the levels show as reserved.
OPEN = frozenset({OrderStatus.PENDING, OrderStatus.PROCESSING})


def allowed_moves(status: OrderStatus, caller: Caller) -> tuple[OrderStatus, ...]:
    """Return the statuses that this caller may set from here, in the table's order."""
    return tuple(target for target in MOVES[status] if target in SETTABLE and caller.may(scope_needed(target)))


def scope_needed(target: OrderStatus) -> Scope:
    """Return the scope that setting a status needs: callers who may place orders may cancel; all else is management."""
    return Scope.ORDERS_WRITE if target is OrderStatus.CANCELLED else Scope.ORDERS_MANAGE
