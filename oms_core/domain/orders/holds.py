"""The decisions about holds: stock that is reserved for a checkout until it is confirmed, or its time runs out.

The status decides, not the clock. A hold whose time has run out is as good as any until the sweep has expired it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.events import EventType, NewEvent, status_event_type
from oms_core.domain.hold_commands import ConfirmOrder, ExtendHold
from oms_core.domain.orders.order import Holding, Order
from oms_core.domain.orders.order_changes import HoldEnd, OrderChange, check_version, invalid_transition
from oms_core.domain.orders.statuses import OrderStatus, allowed_moves
from oms_core.domain.stock.products import MovementKind, NewMovement
from oms_core.domain.validation import one_finding
from oms_core.errors import OmsError

OVERDUE_COUNTED_MAX = 10_000
_EXPIRED = "hold expired"
# What has no stock, and is not to get any by a payment.
_WITHOUT_STOCK = frozenset({OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldLimits:
    """How long orders are held that do not say (0: not at all), how long one may be, and how often it is extended."""

    seconds: int = 0
    seconds_max: int = 86_400
    extensions_max: int = 3

    def hold_of(self, given: int | None) -> int | None:
        """Return how long to hold an order that gave these seconds; None: not at all. Raise `validation_error`."""
        if given is not None:
            self.check("/hold_seconds", given)
        return (self.seconds if given is None else given) or None

    def check(self, pointer: str, seconds: int) -> None:
        """Raise `validation_error` for more seconds than a hold may have."""
        if seconds > self.seconds_max:
            raise one_finding(pointer, "out_of_range", f"must be at most {self.seconds_max}, as this service is set up")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDefaults:
    """What a deployment does where an order does not say: its currency, and its hold."""

    currency: str
    holds: HoldLimits = HoldLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class OverdueHold:
    """A held order whose time has run out, and how many lines it has."""

    order_id: UUID
    lines: int


def decide_confirmation(order: Order, command: ConfirmOrder, caller: Caller) -> OrderChange | None:
    """Decide that a held order is placed for good, also when its time has run out; its stock stays reserved.

    An order that is not held gets the payment reference, once. None when there is nothing to change. Raise
    `version_mismatch`, `not_settled`, `hold_expired`, `already_confirmed` or `invalid_transition`.
    """
    reference = command.payment_reference
    if order.status is OrderStatus.QUEUED:
        raise OmsError("not_settled", "the order waits to be placed; confirm it once it is held")
    if order.status is OrderStatus.EXPIRED:
        raise OmsError("hold_expired", "the hold has run out, and its stock was released")
    if order.status in _WITHOUT_STOCK:
        raise invalid_transition(order, "cannot be confirmed", allowed_moves(order.status, caller))
    if order.payment_reference is not None and reference not in {None, order.payment_reference}:
        raise OmsError("already_confirmed", "the order was confirmed with another payment reference")
    is_new = reference is not None and order.payment_reference is None
    if order.status is not OrderStatus.HELD and not is_new:
        return None
    check_version(order, command.if_version)
    status = OrderStatus.PENDING if order.status is OrderStatus.HELD else order.status
    events = (_event(order, status_event_type(status), status, {}),) if order.status is OrderStatus.HELD else ()
    return OrderChange(status=status, movements=(), events=events, payment_reference=reference if is_new else None)


def decide_extension(order: Order, command: ExtendHold, limits: HoldLimits, as_of: datetime) -> OrderChange | None:
    """Decide that a hold ends later: `seconds` after `as_of`, by the database's clock. None where it ends later anyway.

    Each extension moves the end by the longest hold at most, so that a hold cannot last longer in all than that, once
    and once for each extension. Raise `version_mismatch`, `hold_expired`, `invalid_transition` or `extension_limit`.
    """
    if order.status is OrderStatus.EXPIRED:
        raise OmsError("hold_expired", "the hold has run out, and its stock was released")
    if order.status is not OrderStatus.HELD or order.hold_until is None:
        raise invalid_transition(order, "has no hold to extend", ())
    wanted = as_of + timedelta(seconds=command.seconds)
    if wanted <= order.hold_until:
        return None
    check_version(order, command.if_version)
    if order.hold_extensions >= limits.extensions_max:
        figures = {"extensions": order.hold_extensions, "extensions_max": limits.extensions_max}
        raise OmsError(
            "extension_limit",
            f"the hold was extended {order.hold_extensions} times already",
            data={**figures, "hold_until": _shown(order.hold_until)},
        )
    until = min(wanted, order.hold_until + timedelta(seconds=limits.seconds_max))
    end = HoldEnd(until=until, extensions=order.hold_extensions + 1)
    data = {"hold_until": _shown(until), "hold_extensions": end.extensions}
    event = _event(order, EventType.ORDER_HOLD_EXTENDED, OrderStatus.HELD, data)
    return OrderChange(status=OrderStatus.HELD, movements=(), events=(event,), hold=end)


def expiry(order_id: UUID, version: int, holdings: Sequence[Holding]) -> OrderChange:
    """Return what is written when a held order, at this version, is expired: its stock is released."""
    movements = tuple(
        NewMovement(
            sku=held.sku,
            location=held.location,
            kind=MovementKind.RELEASE,
            on_hand_delta=0,
            reserved_delta=-held.reserved,
            order_id=order_id,
            line_no=held.line_no,
            reason=_EXPIRED,
        )
        for held in holdings
        if held.reserved
    )
    event = NewEvent(
        type=EventType.ORDER_EXPIRED,
        order_id=order_id,
        order_version=version + 1,
        data={"from": OrderStatus.HELD.value, "to": OrderStatus.EXPIRED.value, "reason": _EXPIRED},
    )
    return OrderChange(status=OrderStatus.EXPIRED, movements=movements, events=(event,))


def reference_in_use() -> OmsError:
    """Return the error of a payment reference that another order has, without naming that order."""
    return OmsError("payment_reference_in_use", "this payment reference belongs to another order")


def _event(order: Order, kind: EventType, target: OrderStatus, data: dict[str, object]) -> NewEvent:
    moved = {"from": order.status.value, "to": target.value, "reason": None}
    return NewEvent(type=kind, order_id=order.id, order_version=order.version + 1, data={**moved, **data})


def _shown(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
