"""Accepting orders: a row that waits, told to workers, placed once whatever becomes of the messages."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from oms_memory import MemoryStorage
from oms_memory.broker import MemoryBroker

from oms_core import ALL_SCOPES, Caller, Oms, OmsError, OrderLine, OrderStatus, PlaceOrder, Ports, SetStock, Settings
from oms_core.documents.messages import read_order_ids
from tests.services.waiting import wait_until

CLERK = Caller(name="clerk", scopes=ALL_SCOPES)
SECONDS = 20.0


def wanted(quantity: int = 1, **given: Any) -> PlaceOrder:
    return PlaceOrder(**{"customer_id": "C1", "lines": [OrderLine(sku="A", quantity=quantity)], **given})


@pytest.fixture
def queue() -> MemoryBroker:
    return MemoryBroker()


@pytest.fixture(params=[True, False], ids=["group commit", "alone"])
def oms(queue: MemoryBroker, request: pytest.FixtureRequest) -> Iterator[Oms]:
    settings = Settings(database_url="memory://", group_commit=request.param)
    with Oms(settings=settings, ports=Ports(storage=MemoryStorage(), broker=queue)) as oms:
        oms.stock.set(SetStock(sku="A", on_hand=100), caller=CLERK)
        yield oms


@contextmanager
def working(oms: Oms) -> Iterator[None]:
    """Let a worker work."""
    stop = threading.Event()
    thread = threading.Thread(target=oms.run_worker, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(SECONDS)


def announced(queue: MemoryBroker) -> list[UUID]:
    return [order_id for message in queue.exchange.waiting for order_id in read_order_ids(message.body)]


def available(oms: Oms) -> int:
    return oms.stock.get("A", caller=CLERK).available


def test_an_accepted_order_waits_holds_no_stock_and_is_announced(oms: Oms, queue: MemoryBroker) -> None:
    placed = oms.orders.accept(wanted(), caller=CLERK)
    order = placed.order
    assert (order.status, placed.replayed, order.version, order.attempts) == (OrderStatus.QUEUED, False, 1, 0)
    assert available(oms) == 100
    wait_until(lambda: announced(queue) == [order.id], SECONDS, "it is announced")
    place = oms.queue.place_of(order)
    assert place is not None
    assert (place.position, place.estimated_seconds) == (1, None)


def test_a_worker_places_it_and_who_waits_is_told(oms: Oms) -> None:
    with working(oms):
        order = oms.orders.accept(wanted(), caller=CLERK).order
        settled = oms.orders.wait(order.id, caller=CLERK, timeout_seconds=SECONDS)
    assert settled is not None
    assert (settled.status, settled.version) == (OrderStatus.PENDING, 2)
    assert available(oms) == 99
    assert oms.queue.place_of(settled) is None


def test_more_than_there_is_is_accepted_and_then_rejected(oms: Oms) -> None:
    with working(oms):
        order = oms.orders.accept(wanted(101), caller=CLERK).order
        settled = oms.orders.wait(order.id, caller=CLERK, timeout_seconds=SECONDS)
    assert settled is not None
    assert settled.failure is not None
    assert (settled.status, settled.failure.code) == (OrderStatus.REJECTED, "insufficient_inventory")


def test_an_unknown_sku_is_refused_and_leaves_nothing(oms: Oms) -> None:
    with pytest.raises(OmsError, match="unknown_sku"):
        oms.orders.accept(wanted(lines=[OrderLine(sku="NONE", quantity=1)]), caller=CLERK)
    assert not oms.orders.list(caller=CLERK).items


def test_a_key_accepts_once_and_then_gives_the_order_as_it_is(oms: Oms, queue: MemoryBroker) -> None:
    first = oms.orders.accept(wanted(idempotency_key="k"), caller=CLERK)
    again = oms.orders.accept(wanted(idempotency_key="k"), caller=CLERK)
    assert (again.replayed, again.order) == (True, first.order)
    with working(oms):
        oms.orders.wait(first.order.id, caller=CLERK, timeout_seconds=SECONDS)
    later = oms.orders.accept(wanted(idempotency_key="k"), caller=CLERK)
    assert (later.replayed, later.order.status) == (True, OrderStatus.PENDING)
    with pytest.raises(OmsError, match="idempotency_key_reused"):
        oms.orders.accept(wanted(2, idempotency_key="k"), caller=CLERK)
    assert available(oms) == 99
    assert announced(queue) == [], "a replay is not announced again"


def test_one_key_at_once_from_many_threads_is_one_order(oms: Oms) -> None:
    with ThreadPoolExecutor(12) as threads:
        accepted = list(threads.map(lambda _: oms.orders.accept(wanted(idempotency_key="k"), caller=CLERK), range(24)))
    assert len({placed.order.id for placed in accepted}) == 1
    assert sum(not placed.replayed for placed in accepted) == 1


def test_the_queue_is_first_come_first_served(oms: Oms) -> None:
    orders = [oms.orders.accept(wanted(60), caller=CLERK).order for _ in range(2)]
    with working(oms):
        settled = [oms.orders.wait(order.id, caller=CLERK, timeout_seconds=SECONDS) for order in orders]
    assert [order and order.status for order in settled] == [OrderStatus.PENDING, OrderStatus.REJECTED]


def test_an_order_whose_announcement_was_lost_is_found_by_the_sweep(oms: Oms, queue: MemoryBroker) -> None:
    order = oms.orders.accept(wanted(), caller=CLERK).order
    wait_until(lambda: announced(queue), SECONDS, "it is announced")
    queue.exchange.waiting.clear()
    with working(oms):
        settled = oms.orders.wait(order.id, caller=CLERK, timeout_seconds=SECONDS)
    assert settled is not None
    assert settled.status is OrderStatus.PENDING


def test_a_cancelled_order_is_not_placed(oms: Oms) -> None:
    order = oms.orders.accept(wanted(), caller=CLERK).order
    oms.orders.cancel(order.id, caller=CLERK)
    other = oms.orders.accept(wanted(), caller=CLERK).order
    with working(oms):
        oms.orders.wait(other.id, caller=CLERK, timeout_seconds=SECONDS)
    assert oms.orders.get(order.id, caller=CLERK).status is OrderStatus.CANCELLED
    assert available(oms) == 99


def test_closing_announces_what_was_accepted(oms: Oms, queue: MemoryBroker) -> None:
    ids = [oms.orders.accept(wanted(), caller=CLERK).order.id for _ in range(5)]
    oms.close()
    assert announced(queue) == ids


def test_a_forked_child_accepts_and_announces(oms: Oms, queue: MemoryBroker) -> None:
    oms.orders.accept(wanted(), caller=CLERK)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            order = oms.orders.accept(wanted(), caller=CLERK).order
            wait_until(lambda: announced(queue) == [order.id], SECONDS, "it is announced")
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
