"""Waiting for outcomes: one poller however many wait, a bound on those, and faults that cost nobody the answer."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID

import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_memory import MemoryStorage

from oms_core import Order, OrderStatus
from oms_core.runtime.outcomes import Outcomes
from tests.core.worker.worker_fixtures import AWAY
from tests.services.waiting import wait_until

SECONDS = 20.0


class Polled:
    """Gives settled orders, and notes who asked for what."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.threads: set[str | int] = set()
        self.asked: list[set[UUID]] = []
        self.faults: list[Exception] = []

    def __call__(self, order_ids: Sequence[UUID]) -> Sequence[Order]:
        self.threads.add(threading.get_ident())
        self.asked.append(set(order_ids))
        if self.faults:
            raise self.faults.pop()
        return self._shop.storage.queue.settled(order_ids)


@pytest.fixture
def shop() -> Shop:
    shop = new_shop(MemoryStorage())
    shop.set("A", 100)
    return shop


@pytest.fixture
def polled(shop: Shop) -> Polled:
    return Polled(shop)


@pytest.fixture
def background() -> Iterator[Callable[..., Future[Order | None]]]:
    with ThreadPoolExecutor(16) as threads:
        yield threads.submit


def asked_for(polled: Polled, order_ids: set[UUID]) -> Callable[[], bool]:
    return lambda: bool(polled.asked) and polled.asked[-1] == order_ids


def test_all_that_wait_are_told_by_one_poller(
    shop: Shop, polled: Polled, background: Callable[..., Future[Order | None]]
) -> None:
    outcomes = Outcomes(polled, waiting_max=16)
    ids = [shop.queue_up(("A", 1)).id for _ in range(4)]
    waiting = [background(outcomes.wait, ids[number % 4], timeout_seconds=SECONDS) for number in range(12)]
    wait_until(asked_for(polled, set(ids)), SECONDS, "all wait")
    shop.settle(*ids)
    orders = [each.result(SECONDS) for each in waiting]
    assert [order and order.id for order in orders] == [ids[number % 4] for number in range(12)]
    assert {order and order.status for order in orders} == {OrderStatus.PENDING}
    assert len(polled.threads) == 1


def test_a_settled_order_is_given_at_once(shop: Shop, polled: Polled) -> None:
    order_id = shop.queue_up(("A", 101)).id
    shop.settle(order_id)
    order = Outcomes(polled, waiting_max=1).wait(order_id, timeout_seconds=SECONDS)
    assert order is not None
    assert order.status is OrderStatus.REJECTED


def test_who_waited_too_long_gets_nothing_and_leaves_its_place(shop: Shop, polled: Polled) -> None:
    outcomes = Outcomes(polled, waiting_max=1)
    order_id = shop.queue_up(("A", 1)).id
    assert outcomes.wait(order_id, timeout_seconds=0.01) is None
    shop.settle(order_id)
    assert outcomes.wait(order_id, timeout_seconds=SECONDS) is not None


def test_one_too_many_gets_nothing_at_once(
    shop: Shop, polled: Polled, background: Callable[..., Future[Order | None]]
) -> None:
    outcomes = Outcomes(polled, waiting_max=2)
    ids = [shop.queue_up(("A", 1)).id for _ in range(3)]
    waiting = [background(outcomes.wait, order_id, timeout_seconds=SECONDS) for order_id in ids[:2]]
    wait_until(asked_for(polled, set(ids[:2])), SECONDS, "two wait")
    assert background(outcomes.wait, ids[2], timeout_seconds=10 * SECONDS).result(SECONDS) is None
    shop.settle(*ids)
    assert all(each.result(SECONDS) for each in waiting)


@pytest.mark.parametrize("fault", [AWAY, RuntimeError("a defect")], ids=repr)
def test_a_fault_of_the_poller_is_waited_out(shop: Shop, polled: Polled, fault: Exception) -> None:
    order_id = shop.queue_up(("A", 1)).id
    shop.settle(order_id)
    polled.faults = [fault]
    assert Outcomes(polled, waiting_max=1).wait(order_id, timeout_seconds=SECONDS) is not None


def test_the_poller_ends_when_nobody_waits(shop: Shop, polled: Polled) -> None:
    order_id = shop.queue_up(("A", 1)).id
    shop.settle(order_id)
    before = {thread.ident for thread in threading.enumerate() if thread.name == "oms-outcomes"}
    Outcomes(polled, waiting_max=1).wait(order_id, timeout_seconds=SECONDS)

    def is_over() -> bool:
        return {it.ident for it in threading.enumerate() if it.name == "oms-outcomes"} <= before

    wait_until(is_over, SECONDS, "its thread has ended")


def test_a_forked_child_waits_with_a_poller_of_its_own(
    shop: Shop, polled: Polled, background: Callable[..., Future[Order | None]]
) -> None:
    outcomes = Outcomes(polled, waiting_max=1)
    open_id, settled_id = (shop.queue_up(("A", 1)).id for _ in range(2))
    shop.settle(settled_id)
    waiting = background(outcomes.wait, open_id, timeout_seconds=SECONDS)
    wait_until(asked_for(polled, {open_id}), SECONDS, "the parent polls")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if outcomes.wait(settled_id, timeout_seconds=SECONDS) is not None else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    shop.settle(open_id)
    assert waiting.result(SECONDS) is not None
