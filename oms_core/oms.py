"""Class Oms: the table of contents of what the system does, and how a program embeds it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace

from oms_core.authentication.authenticate import Authenticate
from oms_core.bootstrap import Ports, open_ports
from oms_core.domain.callers import Caller
from oms_core.domain.orders.holds import OrderDefaults
from oms_core.domain.rate_limits import RateScope
from oms_core.ports.metrics import Metrics
from oms_core.ports.schema_storage import SchemaStorage
from oms_core.runtime.parts import Composite, part
from oms_core.runtime.queue_watch import QueueWatch
from oms_core.runtime.replica_watch import ReplicaWatch
from oms_core.settings import Settings
from oms_core.use_cases.api_keys import ApiKeys
from oms_core.use_cases.archive.archive import Archive
from oms_core.use_cases.audit import AuditReport, audit
from oms_core.use_cases.databases import Databases, WatchedReplica
from oms_core.use_cases.holds import Holds
from oms_core.use_cases.imports.imports import Imports
from oms_core.use_cases.locations import Locations
from oms_core.use_cases.orders.changes import Changes
from oms_core.use_cases.orders.intake import Intake
from oms_core.use_cases.orders.orders import Orders
from oms_core.use_cases.queue.queue import Queue
from oms_core.use_cases.rate_limits import RateLimits
from oms_core.use_cases.returns import Returns
from oms_core.use_cases.shipments import Shipments
from oms_core.use_cases.stock import Stock
from oms_core.worker.queue_report import QueueReport
from oms_core.worker.workers import Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a system works with, for a person; never a password. `broker` is None where nothing carries events.

    `replica` is None where the storage is read for lists too.
    """

    storage: str
    broker: str | None
    rate_limiter: str
    replica: str | None = None


