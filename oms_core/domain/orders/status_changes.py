"""The decision on a move of an order to another status, and the stock movements that the move implies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from oms_core.domain.callers import Caller
from oms_core.domain.commands import ChangeOrderStatus
from oms_core.domain.events import NewEvent, status_event_type
from oms_core.domain.limits import COUNT_MAX
from oms_core.domain.orders.order import Holding, Order, OrderFailure
from oms_core.domain.orders.statuses import OrderStatus, allowed_moves
from oms_core.domain.preconditions import NO_VERSION
from oms_core.domain.stock.changes import count_too_large
from oms_core.domain.stock.products import MovementKind, NewMovement
from oms_core.domain.validation import one_finding
from oms_core.errors import OmsError


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueEntry:
    """What the queue stores on an order: attempts counted, the last failure, and the wait before the next attempt."""

    attempts: int
    failure: OrderFailure | None
    due_in_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldEnd:
    """When a hold ends, by the database's clock, and how often that was moved."""

    until: datetime
    extensions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChange:
    """What a move writes: the status (and version + 1), its ledger rows, its event, and what else changes: its queue
    entry, the end of its hold, its payment reference. A payment reference belongs to one order for good.
    """

    status: OrderStatus
    movements: tuple[NewMovement, ...]
    event: NewEvent | None
    entry: QueueEntry | None = None
    hold: HoldEnd | None = None
    payment_reference: str | None = None


def decide_status_change(
    order: Order, holdings: Sequence[Holding], command: ChangeOrderStatus, caller: Caller
) -> OrderChange | None:
    """Decide a move; None when the order has the status already (also with a stale version).

    Raise `version_mismatch` or `invalid_transition`, or `validation_error` for a return after which a count would be
    too large.
    """
    if order.status is command.status:
        return None
    check_version(order, command.if_version)
    allowed = allowed_moves(order.status, caller)
    if command.status not in allowed:
        raise invalid_transition(order, f"cannot become {command.status}", allowed)
    data = {"from": order.status.value, "to": command.status.value, "reason": command.reason}
    event = NewEvent(
        type=status_event_type(command.status), order_id=order.id, order_version=order.version + 1, data=data
    )
    movements = _movements(order, holdings, command.status, command.reason)
    _check_room(movements, holdings)
    return OrderChange(status=command.status, movements=movements, event=event)


def joins_queue(order: Order, change: OrderChange) -> bool:
    """Return whether a change puts an order into the queue, so that it needs a new queue number."""
    return change.status is OrderStatus.QUEUED and order.status is not OrderStatus.QUEUED


def order_after(order: Order, change: OrderChange, now: datetime, *, queue_no: int | None = None) -> Order:
    """Return an order after a change. `queue_no` is its new number if it joins the queue; it keeps one in it."""
    kept = order.queue_no if change.status is OrderStatus.QUEUED else None
    number = kept if queue_no is None else queue_no
    after = replace(order, status=change.status, version=order.version + 1, updated_at=now, queue_no=number)
    if change.entry is not None:
        after = replace(after, attempts=change.entry.attempts, failure=change.entry.failure)
    if joins_queue(order, change):  # It is held anew, if at all.
        after = replace(after, hold_until=None, hold_extensions=0)
    if change.hold is not None:
        after = replace(after, hold_until=change.hold.until, hold_extensions=change.hold.extensions)
    if change.payment_reference is not None:
        after = replace(after, payment_reference=change.payment_reference)
    return after


def check_version(order: Order, wanted: int | None) -> None:
    """Raise `version_mismatch` when the order is not at the wanted version."""
    if wanted is not None and wanted != order.version:
        named = f"not {wanted}" if wanted != NO_VERSION else "and what was named is none (a weak entity tag never is)"
        raise OmsError(
            "version_mismatch",
            f"the order is at version {order.version}, {named}",
            data={"version": order.version},
        )


def invalid_transition(order: Order, refused: str, allowed: Sequence[OrderStatus]) -> OmsError:
    """Return the error of a move that an order cannot make; `refused` says which, as in "cannot become shipped"."""
    moves = ", ".join(allowed) if allowed else "none"
    return OmsError(
        "invalid_transition",
        f"the order is {order.status} and {refused}; allowed: {moves}",
        data={"current": order.status.value, "allowed": [status.value for status in allowed]},
    )


def _movements(
    order: Order, holdings: Sequence[Holding], target: OrderStatus, reason: str | None
) -> tuple[NewMovement, ...]:
    rows = []
    for holding in holdings:
        kind, on_hand_delta, reserved_delta = _effect(holding, target)
        if on_hand_delta or reserved_delta:
            rows.append(
                NewMovement(
                    sku=holding.sku,
                    location=holding.location,
                    kind=kind,
                    on_hand_delta=on_hand_delta,
                    reserved_delta=reserved_delta,
                    order_id=order.id,
                    line_no=holding.line_no,
                    reason=reason,
                )
            )
    return tuple(rows)


def _check_room(movements: Sequence[NewMovement], holdings: Sequence[Holding]) -> None:
    """Raise `validation_error` for movements after which a count would be above its bound.

    No count can fall below 0, since the units that an order holds are always there.
    """
    counts = {(holding.sku, holding.location): holding.level_on_hand for holding in holdings}
    for movement in movements:
        counts[movement.sku, movement.location] += movement.on_hand_delta
    for (sku, location), on_hand in counts.items():
        if on_hand > COUNT_MAX:
            raise one_finding("/status", "out_of_range", count_too_large(sku, location, on_hand))


def _effect(holding: Holding, target: OrderStatus) -> tuple[MovementKind, int, int]:
    if target is OrderStatus.CANCELLED:
        return MovementKind.RELEASE, 0, -holding.reserved
    if target is OrderStatus.SHIPPED:
        return MovementKind.SHIP, -holding.reserved, -holding.reserved
    if target is OrderStatus.RETURNED:
        return MovementKind.RETURN, holding.shipped, 0
    return MovementKind.RESERVE, 0, 0
