"""The workers of one process, on threads of its own or on one of the caller's."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Sequence
from dataclasses import replace

from oms_core.domain.callers import ALL_SCOPES, WORKER_NAME, Caller
from oms_core.domain.commands import PlaceOrder
from oms_core.domain.orders.placement import PlacementOutcome
from oms_core.ports.broker import Broker
from oms_core.ports.clock import Clock
from oms_core.ports.metrics import Metrics
from oms_core.ports.storage import Storage
from oms_core.runtime.background_thread import BackgroundThread
from oms_core.runtime.forks import begin_in_each_process
from oms_core.settings import Settings
from oms_core.use_cases.orders.intake import Intake
from oms_core.use_cases.orders.prepare_placement import write_prepared
from oms_core.use_cases.orders.settle_orders import SettleOrders
from oms_core.worker.event_relay import EventRelay
from oms_core.worker.heartbeat import Heartbeat
from oms_core.worker.hold_sweep import HoldSweep
from oms_core.worker.worker import Worker, WorkerOptions, WorkerTasks

WORKER = Caller(name=WORKER_NAME, scopes=ALL_SCOPES)

# Within one process a message takes no time. One that has not come after a second was lost, or went to another process.
_SWEEP_AGE_EMBEDDED_SECONDS = 1.0
_STOP_SECONDS = 30.0
_ID_RANDOM_BITS = 32


class Workers:
    """Runs workers, sweeps of holds and event relays. Thread-safe. It works in a forked child, which has no threads."""

    def __init__(
        self, *, settings: Settings, storage: Storage, broker: Broker, clock: Clock, metrics: Metrics, intake: Intake
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._broker = broker
        self._clock = clock
        self._metrics = metrics
        self._intake = intake
        begin_in_each_process(self._begin)
        self._threads = (
            BackgroundThread(lambda: self.run_worker(self._stop), name="oms-worker"),
            BackgroundThread(lambda: self.run_hold_sweep(self._stop), name="oms-hold-sweep"),
            BackgroundThread(lambda: self.run_event_relay(self._stop), name="oms-event-relay"),
        )

    def _begin(self) -> None:
        self._stop = threading.Event()

    def run_worker(self, stop: threading.Event) -> None:
        """Work until `stop` is set."""
        self._worker(self._own_name()).run(stop)

    def run_hold_sweep(self, stop: threading.Event) -> None:
        """Expire overdue holds until `stop` is set, while no other sweep does."""
        sweep = HoldSweep(storage=self._storage, clock=self._clock, caller=WORKER, holder=self._own_name())
        sweep.run(stop)

    def run_event_relay(self, stop: threading.Event) -> None:
        """Publish events until `stop` is set, while no other relay does; return at once where the broker takes none."""
        if self._broker.carries_events:
            self._relay(self._own_name()).run(stop)

    def start(self) -> None:
        """Work, expire holds, and publish events, on threads of this process until `close`.

        Raise `overloaded` when a thread cannot start. A further call starts those that are missing.
        """
        self._intake.begin_announcing()
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End the workers of this process after their present batch."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_STOP_SECONDS)

    def _own_name(self) -> str:
        return f"{socket.gethostname()}:{os.getpid()}:{self._clock.random_bits(_ID_RANDOM_BITS):08x}"

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
        if not self._broker.carries_events:
            options = replace(options, sweep_age_seconds=_SWEEP_AGE_EMBEDDED_SECONDS)
        return Worker(
            open_inbox=self._broker.inbox,
            queue=self._storage.queue,
            tasks=WorkerTasks(
                settle=settle,
                put_off=settle.put_off,
                accept=self._accept_commands,
                check=self._storage.schema.check,
            ),
            heartbeat=Heartbeat(worker_id=worker_id, started_at=self._clock.now(), workers=self._storage.workers),
            options=options,
            metrics=self._metrics,
        )

    def _relay(self, holder: str) -> EventRelay:
        return EventRelay(
            outbox=self._storage.outbox,
            open_publisher=self._broker.event_publisher,
            holder=holder,
            source=f"/{self._settings.queue_prefix}",
            metrics=self._metrics,
        )

    def _accept_commands(self, commands: Sequence[PlaceOrder]) -> list[PlacementOutcome]:
        return write_prepared(
            commands,
            caller=Caller(name=self._settings.commands_caller_in_force, scopes=ALL_SCOPES),
            clock=self._clock,
            currency=self._settings.currency,
            holds=self._settings.holds,
            write=self._intake.enqueue_many,
        )
