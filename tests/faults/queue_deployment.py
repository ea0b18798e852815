"""A deployment while servers and processes fail: callers who hand orders in, and workers on threads or in processes."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Any
from uuid import UUID

import pytest
from oms_contracts.concurrency import run_together
from oms_nats.inbox import NatsInbox
from oms_peewee.postgresql.settling import PostgresqlSettlingTables
from oms_rabbitmq.inbox import RabbitmqInbox

from oms_core import ALL_SCOPES, Caller, Oms, OmsError, OrderLine, PlaceOrder, SetStock, Settings
from oms_core.ports.broker import Inbox, Message
from oms_core.worker import workers
from oms_core.worker.worker import WorkerOptions

BUYER = Caller(name="buyer", scopes=ALL_SCOPES)
SKU = "WIDGET"
STOCK = 100_000
# A call that waits for a frozen broker takes 2.5 s at least, and far less without it, also on a busy machine.
ACCEPT_SECONDS = 2.0
STOPPING_SECONDS = 30
PACE_SECONDS = 0.02
SWEEP_AGE_SECONDS = 0.6
HOLD_SECONDS = 2.0


def quicken() -> None:
    """Let the workers of this process sweep, and let go of what they claim, within seconds."""
    quick = partial(WorkerOptions, sweep_age_seconds=SWEEP_AGE_SECONDS, lease_seconds=HOLD_SECONDS)
    setattr(workers, "WorkerOptions", quick)  # noqa: B010  The production defaults take half a minute.


def nothing() -> None:
    """Prepare nothing."""


@contextmanager
def deployment(database_url: str, queue_url: str, prefix: str, *, max_attempts: int = 5) -> Iterator[Oms]:
    """Open a system with one product; until its end the workers of this process are quick too."""
    settings = Settings(database_url=database_url, queue_url=queue_url, queue_prefix=prefix, max_attempts=max_attempts)
    with pytest.MonkeyPatch.context() as patch, Oms.open(settings) as oms:
        patch.setattr(workers, "WorkerOptions", WorkerOptions)  # To be put back at the end.
        quicken()
        oms.schema.upgrade()
        oms.stock.set(SetStock(sku=SKU, on_hand=STOCK), caller=BUYER)
        yield oms


def order(key: str, *, customer_id: str = "C1", quantity: int = 1) -> PlaceOrder:
    """Build an order of one line."""
    return PlaceOrder(customer_id=customer_id, lines=[OrderLine(sku=SKU, quantity=quantity)], idempotency_key=key)


def accept(oms: Oms, count: int, name: str) -> list[UUID]:
    """Hand in orders on 16 threads, all at once; none may fail, nor take long."""
    threads = 16

    def hand_in(first: int) -> list[UUID]:
        ids = []
        for number in range(first, count, threads):
            began = time.monotonic()
            ids.append(oms.orders.accept(order(f"{name}-{number}"), caller=BUYER).order.id)
            seconds = time.monotonic() - began
            assert seconds < ACCEPT_SECONDS, f"it took {seconds} s"
        return ids

    return [each for ids in run_together([partial(hand_in, first) for first in range(threads)]) for each in ids]


class Callers:
    """Callers who hand in one order after the other, and repeat a refused one under its key until it is accepted."""

    def __init__(self, oms: Oms, *, name: str, callers: int = 4) -> None:
        self._oms = oms
        self._name = name
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._buy, args=(number,)) for number in range(callers)]
        self.accepted: list[UUID] = []
        self.told: Counter[str] = Counter()
        self.slowest_seconds = 0.0

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _buy(self, caller: int) -> None:
        number = 0
        while not self._stop.is_set():
            self._insist(order(f"{self._name}-{caller}-{number}"))
            number += 1
            self._stop.wait(PACE_SECONDS)

    def _insist(self, wanted: PlaceOrder) -> None:
        while True:
            began = time.monotonic()
            try:
                placed = self._oms.orders.accept(wanted, caller=BUYER)
            except OmsError as error:
                self.told[error.code] += 1
                self._stop.wait(PACE_SECONDS)
            else:
                self.accepted.append(placed.order.id)
                self.told["accepted"] += 1
                return
            finally:
                self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)


@contextmanager
def on_thread(run: Callable[[threading.Event], None]) -> Iterator[threading.Thread]:
    """Run something until the end of the block; it has to end soon then."""
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(stop,))
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(STOPPING_SECONDS)
    assert not thread.is_alive()


@contextmanager
def working(settings: Settings) -> Iterator[Oms]:
    """Run a worker with connections of its own on a thread."""
    with Oms.open(settings) as oms, on_thread(oms.run_worker):
        yield oms


@contextmanager
def relaying(settings: Settings) -> Iterator[None]:
    """Run an event relay with connections of its own on a thread."""
    with Oms.open(settings) as oms, on_thread(oms.run_event_relay):
        yield


def work(settings: Settings, prepare: Callable[[], None]) -> None:
    """Be a worker's process."""
    quicken()
    prepare()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with Oms.open(settings) as oms:
        oms.run_worker(stop)


def processes(settings: Settings, prepares: Sequence[Callable[[], None]]) -> AbstractContextManager[list[BaseProcess]]:
    """Start a worker's process for each of `prepares`, which it calls first; those left at the end are killed."""
    return spawned([partial(work, settings, prepare) for prepare in prepares])


@contextmanager
def spawned(runs: Sequence[Callable[[], None]]) -> Iterator[list[BaseProcess]]:
    """Run each in a process of its own; those left at the end are killed."""
    started = [get_context("spawn").Process(target=run) for run in runs]
    for process in started:
        process.start()
    try:
        yield list(started)
    finally:
        for process in started:
            process.kill()
            process.join(STOPPING_SECONDS)
            process.close()


def dies(worker: BaseProcess) -> int:
    """Wait for the end of a process that was told to end, or ends itself; give its exit code."""
    worker.join(STOPPING_SECONDS)
    assert worker.exitcode is not None, "it was to end"
    return worker.exitcode


def die_of(poisoned: Collection[UUID]) -> None:
    """Let this process end without a word when it is about to write one of these orders."""
    write = PostgresqlSettlingTables.write

    def written(tables: PostgresqlSettlingTables, session: Any, decided: Any, *rest: Any) -> None:
        if any(each.id in poisoned for each, _ in decided):
            os._exit(1)
        write(tables, session, decided, *rest)

    setattr(PostgresqlSettlingTables, "write", written)  # noqa: B010


def die_before_acknowledging() -> None:
    """Kill this process when something is committed, and the broker is to be told."""

    def done(_: Inbox, messages: Sequence[Message]) -> None:
        if messages:
            os.kill(os.getpid(), signal.SIGKILL)

    for inbox in (RabbitmqInbox, NatsInbox):
        inbox.done = done
