"""Announcements: nobody waits for a broker, and what it is not told of is left to the sweep."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from uuid import UUID

import pytest

from oms_core import OmsError
from oms_core.runtime.announcements import Announcements
from tests.core.worker.worker_fixtures import Counted
from tests.services.waiting import wait_until

SENT = ("oms_announcements_total", "sent")
LOST = ("oms_announcements_total", "lost")
SECONDS = 20


class Broker:
    """An Announcer that keeps what it is told, once `open` lets it; `fault` is raised instead."""

    def __init__(self) -> None:
        self.told: list[list[UUID]] = []
        self.calls = 0
        self.open = threading.Event()
        self.open.set()
        self.fault: Exception | None = None
        self.closed = threading.Event()

    def announce(self, order_ids: Sequence[UUID]) -> None:
        self.calls += 1
        assert self.open.wait(SECONDS)
        if self.fault is not None:
            raise self.fault
        self.told.append(list(order_ids))

    def close(self) -> None:
        self.closed.set()

    @property
    def ids(self) -> list[UUID]:
        return [order_id for ids in self.told for order_id in ids]


def some(count: int, first: int = 0) -> list[UUID]:
    return [UUID(int=number) for number in range(first, first + count)]


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def metrics() -> Counted:
    return Counted()


@pytest.fixture
def announcements(broker: Broker, metrics: Counted) -> Announcements:
    return Announcements(lambda: broker, metrics)


def test_ids_are_announced_in_order(announcements: Announcements, broker: Broker, metrics: Counted) -> None:
    announcements.tell(some(3))
    announcements.tell(some(2, first=3))
    wait_until(lambda: broker.ids == some(5), SECONDS, "all were announced")
    announcements.close()
    assert metrics.counts == {SENT: 5}


def test_telling_waits_for_no_broker_and_what_gathers_goes_together(
    announcements: Announcements, broker: Broker
) -> None:
    broker.open.clear()
    announcements.tell(some(1))
    wait_until(lambda: broker.calls, SECONDS, "the first is on its way")
    for number in range(1, 100):
        announcements.tell(some(1, first=number))
    broker.open.set()
    announcements.close()
    assert broker.told == [some(1), some(99, first=1)]


def test_close_announces_what_waits_and_lets_go_of_the_broker(announcements: Announcements, broker: Broker) -> None:
    broker.open.clear()
    announcements.tell(some(5_000))
    closing = threading.Thread(target=announcements.close)
    closing.start()
    broker.open.set()
    closing.join(SECONDS)
    assert broker.ids == some(5_000)
    assert max(map(len, broker.told)) <= 2_000
    assert broker.closed.is_set()


def test_what_is_told_after_the_close_is_lost(announcements: Announcements, broker: Broker, metrics: Counted) -> None:
    announcements.close()
    announcements.tell(some(2))
    assert broker.calls == 0
    assert metrics.counts == {LOST: 2}


@pytest.mark.parametrize("fault", [OmsError("queue_unavailable", "away"), RuntimeError("a defect")], ids=repr)
def test_what_gathers_while_the_broker_is_away_is_dropped_and_later_ids_are_announced(
    announcements: Announcements,
    broker: Broker,
    metrics: Counted,
    fault: Exception,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("oms_core.runtime.backoff.random.uniform", lambda _, longest: longest)
    broker.fault = fault
    announcements.tell(some(3))
    wait_until(lambda: metrics.counts.get(LOST) == 3, SECONDS, "the first are lost")
    announcements.tell(some(4, first=3))
    wait_until(lambda: metrics.counts.get(LOST) == 7, SECONDS, "what gathered is lost")
    assert broker.calls == 1, "it was left alone meanwhile"
    broker.fault = None

    def announced() -> bool:
        announcements.tell(some(1, first=99))
        return UUID(int=99) in broker.ids

    wait_until(announced, SECONDS, "it is announced to again")
    announcements.close()
    assert not set(broker.ids) & set(some(7))


def test_close_does_not_wait_for_a_pause_to_end(announcements: Announcements, broker: Broker) -> None:
    broker.fault = OmsError("queue_unavailable", "away")
    announcements.tell(some(1))
    wait_until(lambda: broker.calls, SECONDS, "it failed")
    announcements.close()
    assert broker.closed.is_set()


def test_pauses_grow_while_the_broker_is_away_and_are_short_again_after(
    announcements: Announcements, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest: list[float] = []

    def draw(_: float, high: float) -> float:
        longest.append(high)
        return 0.001

    def is_failed(times: int) -> bool:
        announcements.tell(some(1))
        return len(longest) >= times

    def is_announced() -> bool:
        announcements.tell(some(1))
        return bool(broker.told)

    monkeypatch.setattr("oms_core.runtime.backoff.random.uniform", draw)
    broker.fault = OmsError("queue_unavailable", "away")
    wait_until(lambda: is_failed(6), SECONDS, "it failed time and again")
    broker.fault = None
    wait_until(is_announced, SECONDS, "it is announced to again")
    before = len(longest)
    broker.fault = OmsError("queue_unavailable", "away")
    wait_until(lambda: is_failed(before + 2), SECONDS, "it failed again")
    announcements.close()
    assert longest[:6] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert longest[before : before + 2] == [0.5, 1.0]


def test_no_more_than_100_000_ids_wait(announcements: Announcements, broker: Broker, metrics: Counted) -> None:
    broker.open.clear()
    announcements.tell(some(1))
    wait_until(lambda: broker.calls, SECONDS, "the first is on its way")
    announcements.tell(some(100_000, first=1))
    announcements.tell(some(1, first=200_000))
    assert metrics.counts == {LOST: 1}
    broker.open.set()
    announcements.close()
    assert broker.ids == some(100_001)


def test_beginning_opens_the_broker_before_there_is_anything_to_tell(broker: Broker, metrics: Counted) -> None:
    opened = threading.Event()

    def open_announcer() -> Broker:
        opened.set()
        return broker

    announcements = Announcements(open_announcer, metrics)
    announcements.begin()
    announcements.begin()
    assert opened.wait(SECONDS)
    announcements.close()
    assert broker.calls == 0
    assert broker.closed.is_set()


def test_a_forked_child_announces_with_a_thread_of_its_own(announcements: Announcements, broker: Broker) -> None:
    announcements.tell(some(1))
    wait_until(lambda: broker.ids == some(1), SECONDS, "the parent announces")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            announcements.tell(some(1, first=7))
            announcements.close()
            status = 0 if broker.ids == [*some(1), *some(1, first=7)] else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    announcements.tell(some(1, first=8))
    announcements.close()
    assert broker.ids == [*some(1), *some(1, first=8)]