class Oms(Composite):
    """The order management system over one database: a part for each noun, whose methods are the use cases.

    Thread-safe; connects on first use; works on in a forked child. Every use case runs its own transaction and never
    joins the host's. Each may raise OmsError `storage_unavailable`, `storage_unusable` or `forbidden` besides what it
    names, and `overloaded` once the system is closed.
    """

    def __init__(
        self, *, settings: Settings, ports: Ports, waiting_max: int | None = None, outcomes_max: int | None = None
    ) -> None:
        """Compose the system over ports; `Oms.open` opens those that settings describe.

        `waiting_max` bounds the orders that wait for group commit at once (None: only the host's threads bound them),
        `outcomes_max` the callers that wait for the outcomes of queued orders (None: 64).
        """
        self.settings = settings
        self.metrics = ports.metrics
        self._ports = ports
        self._waiting_max, self._outcomes_max = waiting_max, outcomes_max

    @classmethod
    def open(
        cls,
        settings: Settings | None = None,
        *,
        create: bool = True,
        metrics: Metrics | None = None,
        waiting_max: int | None = None,
        outcomes_max: int | None = None,
    ) -> Oms:
        """Open the system that the settings describe; reads no environment, configures no logging.

        `create` False refuses a missing database file instead of making it. Raises `invalid_setting`.
        """
        settings = settings or Settings()
        ports = open_ports(settings, create=create, metrics=metrics)
        return cls(settings=settings, ports=ports, waiting_max=waiting_max, outcomes_max=outcomes_max)

    def __enter__(self) -> Oms:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @part
    def orders(self) -> Orders:
        """Orders: placed or accepted, moved, retried and read."""
        return Orders(
            databases=self._databases,
            clock=self._ports.clock,
            defaults=OrderDefaults(currency=self.settings.currency, holds=self.settings.holds),
            intake=self._intake,
            rate_limits=self.rate_limits,
        )

    @part
    def changes(self) -> Changes:
        """Changes of orders: their lines, their details."""
        return Changes(storage=self._ports.storage, clock=self._ports.clock, location_priority=self.settings.locations)

    @part
    def holds(self) -> Holds:
        """Held orders: confirmed, held longer, expired."""
        return Holds(storage=self._ports.storage, clock=self._ports.clock, limits=self.settings.holds)

    @part
    def shipments(self) -> Shipments:
        """Shipments: made, followed, taken back."""
        return Shipments(storage=self._ports.storage, clock=self._ports.clock)

    @part
    def returns(self) -> Returns:
        """Returns: what came back, and what became of it."""
        return Returns(storage=self._ports.storage, clock=self._ports.clock)

    @part
    def stock(self) -> Stock:
        """Stock: counts, receipts, corrections and the ledger."""
        return Stock(
            databases=self._databases,
            clock=self._ports.clock,
            default_location=self.settings.default_location,
            known_locations=self.settings.known_locations,
        )

    @part
    def locations(self) -> Locations:
        """Places that hold stock: which sell, and which ship."""
        return Locations(storage=self._ports.storage, clock=self._ports.clock)

    @part
    def imports(self) -> Imports:
        """Imports of files."""
        return Imports(
            storage=self._ports.storage,
            clock=self._ports.clock,
            defaults=OrderDefaults(currency=self.settings.currency, holds=replace(self.settings.holds, seconds=0)),
            intake=lambda: self._intake,
            changes=self.stock,
        )

    @part
    def queue(self) -> Queue:
        """The orders that wait, and the messages that could not be read."""
        return Queue(watch=QueueWatch(self._ports.storage), broker=self._ports.broker, clock=self._ports.clock)

    @part
    def archive(self) -> Archive:
        """Finished orders that leave the database for a file."""
        return Archive(storage=self._ports.storage, clock=self._ports.clock)

    @part
    def api_keys(self) -> ApiKeys:
        """API keys: who may call the service, and what they may do."""
        return ApiKeys(
            storage=self._ports.storage,
            clock=self._ports.clock,
            days_max=self.settings.key_days_max,
            changed=self._authenticate.forget,
            shared_names={self.settings.local_caller_in_force, self.settings.commands_caller_in_force},
        )

    @part
    def rate_limits(self) -> RateLimits:
        """How often callers may ask."""
        return RateLimits(limits=self.settings.rate_limits_in_force, limiter=self._ports.rate_limiter)

    @part
    def schema(self) -> SchemaStorage:
        """The schema of the database and its migrations; for its operator, under no scope."""
        return self._ports.storage.schema

    def close(self) -> None:
        """Commit what has gathered, end the workers after the batch in hand, then close every connection."""
        with ExitStack() as closing:
            closing.callback(self._ports.rate_limiter.close)
            closing.callback(self._ports.storage.close)
            if self._ports.replica is not None:
                closing.callback(self._ports.replica.close)
            closing.callback(self._ports.broker.close)
            closing.callback(self.close_parts)

    def check(self) -> None:
        """Raise `storage_unavailable`, `storage_unusable` or `schema_outdated` unless the system can work now."""
        self._ports.storage.schema.check()

    def describe(self) -> Description:
        """Return what the system works with, for a person."""
        broker, replica = self._ports.broker, self._ports.replica
        return Description(
            storage=self._ports.storage.describe(),
            broker=broker.describe() if broker.carries_events else None,
            rate_limiter=self._ports.rate_limiter.describe(),
            replica=None if replica is None else replica.describe(),
        )

    def is_replica_degraded(self) -> bool:
        """Return whether lists are read from the primary because the replica is late or away."""
        return self._databases.is_degraded()

    def authenticate(self, token: str, *, address: str | None = None, request_id: str | None = None) -> Caller:
        """Return the caller whose API key this is; the use cases take it as `caller`.

        `address` is the client's: keys that open nothing are counted by it where `auth.failures` is limited. A revoked
        key is refused within five seconds; one in use outlives a database that is away for as long. Raises
        `unauthenticated`, with one text for whatever is wrong with the key, or `rate_limited`.
        """
        return self._authenticate(token, address=address, request_id=request_id)

    def audit(self, *, caller: Caller, progress: Callable[[int, int], None] | None = None) -> AuditReport:
        """Prove that counters, ledger and open orders agree, in pages; it changes nothing.

        `progress` is told the levels and orders compared so far.
        """
        self.refuse_if_closed()
        return audit(caller=caller, databases=self._databases, progress=progress)

    def run_worker(self, stop: threading.Event) -> None:
        """Place queued orders until `stop` is set."""
        self._workers.run_worker(stop)

    def run_hold_sweep(self, stop: threading.Event) -> None:
        """Expire overdue holds until `stop` is set. One sweep at a time does so, over all processes."""
        self._workers.run_hold_sweep(stop)

    def run_event_relay(self, stop: threading.Event) -> None:
        """Publish events until `stop` is set. One relay at a time does so. Return at once where no events are carried.

        A process of its own is the place for it: in a worker's it would take a good part of its time.
        """
        self._workers.run_event_relay(stop)

    def start_worker(self) -> None:
        """Place queued orders, expire holds and publish events, on threads of this process until `close`."""
        self._workers.start()

    def start_queue_report(self) -> None:
        """Keep the gauges of the queue up to date, on a thread of this process until `close`. Raise `overloaded`."""
        self._queue_report.start()

    @part
    def _databases(self) -> Databases:
        """Where lists, exports and audits are read: on the replica that the settings name while it is new enough."""
        replica = self._ports.replica
        if replica is None:
            return Databases(primary=self._ports.storage)
        watch = ReplicaWatch(replica, lag_seconds_max=self.settings.replica_lag_seconds_max, metrics=self.metrics)
        watched = WatchedReplica(replica=replica, watch=watch)
        return Databases(primary=self._ports.storage, watched=watched, metrics=self.metrics)

    @part
    def _intake(self) -> Intake:
        return Intake(
            storage=self._ports.storage,
            broker=self._ports.broker,
            metrics=self.metrics,
            location_priority=self.settings.locations,
            shares_transactions=self.settings.group_commit,
            waiting_max=self._waiting_max,
            outcomes_max=self._outcomes_max,
            deadline_seconds=self.settings.storage_deadline_seconds,
        )

    @part
    def _workers(self) -> Workers:
        return Workers(
            settings=self.settings,
            storage=self._ports.storage,
            broker=self._ports.broker,
            clock=self._ports.clock,
            metrics=self.metrics,
            intake=self._intake,
        )

    @part
    def _queue_report(self) -> QueueReport:
        return QueueReport(queue=self.queue, storage=self._ports.storage, metrics=self.metrics)

    @part
    def _authenticate(self) -> Authenticate:
        return Authenticate.over(
            storage=self._ports.storage,
            limiter=self._ports.rate_limiter,
            clock=self._ports.clock,
            metrics=self.metrics,
            limit=self.settings.rate_limits_in_force.get(RateScope.AUTH_FAILURES),
        )
