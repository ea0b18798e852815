"""A worker over memory, with a scripted inbox and a journal of what happened in which order."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from oms_contracts.clock import BEGINNING
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_memory import MemoryStorage
from oms_memory.queue import MemoryQueuedOrders, MemoryWorkers
from oms_memory.tables import Tables

from oms_core import ALL_SCOPES, Caller, OmsError, Order, OrderStatus, PlaceOrder
from oms_core.domain.metrics import Metric
from oms_core.domain.orders.placement import PlacementOutcome
from oms_core.domain.orders.queueing import Claim, Settlement, WorkerState
from oms_core.ports.broker import Message, MessageKind
from oms_core.ports.metrics import NoMetrics
from oms_core.ports.no_broker import NoBroker
from oms_core.ports.queue_storage import DecideSettlement, SettleBatch
from oms_core.use_cases.orders.intake import Intake
from oms_core.use_cases.orders.prepare_placement import write_prepared
from oms_core.use_cases.orders.settle_orders import SettleOrders
from oms_core.worker.heartbeat import Heartbeat
from oms_core.worker.worker import Worker, WorkerOptions, WorkerTasks

WORKER = Caller(name="worker", scopes=ALL_SCOPES)
AWAY = OmsError("storage_unavailable", "the database is away")
FULL = OmsError("storage_unavailable", "the disk of the database is full")
POISON = "poison"
ATTEMPTS_MAX = 3


class Counted(NoMetrics):
    """Sums what is counted, by metric and labels."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, ...], int] = {}

    def count(self, metric: Metric, *labels: str, amount: int = 1) -> None:
        key = (metric.name, *labels)
        self.counts[key] = self.counts.get(key, 0) + amount


