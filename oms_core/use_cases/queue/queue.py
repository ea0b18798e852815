"""The queue of accepted orders, for those who watch it and for those whose order waits."""

from __future__ import annotations

from dataclasses import dataclass

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.queueing import QueuePlace, QueueStatus
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.ports.broker import Broker
from oms_core.ports.clock import Clock
from oms_core.runtime.queue_watch import QueueWatch
from oms_core.use_cases.queue.dead_letters import DeadLetters


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The orders that wait to be placed, and the broker that announces them to workers."""

    watch: QueueWatch
    broker: Broker
    clock: Clock

    @property
    def dead_letters(self) -> DeadLetters:
        """Messages that could not be read."""
        return DeadLetters(broker=self.broker)

    def status(self, *, caller: Caller) -> QueueStatus:
        """Return the figures of the queue, at most a second old. Raise `forbidden`, `storage_unavailable`."""
        caller.require(Scope.ORDERS_READ)
        caller.require_unbound()
        sample, workers = self.watch.look()
        age = None
        if sample.oldest_since is not None:
            age = max(0.0, (self.clock.now() - sample.oldest_since).total_seconds())
        return QueueStatus(
            depth=sample.depth,
            oldest_age_seconds=age,
            orders_per_second=sum(worker.orders_per_second for worker in workers),
            workers=workers,
            failed=sample.failed,
            rejected=sample.rejected,
        )

    def place_of(self, order: Order) -> QueuePlace | None:
        """Return where an order stands; None when it is not queued. Raise `storage_unavailable`."""
        if order.status is not OrderStatus.QUEUED or order.queue_no is None:
            return None
        sample, workers = self.watch.look()
        position = sample.position(order.queue_no)
        pace = sum(worker.orders_per_second for worker in workers)
        if not workers:
            return QueuePlace(position=position, estimated_seconds=None)
        # A worker without a pace has had nothing to do, so it places the next order at once.
        return QueuePlace(position=position, estimated_seconds=max(1, round(position / pace)) if pace else 1)

    def check(self) -> None:
        """Raise `queue_unavailable` unless the broker answers now."""
        self.broker.check()
