"""The decisions about accepted orders until they are placed, and the figures of the queue."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from oms_core.domain.backoff import longest_pause_seconds
from oms_core.domain.commands import OrderLine
from oms_core.domain.events import EventType, NewEvent
from oms_core.domain.limits import TRANSACTION_LINES_MAX
from oms_core.domain.orders.order import Order, OrderFailure
from oms_core.domain.orders.order_changes import OrderChange, QueueEntry, check_version
from oms_core.domain.orders.placement import (
    Enqueue,
    KeyedOrder,
    Placement,
    Refuse,
    Verdict,
    known_key,
    unknown_skus,
)
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.errors import OmsError

POSITIONS_EXACT_MAX = 10_000
WORKER_SILENT_SECONDS = 15.0
RETRIABLE = frozenset({OrderStatus.REJECTED, OrderStatus.FAILED, OrderStatus.EXPIRED})

_BACKOFF_FIRST_SECONDS = 1.0
_BACKOFF_MAX_SECONDS = 300.0
# A crash counts against every order of the batch. Each round is smaller, until the order that causes it is alone.
_BATCH_AFTER_CRASHES = {0: 500, 1: 50}
# An order that was in the batch at two crashes may be their cause. It is then claimed alone, so no other is blamed.
_TRIED_TOGETHER_MAX = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedOrder:
    """An accepted order under lock, about to be placed. Its idempotency key was settled when it was queued."""

    id: UUID
    version: int
    lines: tuple[OrderLine, ...]
    hold_seconds: int | None = None
    locations: tuple[str, ...] | None = None

    @property
    def key(self) -> None:
        """None: the idempotency key was settled when the order was queued."""
        return None

    @property
    def fingerprint(self) -> None:
        """None, since there is no key."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptanceView:
    """What the decision to accept needs from storage: which of the SKUs exist, and the keys already used."""

    known_skus: Collection[str]
    keyed_orders: Mapping[tuple[str, str], KeyedOrder]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A worker's claim on a queued order. `attempts` includes the attempt that is about to be made."""

    order_id: UUID
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What one transaction did with queued orders: their new statuses, and those `left` because it was full."""

    statuses: Mapping[UUID, OrderStatus]
    left: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """A worker's heartbeat. `orders_per_second` is its pace in the last seconds; `settled` counts since its start."""

    id: str
    started_at: datetime
    seen_at: datetime
    orders_per_second: float
    settled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSample:
    """The queue at one moment. `numbers` are the lowest queue numbers (at most 10,000), ascending.

    `failed` and `rejected` are counted up to 10,000.
    """

    numbers: Sequence[int]
    last_number: int | None
    oldest_since: datetime | None
    failed: int
    rejected: int

    @property
    def depth(self) -> int:
        """How many orders wait: exact below 10,000, else an upper bound."""
        if len(self.numbers) < POSITIONS_EXACT_MAX or self.last_number is None:
            return len(self.numbers)
        return len(self.numbers) + self.last_number - self.numbers[-1]

    def position(self, queue_no: int) -> int:
        """Return the place of an order, from 1: exact to 10,000, then an upper bound."""
        if not self.numbers or queue_no <= self.numbers[-1] or len(self.numbers) < POSITIONS_EXACT_MAX:
            return bisect_left(self.numbers, queue_no) + 1
        return len(self.numbers) + queue_no - self.numbers[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStatus:
    """The queue as it was within the last second.

    `depth` is how many orders wait (exact below 10,000, then an upper bound); `oldest_age_seconds` is the age of the
    one that waits longest, None when none waits; `orders_per_second` is the pace of all live workers; `failed` and
    `rejected` orders are counted up to 10,000.
    """

    depth: int
    oldest_age_seconds: float | None
    orders_per_second: float
    workers: Sequence[WorkerState]
    failed: int
    rejected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePlace:
    """Where a queued order stands: `position` from 1 (exact to 10,000, then an upper bound), and the seconds until it
    is placed at the present pace; None when no worker is alive.
    """

    position: int
    estimated_seconds: int | None


def decide_acceptance(placements: Sequence[Placement], view: AcceptanceView) -> list[Verdict]:
    """Decide which orders are queued: all but replays, reused keys and unknown SKUs. Stock is not checked yet."""
    taken: dict[tuple[str, str], int] = {}
    verdicts: list[Verdict] = []
    for index, placement in enumerate(placements):
        verdict = known_key(placement, view.keyed_orders, taken, placements) or _enqueue(placement, view)
        if isinstance(verdict, Enqueue) and placement.key is not None:
            taken[placement.key] = index
        verdicts.append(verdict)
    return verdicts


def decide_retry(order: Order, reason: str | None, if_version: int | None = None) -> OrderChange | None:
    """Decide that a rejected, failed or expired order is queued again, as new.

    None when it is queued already (also with a stale version). Raise `version_mismatch` or `invalid_transition`.
    """
    if order.status is OrderStatus.QUEUED:
        return None
    check_version(order, if_version)
    if order.status not in RETRIABLE:
        raise OmsError(
            "invalid_transition",
            f"the order is {order.status} and cannot be retried; rejected, failed and expired orders can",
            data={"current": order.status.value, "allowed": []},
        )
    event = _event(order, EventType.ORDER_RETRIED, OrderStatus.QUEUED, {"reason": reason})
    entry = QueueEntry(attempts=0, failure=None, due_in_seconds=None)
    return OrderChange(status=OrderStatus.QUEUED, movements=(), events=(event,), entry=entry)


def decide_failed_attempt(
    order: Order, error: OmsError, *, attempts: int, attempts_max: int, jitter: float
) -> OrderChange | None:
    """Decide what follows when an attempt failed by the order's own fault: another one, or `failed` after the last.

    `attempts` counts this attempt; `jitter` is from 0 to 1. None when the order is not queued any more.
    """
    if order.status is not OrderStatus.QUEUED:
        return None
    failure = OrderFailure.of(error)
    if attempts < attempts_max:
        entry = QueueEntry(attempts=attempts, failure=failure, due_in_seconds=backoff_seconds(attempts, jitter))
        return OrderChange(status=OrderStatus.QUEUED, movements=(), entry=entry)
    shown = {"reason": None, "failure": failure.brief}
    event = _event(order, EventType.ORDER_FAILED, OrderStatus.FAILED, shown)
    entry = QueueEntry(attempts=attempts, failure=failure, due_in_seconds=None)
    return OrderChange(status=OrderStatus.FAILED, movements=(), events=(event,), entry=entry)


def backoff_seconds(attempts: int, jitter: float) -> float:
    """Return the wait before the next attempt: at most 1 s after the first, 2 s after the second, ... 300 s."""
    return jitter * longest_pause_seconds(
        attempts, first_seconds=_BACKOFF_FIRST_SECONDS, max_seconds=_BACKOFF_MAX_SECONDS
    )


def claimed_together(attempts: Sequence[int]) -> int:
    """Return how many of the first orders one claim takes, from their attempts before.

    It takes all up to the first that was attempted twice, or that one alone.
    """
    suspects = (index for index, tried in enumerate(attempts) if tried >= _TRIED_TOGETHER_MAX)
    return max(1, next(suspects, len(attempts)))


def is_claimed_alone(claims: Sequence[Claim]) -> bool:
    """Return whether a claim is of one order attempted twice before, so that others may have been left."""
    return len(claims) == 1 and claims[0].attempts > _TRIED_TOGETHER_MAX


def is_worn_out(attempts: int, attempts_max: int) -> bool:
    """Return whether each attempt at a claimed order has ended a worker, at least one of them with the order alone."""
    return attempts > max(attempts_max, _TRIED_TOGETHER_MAX + 1)


def by_caution(claims: Sequence[Claim], batch_max: int) -> list[list[UUID]]:
    """Cut claimed orders into batches: the more often orders were attempted, the smaller the batch."""
    batches: list[list[UUID]] = []
    rounds: dict[int, list[UUID]] = {}
    for claim in claims:
        rounds.setdefault(claim.attempts - 1, []).append(claim.order_id)
    for tried_before, order_ids in sorted(rounds.items()):
        size = min(batch_max, _BATCH_AFTER_CRASHES.get(tried_before, 1))
        batches.extend(order_ids[start : start + size] for start in range(0, len(order_ids), size))
    return batches


def queued_event(placement: Placement) -> NewEvent:
    """Return the event of an order accepted to be placed later."""
    return NewEvent(
        type=EventType.ORDER_QUEUED,
        order_id=placement.id,
        order_version=1,
        data={"from": None, "to": OrderStatus.QUEUED.value, "reason": None},
    )


def fitting(line_counts: Iterable[int]) -> int:
    """Return how many of the first orders one transaction takes, by their numbers of lines: at least one, if any."""
    lines = orders = 0
    for count in line_counts:
        lines += count
        if orders and lines > TRANSACTION_LINES_MAX:
            break
        orders += 1
    return orders


DecideAcceptance = Callable[[Sequence[Placement], AcceptanceView], list[Verdict]]


def _enqueue(placement: Placement, view: AcceptanceView) -> Verdict:
    unknown = [index for index, line in enumerate(placement.lines) if line.sku not in view.known_skus]
    return Refuse(unknown_skus(placement.lines, unknown)) if unknown else Enqueue()


def _event(order: Order, kind: EventType, target: OrderStatus, data: Mapping[str, object]) -> NewEvent:
    moved = {"from": order.status.value, "to": target.value}
    return NewEvent(type=kind, order_id=order.id, order_version=order.version + 1, data={**moved, **data})
