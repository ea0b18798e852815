"""Look at the queue of accepted orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.orders.queueing import QueueSample, WorkerState


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStatus:
    """The queue as it was within the last second.

    `depth`: orders that wait (exact below 10,000, then no fewer than there are); `oldest_age_seconds` of the one that
    waits longest, None when none does; `orders_per_second`: what all live workers settle; `failed` and `rejected`
    orders, counted up to 10,000.
    """

    depth: int
    oldest_age_seconds: float | None
    orders_per_second: float
    workers: Sequence[WorkerState]
    failed: int
    rejected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePlace:
    """Where a queued order stands: `position` from 1 (exact to 10,000, then a bound), and the seconds until it is
    placed at the present pace; None when no worker is there.
    """

    position: int
    estimated_seconds: int | None


def get_queue_status(
    sample: QueueSample, workers: Sequence[WorkerState], *, now: datetime, caller: Caller
) -> QueueStatus:
    """Describe a sample of the queue. Raises `forbidden`."""
    caller.require(Scope.ORDERS_READ)
    caller.require_unbound()
    age = None if sample.oldest_since is None else max(0.0, (now - sample.oldest_since).total_seconds())
    return QueueStatus(
        depth=sample.depth,
        oldest_age_seconds=age,
        orders_per_second=sum(worker.orders_per_second for worker in workers),
        workers=workers,
        failed=sample.failed,
        rejected=sample.rejected,
    )


def queue_place(queue_no: int, sample: QueueSample, workers: Sequence[WorkerState]) -> QueuePlace:
    """Tell where an order with this queue number stands."""
    position = sample.position(queue_no)
    pace = sum(worker.orders_per_second for worker in workers)
    if not workers:
        return QueuePlace(position=position, estimated_seconds=None)
    # A worker without a pace has had nothing to do: it takes what comes at once.
    return QueuePlace(position=position, estimated_seconds=max(1, round(position / pace)) if pace else 1)
