"""Looking at the queue: once a second, however many ask."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_memory import MemoryStorage

from oms_core import OmsError
from oms_core.domain.orders.queueing import QueueSample
from oms_core.runtime.queue_watch import QueueWatch
from tests.core.worker.worker_fixtures import AWAY

SECONDS = 20.0


class Watched:
    """A shop whose samples are counted, and a watch with a clock that is set."""

    def __init__(self) -> None:
        self.storage = MemoryStorage()
        self.shop: Shop = new_shop(self.storage)
        self.shop.set("A", 10)
        self.samples = 0
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self.faults: list[Exception] = []
        self.seconds = 100.0
        self._sample = self.storage.queue.sample
        self.storage.queue.sample = self.sample  # type: ignore[method-assign]
        self.aside: list[Callable[[], None]] = []
        self.watch = QueueWatch(self.storage, clock=lambda: self.seconds, run_aside=self.aside.append)

    def sample(self) -> QueueSample:
        self.samples += 1
        self.begun.set()
        assert self.go_on.wait(SECONDS)
        if self.faults:
            raise self.faults.pop()
        return self._sample()

    @property
    def depth(self) -> int:
        return self.watch.look().sample.depth


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_a_view_is_good_for_a_second(watched: Watched) -> None:
    assert watched.depth == 0
    watched.shop.queue_up(("A", 1))
    watched.seconds += 0.99
    assert (watched.depth, watched.samples) == (0, 1)
    watched.seconds += 2.01
    assert (watched.depth, watched.samples) == (1, 2)


def test_a_view_of_up_to_three_seconds_is_given_while_another_is_taken_aside(watched: Watched) -> None:
    assert watched.depth == 0
    watched.shop.queue_up(("A", 1))
    watched.seconds += 1
    assert [watched.depth for _ in range(3)] == [0, 0, 0]
    (refresh,) = watched.aside
    watched.faults = [AWAY]
    refresh()
    assert watched.depth == 0, "a fault aside is nobody's"
    watched.aside.pop()()
    assert (watched.depth, watched.samples) == (1, 3)


def test_who_asks_while_another_samples_gets_the_view_before(watched: Watched) -> None:
    assert watched.depth == 0
    watched.shop.queue_up(("A", 1))
    watched.seconds += 3
    watched.begun.clear()
    watched.go_on.clear()
    with ThreadPoolExecutor(1) as threads:
        sampling = threads.submit(lambda: watched.depth)
        assert watched.begun.wait(SECONDS)
        assert watched.depth == 0, "and does not wait"
        watched.go_on.set()
        assert sampling.result(SECONDS) == 1
    assert watched.samples == 2


def test_the_first_that_ask_share_one_sample(watched: Watched) -> None:
    watched.go_on.clear()
    with ThreadPoolExecutor(8) as threads:
        asking = [threads.submit(lambda: watched.depth) for _ in range(8)]
        assert watched.begun.wait(SECONDS)
        watched.go_on.set()
        assert [each.result(SECONDS) for each in asking] == [0] * 8
    assert watched.samples == 1


def test_a_child_forked_while_another_sampled_looks_for_itself(watched: Watched) -> None:
    assert watched.depth == 0
    watched.shop.queue_up(("A", 1))
    watched.seconds += 3
    watched.begun.clear()
    watched.go_on.clear()
    with ThreadPoolExecutor(1) as threads:
        sampling = threads.submit(lambda: watched.depth)
        assert watched.begun.wait(SECONDS)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                watched.go_on = threading.Event()
                watched.go_on.set()
                status = 0 if watched.depth == 1 else 2
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        watched.go_on.set()
        assert sampling.result(SECONDS) == 1


def test_a_fault_is_raised_and_the_next_one_asks_again(watched: Watched) -> None:
    watched.faults = [AWAY]
    with pytest.raises(OmsError, match="storage_unavailable"):
        watched.watch.look()
    assert watched.depth == 0
