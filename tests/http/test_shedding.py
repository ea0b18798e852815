"""How many requests are let in at once, by a clock that only the tests move and databases that obey a formula."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

import pytest

from oms_core.runtime.drain_rate import DrainRate
from oms_http.server.admission import HOLD_SECONDS, PLACES_MIN, AdaptiveLimit, Admission, Begun

CEILING = 224
TARGET_SECONDS = 1.0
STEP_SECONDS = 0.01


class World:
    """A process under more load than it takes: each free place is taken at once, batches end when the formula says."""

    def __init__(self, batch_seconds: Callable[[int], float], *, target_seconds: float = TARGET_SECONDS) -> None:
        self.now = 0.0
        self.batch_seconds = batch_seconds
        self.limit = AdaptiveLimit(ceiling=CEILING, target_seconds=target_seconds, clock=lambda: self.now)
        self.waiting: deque[Begun] = deque()
        self.batch: list[Begun] = []
        self.ends_at = math.inf
        self.latencies: list[float] = []
        self.arriving_per_second = math.inf
        self.arrived = 0.0
        self.demand = 10**9

    def run(self, seconds: float) -> World:
        """Let time pass; afterwards `latencies` holds those of the answers of that time."""
        self.latencies = []
        ends = self.now + seconds
        while self.now < ends:
            self.now += STEP_SECONDS
            if self.now >= self.ends_at:
                self._end_batch()
            self.arrived = min(self.arrived + self.arriving_per_second * STEP_SECONDS, 10**6)
            while not self.limit.full and self.limit.in_flight < self.demand and self.arrived >= 1:
                self.arrived -= 1
                self.waiting.append(self.limit.begin())
            self.arrived = self.arrived % 1 if math.isfinite(self.arriving_per_second) else 0.0
            if not self.batch and self.waiting:
                self.batch = list(self.waiting)
                self.waiting.clear()
                self.ends_at = self.now + self.batch_seconds(len(self.batch))
        return self

    def _end_batch(self) -> None:
        for begun in self.batch:
            self.latencies.append(self.now - begun.at)
            self.limit.end(begun)
        self.batch, self.ends_at = [], math.inf

    @property
    def p99(self) -> float:
        return sorted(self.latencies)[int(len(self.latencies) * 0.99)]


def placing(per_second: float) -> Callable[[int], float]:
    """A database whose time goes into the orders."""
    return lambda orders: orders / per_second


def answering_after(seconds: float) -> Callable[[int], float]:
    """A database that is far away: a batch takes as long as one order."""
    return lambda _: seconds


@pytest.mark.parametrize("per_second", [30, 60, 150])
def test_under_overload_the_limit_comes_down_to_what_is_answered_within_the_target(per_second: float) -> None:
    world = World(placing(per_second))
    world.run(30)
    world.run(20)
    assert world.p99 < 1.6 * TARGET_SECONDS
    assert len(world.latencies) / 20 > 0.9 * per_second


@pytest.mark.parametrize("times", [1.3, 2, 6])
def test_an_overload_that_builds_up_is_not_taken_for_a_slow_database(times: float) -> None:
    world = World(placing(60))
    world.arriving_per_second = 60 * times
    world.run(40)
    world.run(20)
    assert world.p99 < 1.6 * TARGET_SECONDS
    assert len(world.latencies) / 20 > 0.9 * 60


def test_without_a_target_the_same_overload_waits_as_long_as_the_ceiling_lets_it() -> None:
    world = World(placing(60), target_seconds=math.inf)
    world.run(20)
    assert world.run(20).p99 > 3 * TARGET_SECONDS
    assert world.limit.limit == CEILING


@pytest.mark.parametrize("seconds", [0.005, 0.2, 0.45])
def test_a_full_batch_is_not_taken_for_a_queue(seconds: float) -> None:
    world = World(answering_after(seconds))
    world.run(30)
    assert world.limit.limit == CEILING


@pytest.mark.parametrize("seconds", [0.8, 3.0])
def test_a_limit_that_does_not_help_is_taken_back_and_throughput_stays(seconds: float) -> None:
    world = World(answering_after(seconds))
    world.run(30)
    rate = len(world.run(60).latencies) / 60
    assert rate > 0.85 * CEILING / (2 * seconds)
    assert world.limit.limit > 0.6 * CEILING


def test_it_recovers_within_seconds() -> None:
    world = World(placing(20))
    world.run(60)
    low = world.limit.limit
    assert low < CEILING / 4
    world.batch_seconds = placing(2_000)
    world.run(6)
    assert world.limit.limit == CEILING


@pytest.mark.parametrize("seconds", [0.45, 0.8])
def test_a_slow_database_gets_its_places_back_after_a_bad_moment(seconds: float) -> None:
    world = World(answering_after(seconds))
    world.run(10)
    world.batch_seconds = placing(20)
    world.run(40)
    low = world.limit.limit
    world.batch_seconds = answering_after(seconds)
    world.run(60)
    assert low < CEILING / 2
    assert world.limit.limit > 0.6 * CEILING


def test_nothing_shrinks_while_half_of_the_places_are_free() -> None:
    world = World(answering_after(3.0))
    world.demand = CEILING // 2 - 1
    world.run(60)
    assert world.limit.limit == CEILING


def test_a_stop_of_seconds_costs_one_step_that_is_made_up_soon() -> None:
    world = World(placing(2_000))
    world.run(5)
    world.batch_seconds = answering_after(2.0)
    world.run(2.5)
    world.batch_seconds = placing(2_000)
    assert world.limit.limit >= CEILING / 2
    world.run(6)
    assert world.limit.limit == CEILING


def test_a_limit_never_goes_below_its_floor() -> None:
    world = World(placing(2))
    world.run(600)
    assert world.limit.limit >= PLACES_MIN


def test_after_a_decrease_that_did_not_help_none_is_tried_for_a_while() -> None:
    world = World(answering_after(3.0))
    limits = {world.run(0.5).limit.limit for _ in range(int(HOLD_SECONDS * 10))}
    assert CEILING in limits
    assert min(limits) >= 0.5 * CEILING, "one step down at a time"


def test_reads_and_writes_have_places_of_their_own_and_leave_each_other_some() -> None:
    admission = Admission(in_flight_max=16, target_seconds=TARGET_SECONDS)
    writes, reads = admission.writes, admission.reads
    while not writes.full:
        writes.begin()
    assert writes.in_flight == 14
    assert not reads.full


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def drained(per_second: int, seconds: int, *, chance: float = 0.0) -> tuple[DrainRate, Clock]:
    clock = Clock()
    rate = DrainRate(clock=clock, uniform=lambda low, high: low + chance * (high - low))
    for _ in range(seconds * 10):
        clock.now += 0.1
        rate.count(per_second // 10)
    return rate, clock


@pytest.mark.parametrize("seconds", [1, 3, 30])
def test_the_drain_rate_is_that_of_the_last_seconds(seconds: int) -> None:
    rate, _ = drained(100, seconds)
    assert rate.per_second() == pytest.approx(100, rel=0.05)


@pytest.mark.parametrize(("in_flight", "told"), [(0, 1), (50, 1), (255, 2), (1_020, 10), (50_000, 60)])
def test_retry_after_is_what_is_in_flight_divided_by_the_rate(in_flight: int, told: int) -> None:
    rate, _ = drained(100, 30)
    assert rate.retry_after_seconds(in_flight) == told


def test_those_refused_together_are_sent_apart() -> None:
    soon, _ = drained(100, 30)
    late, _ = drained(100, 30, chance=0.99)
    assert (soon.retry_after_seconds(1_020), late.retry_after_seconds(1_020)) == (10, 13)


def test_when_nothing_drains_any_more_the_time_grows_to_its_bound() -> None:
    rate, clock = drained(100, 30)
    clock.now += 5
    assert 10 < rate.retry_after_seconds(250) < 60
    clock.now += 600
    assert rate.retry_after_seconds(250) == 60


def test_a_process_that_has_answered_nothing_yet_asks_for_a_second() -> None:
    assert DrainRate(clock=Clock(), uniform=lambda low, _: low).retry_after_seconds(200) == 1
