"""The statuses of an order and the moves between them, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from oms_core.domain.callers import Caller, Scope


class OrderStatus(StrEnum):
    """Where an order stands; the lower-case value is what JSON, SQL and the CLI show."""

    QUEUED = "queued"
    HELD = "held"
    PENDING = "pending"
    PROCESSING = "processing"
    PARTLY_SHIPPED = "partly_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    PARTLY_RETURNED = "partly_returned"
    RETURNED = "returned"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    FAILED = "failed"


class Act(StrEnum):
    """What moves an order: the system's own work, setting its status, or an act that the status follows from."""

    SETTLE = "settle"
    SWEEP = "sweep"
    CONFIRM = "confirm"
    RETRY = "retry"
    STATUS = "status"
    SHIP = "ship"
    CANCEL_SHIPMENT = "cancel_shipment"
    DELIVER = "deliver"
    RETURN = "return"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class Move:
    """A move that an act makes, and the scope that it needs; None for what the system does by itself."""

    source: OrderStatus
    target: OrderStatus
    act: Act
    scope: Scope | None


_S = OrderStatus


def _moves(act: Act, scope: Scope | None, sources: tuple[OrderStatus, ...], *targets: OrderStatus) -> tuple[Move, ...]:
    return tuple(Move(source, target, act, scope) for source in sources for target in targets)


# By source; targets in the order in which they are shown.
MOVES: tuple[Move, ...] = tuple(
    sorted(
        (
            *_moves(Act.SETTLE, None, (_S.QUEUED,), _S.PENDING, _S.HELD, _S.REJECTED, _S.FAILED),
            *_moves(Act.CONFIRM, Scope.ORDERS_WRITE, (_S.HELD,), _S.PENDING),
            *_moves(Act.SWEEP, None, (_S.HELD,), _S.EXPIRED),
            *_moves(Act.RETRY, Scope.ORDERS_MANAGE, (_S.EXPIRED, _S.REJECTED, _S.FAILED), _S.QUEUED),
            *_moves(Act.STATUS, Scope.ORDERS_MANAGE, (_S.PENDING,), _S.PROCESSING),
            *_moves(Act.STATUS, Scope.ORDERS_MANAGE, (_S.PENDING, _S.PROCESSING, _S.PARTLY_SHIPPED), _S.SHIPPED),
            *_moves(Act.STATUS, Scope.ORDERS_MANAGE, (_S.SHIPPED,), _S.DELIVERED),
            *_moves(Act.STATUS, Scope.ORDERS_MANAGE, (_S.SHIPPED, _S.DELIVERED, _S.PARTLY_RETURNED), _S.RETURNED),
            *_moves(
                Act.STATUS,
                Scope.ORDERS_WRITE,
                (_S.QUEUED, _S.HELD, _S.PENDING, _S.PROCESSING, _S.EXPIRED, _S.REJECTED, _S.FAILED),
                _S.CANCELLED,
            ),
            *_moves(Act.SHIP, Scope.ORDERS_MANAGE, (_S.PENDING, _S.PROCESSING), _S.PARTLY_SHIPPED, _S.SHIPPED),
            *_moves(Act.SHIP, Scope.ORDERS_MANAGE, (_S.PARTLY_SHIPPED,), _S.SHIPPED),
            *_moves(Act.CANCEL_SHIPMENT, Scope.ORDERS_MANAGE, (_S.SHIPPED,), _S.PARTLY_SHIPPED, _S.PROCESSING),
            *_moves(Act.CANCEL_SHIPMENT, Scope.ORDERS_MANAGE, (_S.PARTLY_SHIPPED,), _S.PROCESSING),
            *_moves(Act.CANCEL_SHIPMENT, Scope.ORDERS_MANAGE, (_S.PARTLY_RETURNED,), _S.PARTLY_SHIPPED),
            *_moves(Act.SHIP, Scope.ORDERS_MANAGE, (_S.PARTLY_SHIPPED,), _S.PARTLY_RETURNED),
            *_moves(Act.DELIVER, Scope.ORDERS_MANAGE, (_S.SHIPPED,), _S.DELIVERED),
            *_moves(
                Act.CHANGE,
                Scope.ORDERS_MANAGE,
                (_S.PARTLY_SHIPPED,),
                *(_S.SHIPPED, _S.DELIVERED, _S.PARTLY_RETURNED, _S.RETURNED),
            ),
            *_moves(Act.RETURN, Scope.ORDERS_MANAGE, (_S.SHIPPED, _S.DELIVERED), _S.PARTLY_RETURNED, _S.RETURNED),
            *_moves(Act.RETURN, Scope.ORDERS_MANAGE, (_S.PARTLY_RETURNED,), _S.RETURNED),
        ),
        key=lambda move: [*OrderStatus].index(move.source),
    )
)

# The statuses that a caller may set; the others follow from what is done to an order.
SETTABLE = frozenset(move.target for move in MOVES if move.act is Act.STATUS)

# Orders that have a row among those that wait.
WAITING = frozenset({OrderStatus.QUEUED, OrderStatus.HELD})

# Orders of which something is reserved: the sum of their holdings is what the levels show as reserved.
OPEN = frozenset({OrderStatus.HELD, OrderStatus.PENDING, OrderStatus.PROCESSING, OrderStatus.PARTLY_SHIPPED})

# Orders of which something can be shipped.
SHIPPABLE = frozenset({OrderStatus.PENDING, OrderStatus.PROCESSING, OrderStatus.PARTLY_SHIPPED})

# Orders of which something has left the stock, if only to come back later.
TAKING = frozenset({_S.PARTLY_SHIPPED, _S.SHIPPED, _S.DELIVERED, _S.PARTLY_RETURNED, _S.RETURNED})

# Orders the lines of which can be changed.
CHANGEABLE = OPEN | {OrderStatus.QUEUED}

# Orders of which something may be out that can come back.
RETURNABLE = frozenset({_S.PARTLY_SHIPPED, _S.SHIPPED, _S.DELIVERED, _S.PARTLY_RETURNED})

# Orders that may have returns.
MAY_HAVE_RETURNED = frozenset({_S.PARTLY_SHIPPED, _S.PARTLY_RETURNED, _S.RETURNED})

# Orders that may have shipments, if only cancelled ones.
MAY_HAVE_SHIPPED = TAKING | {OrderStatus.PROCESSING, OrderStatus.CANCELLED}

_SETTABLE_FROM: Mapping[OrderStatus, tuple[OrderStatus, ...]] = MappingProxyType(
    {
        source: tuple(move.target for move in MOVES if move.act is Act.STATUS and move.source is source)
        for source in OrderStatus
    }
)


def allowed_moves(status: OrderStatus, caller: Caller) -> tuple[OrderStatus, ...]:
    """Return the statuses that this caller may set from here, in the table's order."""
    return tuple(target for target in _SETTABLE_FROM[status] if caller.may(scope_needed(target)))


def scope_needed(target: OrderStatus) -> Scope:
    """Return the scope that setting a status needs: callers who may place orders may cancel; all else is management."""
    return Scope.ORDERS_WRITE if target is OrderStatus.CANCELLED else Scope.ORDERS_MANAGE
