"""Orders that are placed later: accepting, announcing and waiting for them, and the threads that place them."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from oms_core.domain.callers import ALL_SCOPES, Caller
from oms_core.domain.commands import PlaceOrder
from oms_core.domain.limits import TRANSACTION_ORDERS_MAX
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.placement import Placed, Placement, PlacementOutcome
from oms_core.ports.broker import Broker
from oms_core.ports.clock import Clock
from oms_core.ports.metrics import Metrics
from oms_core.ports.storage import Storage
from oms_core.runtime.announcements import Announcements
from oms_core.runtime.background_thread import BackgroundThread
from oms_core.runtime.forks import begin_in_each_process
from oms_core.runtime.group_committer import GroupCommitter
from oms_core.runtime.outcomes import Outcomes
from oms_core.runtime.queue_watch import QueueWatch, View
from oms_core.settings import Settings
from oms_core.use_cases.commit_placements import CommitAcceptances
from oms_core.use_cases.place_orders import place_orders
from oms_core.use_cases.settle_orders import SettleOrders
from oms_core.worker.event_relay import EventRelay
from oms_core.worker.heartbeat import Heartbeat
from oms_core.worker.worker import Worker, WorkerOptions, WorkerTasks

WORKER = Caller(name="worker", scopes=ALL_SCOPES)
COMMANDS = Caller(name="commands", scopes=ALL_SCOPES)

# In one process, a message takes no time: what has not come after a second was lost, or announced by another.
_SWEEP_AGE_EMBEDDED_SECONDS = 1.0
_STOP_SECONDS = 30.0
_ID_RANDOM_BITS = 32


class OrderQueue:
    """The queue of one Oms. Thread-safe; works on in a forked child, but for its workers."""

    def __init__(
        self,
        *,
        settings: Settings,
        storage: Storage,
        queue: Broker,
        clock: Clock,
        metrics: Metrics,
        waiting_max: int | None,
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._queue = queue
        self._clock = clock
        self._metrics = metrics
        self._commit = CommitAcceptances(storage=storage, metrics=metrics, location_priority=settings.locations)
        self._announcements = Announcements(queue.announcer, metrics)
        self._outcomes = Outcomes(
            self._settled,
            waiting_max=None if waiting_max is None else max(1, settings.http_threads // 4),
        )
        self._watch = QueueWatch(storage)
        self._committer: GroupCommitter[Placement, PlacementOutcome] | None = None
        if settings.group_commit:
            self._committer = GroupCommitter(
                self.accept_all,
                batch_max=TRANSACTION_ORDERS_MAX,
                waiting_max=waiting_max,
                waiting_seconds_max=settings.storage_deadline_seconds,
            )
        begin_in_each_process(self._begin)
        self._threads = (
            BackgroundThread(lambda: self.run_worker(self._stop), name="oms-worker"),
            BackgroundThread(lambda: self.run_event_relay(self._stop), name="oms-event-relay"),
        )

    def _begin(self) -> None:
        self._stop = threading.Event()

    def accept(self, placement: Placement) -> PlacementOutcome:
        """Queue an order, in a transaction that it may share with others, and have it announced."""
        if self._committer is not None:
            return self._committer.submit(placement)
        return self.accept_all([placement])[0]

    def accept_all(self, placements: Sequence[Placement]) -> list[PlacementOutcome]:
        """Queue orders, one outcome each, and have them announced."""
        outcomes = self._commit(placements)
        self.announce(
            [outcome.order.id for outcome in outcomes if isinstance(outcome, Placed) and not outcome.replayed]
        )
        return outcomes

    def announce(self, order_ids: Sequence[UUID]) -> None:
        """Tell workers of queued orders; never waits."""
        if order_ids:
            self._announcements.tell(order_ids)

    def wait(self, order_id: UUID, *, timeout_seconds: float) -> Order | None:
        """Return the order once it is settled; None when that took too long, or too many wait already."""
        return self._outcomes.wait(order_id, timeout_seconds=timeout_seconds)

    def look(self) -> View:
        """Look at the queue, at most once a second."""
        return self._watch.look()

    def run_worker(self, stop: threading.Event) -> None:
        """Work until `stop` is set."""
        self._worker(self._own_name()).run(stop)

    def run_event_relay(self, stop: threading.Event) -> None:
        """Publish events until `stop` is set, taking turns with other relays; return at once where none are carried."""
        if self._queue.carries_events:
            self._relay(self._own_name()).run(stop)

    def start_worker(self) -> None:
        """Work, and publish events, on threads of this process until `close`.

        Raise `overloaded` when one cannot start; called again, it starts those that are missing.
        """
        self._announcements.begin()
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Commit what has gathered, announce it, and end the workers of this process after the batch in hand."""
        if self._committer is not None:
            self._committer.close()
        self._announcements.close()
        self._stop.set()
        for thread in self._threads:
            thread.join(_STOP_SECONDS)
        self._queue.close()

    def _own_name(self) -> str:
        return f"{socket.gethostname()}:{os.getpid()}:{self._clock.random_bits(_ID_RANDOM_BITS):08x}"

    def _check(self) -> None:
        self._storage.schema.check()

    def _settled(self, order_ids: Sequence[UUID]) -> Sequence[Order]:
        return self._storage.queue.settled(order_ids)

    def _worker(self, worker_id: str) -> Worker:
        settle = SettleOrders(
            storage=self._storage,
            clock=self._clock,
            metrics=self._metrics,
            caller=WORKER,
            location_priority=self._settings.locations,
            attempts_max=self._settings.max_attempts,
        )
        options = WorkerOptions(batch_max=self._settings.worker_batch_max)
        if not self._queue.carries_events:
            options = replace(options, sweep_age_seconds=_SWEEP_AGE_EMBEDDED_SECONDS)
        return Worker(
            open_inbox=self._queue.inbox,
            queue=lambda: self._storage.queue,
            tasks=WorkerTasks(
                settle=settle,
                put_off=settle.put_off,
                accept=self._accept_commands,
                check=self._check,
            ),
            heartbeat=Heartbeat(
                worker_id=worker_id, started_at=self._clock.now(), workers=lambda: self._storage.workers
            ),
            options=options,
            metrics=self._metrics,
        )

    def _relay(self, holder: str) -> EventRelay:
        return EventRelay(
            outbox=lambda: self._storage.outbox,
            open_publisher=self._queue.event_publisher,
            holder=holder,
            source=f"/{self._settings.queue_prefix}",
            metrics=self._metrics,
        )

    def _accept_commands(self, commands: Sequence[PlaceOrder]) -> list[PlacementOutcome]:
        return place_orders(
            commands, caller=COMMANDS, clock=self._clock, currency=self._settings.currency, commit=self.accept_all
        )
