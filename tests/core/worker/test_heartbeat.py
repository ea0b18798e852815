"""A worker's sign of life: seldom, with its pace, and never in the way of the work."""

from __future__ import annotations

import pytest
from oms_contracts.clock import BEGINNING
from oms_memory import MemoryStorage
from oms_memory.tables import Tables

from oms_core.domain.orders.queueing import WorkerState
from oms_core.worker.heartbeat import Heartbeat
from tests.core.worker.worker_fixtures import AWAY


class Beating:
    """A heartbeat whose clock is set, and what it wrote."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.storage = MemoryStorage(Tables(now=lambda: BEGINNING))
        self.is_away = False
        self.beats: list[WorkerState] = []
        self.left: list[str] = []
        self.heartbeat = Heartbeat(worker_id="w", started_at=BEGINNING, workers=self, clock=lambda: self.seconds)

    def beat(self, state: WorkerState) -> None:
        if self.is_away:
            raise AWAY
        self.beats.append(state)
        self.storage.workers.beat(state)

    def leave(self, worker_id: str) -> None:
        if self.is_away:
            raise AWAY
        self.left.append(worker_id)
        self.storage.workers.leave(worker_id)

    def find(self, *, silent_seconds: float) -> list[WorkerState]:
        return self.storage.workers.find(silent_seconds=silent_seconds)

    def settle(self, count: int, after_seconds: float) -> float:
        """Settle orders some time later, and give the pace that was last written."""
        self.seconds += after_seconds
        self.heartbeat.count(count)
        return self.beats[-1].orders_per_second


@pytest.fixture
def beating() -> Beating:
    return Beating()


def test_it_beats_every_two_seconds_at_most(beating: Beating) -> None:
    beating.heartbeat.beat()
    for _ in range(39):
        beating.settle(1, after_seconds=0.1)
    assert len(beating.beats) == 2
    assert beating.beats[-1].settled == 20


def test_its_pace_is_that_of_the_last_ten_seconds(beating: Beating) -> None:
    beating.heartbeat.beat()
    paces = [beating.settle(200, after_seconds=2) for _ in range(10)]
    assert paces == [pytest.approx(100)] * 10
    paces = [beating.settle(0, after_seconds=2) for _ in range(6)]
    assert paces == sorted(paces, reverse=True)
    assert paces[-1] == 0


def test_before_it_has_done_anything_it_has_no_pace(beating: Beating) -> None:
    assert beating.heartbeat.beat_now()
    assert beating.beats[-1].orders_per_second == 0.0


def test_a_database_that_is_away_is_told_and_stops_nobody(beating: Beating) -> None:
    beating.is_away = True
    beating.heartbeat.beat()
    beating.heartbeat.count(5)
    assert not beating.heartbeat.beat_now()
    beating.heartbeat.leave()
    beating.is_away = False
    assert beating.heartbeat.beat_now()
    assert beating.beats[-1].settled == 5


def test_it_takes_its_leave(beating: Beating) -> None:
    beating.heartbeat.beat()
    assert [state.id for state in beating.find(silent_seconds=15)] == ["w"]
    beating.heartbeat.leave()
    assert beating.find(silent_seconds=15) == []