class Unhurried(threading.Event):
    """A stop that nobody waits for: pauses are over at once, and kept."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0.0)
        return self.is_set()


@dataclass
class ScriptedInbox:
    """An Inbox that gives one list of messages after the other, then has the worker stopped."""

    script: list[list[Message]]
    stop: threading.Event
    journal: list[tuple[str, Any]]
    connected: bool = True
    acknowledged: list[Message] = field(default_factory=list)
    dead_lettered: list[tuple[bytes, str]] = field(default_factory=list)
    closed: int = 0

    def take(self, *, limit: int, timeout_seconds: float) -> list[Message]:
        if not self.script:
            self.stop.set()
            return []
        return self.script.pop(0)

    def done(self, messages: Sequence[Message]) -> None:
        self.journal.append(("acknowledged", len(messages)))
        self.acknowledged.extend(messages)

    def dead_letter(self, message: Message, reason: OmsError) -> None:
        self.dead_lettered.append((message.body, reason.code))

    def close(self) -> None:
        self.closed += 1


class WatchedQueue(MemoryQueuedOrders):
    """Notes every batch, and raises what it is told to: `faults` one after the other, a bug for a poisonous order."""

    def __init__(self, tables: Tables, journal: list[tuple[str, Any]]) -> None:
        super().__init__(tables)
        self._all = tables
        self._journal = journal
        self.faults: list[OmsError] = []
        self.room = 1_000_000
        self.after_settling: Callable[[], object] = lambda: None

    def settle(self, batch: SettleBatch, decide: DecideSettlement) -> Settlement:
        if self.faults:
            raise self.faults.pop(0)
        if len(batch.order_ids) > self.room:
            raise FULL
        found = [self._all.orders[order_id] for order_id in batch.order_ids if order_id in self._all.orders]
        if any(order.customer_id == POISON and order.status is OrderStatus.QUEUED for order in found):
            raise RuntimeError("a bug")
        settlement = super().settle(batch, decide)
        self._journal.append(("settled", len(settlement.statuses)))
        self.after_settling()
        return settlement

    def claim(self, order_ids: Sequence[UUID], *, lease_seconds: float) -> list[Claim]:
        claims = super().claim(order_ids, lease_seconds=lease_seconds)
        self._journal.append(("claimed", len(claims)))
        return claims

    def sweep(self, *, older_than_seconds: float, limit: int, lease_seconds: float) -> list[Claim]:
        claims = super().sweep(older_than_seconds=older_than_seconds, limit=limit, lease_seconds=lease_seconds)
        self._journal.append(("swept", (older_than_seconds, len(claims))))
        return claims


class WatchedWorkers(MemoryWorkers):
    """Signs of life in memory; while `is_away`, none is taken."""

    is_away = False

    def beat(self, state: WorkerState) -> None:
        if self.is_away:
            raise AWAY
        super().beat(state)


class WorkerHarness:
    """One worker, whose database's clock stands still unless it is moved."""

    def __init__(self, *, batch_max: int = 500) -> None:
        self.now = BEGINNING
        self.journal: list[tuple[str, Any]] = []
        self.metrics = Counted()
        tables = Tables(now=lambda: self.now)
        storage = MemoryStorage(tables)
        self.queue = storage.queue = WatchedQueue(tables, self.journal)
        self.workers = storage.workers = WatchedWorkers(tables)
        self.storage = storage
        self.shop: Shop = new_shop(storage)
        self.shop.set("A", 100_000)
        self.stop = Unhurried()
        self.is_full = False
        self.inboxes: list[ScriptedInbox] = []
        self._batch_max = batch_max

    def settling(self) -> SettleOrders:
        """Give what settles, with 3 attempts at most."""
        return SettleOrders(
            storage=self.storage,
            clock=self.shop.clock,
            metrics=self.metrics,
            caller=WORKER,
            location_priority=["main"],
            attempts_max=ATTEMPTS_MAX,
        )

    def work(self, *script: Iterable[Message], connected: bool = True) -> ScriptedInbox:
        """Let a worker take these lists of messages, and stop; give the inbox that it used last."""
        left = [list(messages) for messages in script]

        def open_inbox() -> ScriptedInbox:
            inbox = ScriptedInbox(left, self.stop, self.journal, connected)
            self.inboxes.append(inbox)
            return inbox

        settle = self.settling()
        Worker(
            open_inbox=open_inbox,
            queue=self.queue,
            tasks=WorkerTasks(settle=settle, put_off=settle.put_off, accept=self._accept, check=self._check),
            heartbeat=Heartbeat(worker_id="w", started_at=BEGINNING, workers=self.workers),
            options=WorkerOptions(batch_max=self._batch_max),
            metrics=self.metrics,
        ).run(self.stop)
        self.stop.clear()
        return self.inboxes[-1]

    def queue_up(self, count: int, *, customer_id: str = "C1", quantity: int = 1) -> list[UUID]:
        """Queue orders."""
        return [self.shop.queue_up(("A", quantity), customer_id=customer_id).id for _ in range(count)]

    def statuses(self, order_ids: Iterable[UUID]) -> list[OrderStatus]:
        """Read their statuses."""
        return [self.shop.get(order_id).status for order_id in order_ids]

    def order(self, order_id: UUID) -> Order:
        """Read one."""
        return self.shop.get(order_id)

    def pass_time(self, seconds: float) -> None:
        """Move the database's clock on."""
        self.now += timedelta(seconds=seconds)

    def happened(self, what: str) -> list[Any]:
        """Give what the journal has of one kind."""
        return [detail for kind, detail in self.journal if kind == what]

    def _check(self) -> None:
        if self.is_full:
            raise FULL

    def _accept(self, commands: Sequence[PlaceOrder]) -> list[PlacementOutcome]:
        intake = Intake(storage=self.storage, broker=NoBroker(), metrics=self.metrics, location_priority=["main"])
        return write_prepared(commands, caller=WORKER, clock=self.shop.clock, currency="EUR", write=intake.enqueue_many)


def tell(*order_ids: UUID, redelivered: bool = False) -> Message:
    """Announce orders."""
    body = json.dumps({"order_ids": [str(order_id) for order_id in order_ids]}).encode()
    return Message(kind=MessageKind.ORDER_IDS, body=body, redelivered=redelivered)


def ask(document: object) -> Message:
    """Command an order, by a document or by bytes."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Message(kind=MessageKind.COMMAND, body=body, redelivered=False)
