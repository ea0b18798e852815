"""What a change of an order writes, and what every decision on one needs: versions, refusals, rows of the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from oms_core.domain.events import NewEvent, status_event_type
from oms_core.domain.limits import COUNT_MAX
from oms_core.domain.orders.details import OrderDetails
from oms_core.domain.orders.order import Holding, Order, OrderFailure, PlacedLine
from oms_core.domain.orders.returns import Return
from oms_core.domain.orders.shipments import Shipment
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.preconditions import NO_VERSION
from oms_core.domain.stock.changes import count_too_large
from oms_core.domain.stock.products import MovementKind, NewMovement
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
    """What an act writes: the status (and version + 1), its ledger rows, its events, and what else changes: the queue
    entry, the end of the hold, the payment reference, shipments as they then are, new returns, lines that become other
    ones or are new (with the `total` of all of them then), details.

    A payment reference belongs to one order for good. `act_no` is the number of the act among its like.
    """

    status: OrderStatus
    movements: tuple[NewMovement, ...]
    events: tuple[NewEvent, ...] = ()
    entry: QueueEntry | None = None
    hold: HoldEnd | None = None
    payment_reference: str | None = None
    shipments: tuple[Shipment, ...] = ()
    returns: tuple[Return, ...] = ()
    lines: tuple[PlacedLine, ...] = ()
    total: Decimal | None = None
    details: OrderDetails | None = None
    act_no: int | None = None

    @property
    def raised(self) -> frozenset[tuple[str, str]]:
        """The levels, by SKU and location, whose counts grow by a row of the ledger."""
        return frozenset((row.sku, row.location) for row in self.movements if row.on_hand_delta > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """An order after an act on it, and the number of the act among its like (a shipment's), if it has one.

    `replayed` when the idempotency key was used before: then nothing was done.
    """

    order: Order
    act_no: int | None = None
    replayed: bool = False


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
    if change.lines:
        lines = {line.line_no: line for line in (*order.lines, *change.lines)}
        after = replace(after, lines=tuple(lines.values()), total=change.total)
    if change.details is not None:
        after = replace(after, reference=change.details.reference, metadata=change.details.metadata)
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


def status_event(order: Order, target: OrderStatus, reason: str | None) -> NewEvent:
    """Return the event of a move to a status."""
    data = {"from": order.status.value, "to": target.value, "reason": reason}
    return NewEvent(type=status_event_type(target), order_id=order.id, order_version=order.version + 1, data=data)


def order_movement(
    order: Order,
    holding: Holding,
    kind: MovementKind,
    *,
    at: str | None = None,
    on_hand: int = 0,
    reserved: int = 0,
    reason: str | None = None,
    act_id: UUID | None = None,
) -> NewMovement:
    """Return a row of the ledger that moves units of a line, where it holds some or `at` another location."""
    return NewMovement(
        sku=holding.sku,
        location=holding.location if at is None else at,
        kind=kind,
        on_hand_delta=on_hand,
        reserved_delta=reserved,
        order_id=order.id,
        line_no=holding.line_no,
        reason=reason,
        act_id=act_id,
    )


def check_room(movements: Sequence[NewMovement], counts: Mapping[tuple[str, str], int]) -> None:
    """Raise `stock_limit` for movements after which a count would be above its bound.

    `counts` has what is on hand, by SKU and location. None can fall below 0, since the units that an order holds are
    always there.
    """
    after: Counter[tuple[str, str]] = Counter()
    for movement in movements:
        level = movement.sku, movement.location
        after[level] = after.get(level, counts.get(level, 0)) + movement.on_hand_delta
    for (sku, location), on_hand in after.items():
        if on_hand > COUNT_MAX:
            data = {"sku": sku, "location": location, "on_hand": on_hand, "on_hand_max": COUNT_MAX}
            raise OmsError("stock_limit", count_too_large(sku, location, on_hand), data=data)
