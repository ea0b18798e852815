"""How old a replica may be: proven by marks, never guessed, and found out without keeping lists waiting."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest
from oms_memory import MemoryStorage

from oms_core.errors import OmsError
from oms_core.runtime.replica_watch import BARRED_SECONDS, LOOK_SECONDS, REST_SECONDS, WAIT_SECONDS, Look, ReplicaWatch
from tests.memory_replica import AWAY, MemoryReplica, ReplicaMetrics

BOUND = 5.0
SECONDS = 20.0


class Done:
    """A look that has ended."""

    def join(self, timeout: float | None = None) -> None:
        """Return at once."""


class Watched:
    """A replica, and its watch with a clock that is set. Looks run at once, or stay aside until a test runs them."""

    def __init__(self) -> None:
        self.replica = MemoryReplica(MemoryStorage())
        self.metrics = ReplicaMetrics()
        self.seconds = 100.0
        self.looks = 0
        self.aside: list[Callable[[], None]] | None = None
        self.start_fault: OmsError | None = None
        self.watch = ReplicaWatch(
            self.replica,
            lag_seconds_max=BOUND,
            metrics=self.metrics,
            clock=lambda: self.seconds,
            pause=self.pass_by,
            run_aside=self.run_aside,
        )

    def run_aside(self, look: Callable[[], None]) -> Look:
        if self.start_fault is not None:
            raise self.start_fault
        self.looks += 1
        if self.aside is None:
            look()
        else:
            self.aside.append(look)
        return Done()

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds

    def later(self, seconds: float) -> float | None:
        """Ask for the lag after so many seconds."""
        self.pass_by(seconds)
        return self.watch.lag_seconds()


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_a_replica_that_follows_is_as_old_as_the_last_look(watched: Watched) -> None:
    assert watched.watch.lag_seconds() == 0.0
    assert watched.later(LOOK_SECONDS / 2) == LOOK_SECONDS / 2
    assert watched.looks == 1
    assert watched.later(LOOK_SECONDS) == 0.0
    assert watched.looks == 2


def test_after_an_hour_without_lists_the_next_one_waits_for_a_look(watched: Watched) -> None:
    watched.watch.lag_seconds()
    assert watched.later(3_600.0) == 0.0


def test_a_replica_that_stops_is_read_up_to_the_bound_and_not_beyond(watched: Watched) -> None:
    assert watched.watch.lag_seconds() == 0.0
    watched.replica.stop()
    lags = [watched.later(0.5) for _ in range(14)]
    told = [lag for lag in lags if lag is not None]
    assert told == pytest.approx([0.5 * number for number in range(1, 11)])
    assert lags[len(told) :] == [None] * (14 - len(told))
    watched.replica.go_on()
    assert watched.later(LOOK_SECONDS) == 0.0


def test_without_its_bound_a_stopped_replica_would_be_read_for_ever() -> None:
    unbounded = Watched()
    unbounded.watch._lag_seconds_max = float("inf")
    unbounded.watch.lag_seconds()
    unbounded.replica.stop()
    assert unbounded.later(3_600.0) == 3_600.0


def test_a_replica_that_is_always_two_seconds_late_is_read_and_says_so(watched: Watched) -> None:
    """Marks are reached two seconds after they were made: the lag told is never below that, and within a look of it."""
    made_at: dict[str, float] = {}
    make = watched.replica.mark

    def mark() -> str:
        text = make()
        made_at[text] = watched.seconds
        return text

    watched.replica.mark = mark  # type: ignore[method-assign]
    watched.replica.count_reached = lambda marks: sum(  # type: ignore[method-assign]
        made_at[text] <= watched.seconds - 2.0 for text in marks
    )
    lags = [watched.later(0.1) for _ in range(100)]
    assert lags[0] is None
    steady = [lag for lag in lags[40:] if lag is not None]
    assert len(steady) == 60
    assert min(steady) >= 2.0
    assert max(steady) <= 2.0 + 2 * LOOK_SECONDS + 0.2


def test_a_mark_that_is_reached_within_milliseconds_is_waited_for(watched: Watched) -> None:
    """As on a busy primary: the mark is made a moment before the replica has it."""
    answers = [0, 0, 1]
    watched.replica.count_reached = lambda _: answers.pop(0)  # type: ignore[method-assign]
    lag = watched.watch.lag_seconds()
    assert lag is not None
    assert 0.0 < lag < 0.1
    assert not answers


def test_a_replica_of_which_nothing_is_known_is_not_read(watched: Watched) -> None:
    watched.replica.stop()
    assert watched.watch.lag_seconds() is None
    assert watched.watch.standing == "late"


def test_marks_are_few_however_late_it_is(watched: Watched) -> None:
    watched.watch.lag_seconds()
    watched.replica.stop()
    most = 0

    def count(marks: Any) -> int:
        nonlocal most
        most = max(most, len(marks))
        return 0

    watched.replica.count_reached = count  # type: ignore[method-assign]
    watched.watch._lag_seconds_max = 3_600.0
    for _ in range(2_000):
        watched.later(LOOK_SECONDS)
    assert 5 < most <= 66


def test_one_that_is_away_is_not_read_and_not_asked_often(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    assert watched.watch.lag_seconds() is not None
    watched.replica.place_fault = AWAY
    with caplog.at_level(logging.INFO):
        assert watched.later(LOOK_SECONDS) is None
        asked = watched.looks
        assert [watched.later(REST_SECONDS / 10) for _ in range(9)] == [None] * 9
        assert watched.looks == asked
        watched.replica.place_fault = None
        assert watched.later(REST_SECONDS) == 0.0
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", "lists are read from the primary: the replica is away"),
        ("INFO", "the replica follows again: lists are read from it"),
    ]


def test_one_where_a_read_has_failed_is_left_alone_for_a_while(watched: Watched) -> None:
    assert watched.watch.lag_seconds() == 0.0
    watched.watch.failed(AWAY)
    assert watched.later(BARRED_SECONDS / 2) is None
    assert watched.looks == 1
    watched.later(BARRED_SECONDS)
    assert watched.watch.lag_seconds() == 0.0


def test_while_the_primary_is_away_the_replica_is_read_as_long_as_it_may_be(watched: Watched) -> None:
    assert watched.watch.lag_seconds() == 0.0
    watched.replica.mark = lambda: _raise(AWAY)  # type: ignore[method-assign]
    assert watched.later(BOUND - 1) == BOUND - 1
    assert watched.later(2.0) is None


def test_a_replica_that_does_not_say_where_it_is_is_not_read_meanwhile(watched: Watched) -> None:
    assert watched.watch.lag_seconds() == 0.0
    watched.aside = []
    assert watched.later(LOOK_SECONDS) == LOOK_SECONDS
    told: list[float | None] = []

    def hang(_: object) -> int:
        if not told:
            told.extend([watched.watch.lag_seconds(), watched.later(WAIT_SECONDS), watched.later(0.01)])
        return 0

    watched.replica.count_reached = hang  # type: ignore[method-assign]
    (look,) = watched.aside
    look()
    assert told == [LOOK_SECONDS, LOOK_SECONDS + WAIT_SECONDS, None]
    assert told[1] is not None
    assert told[1] < BOUND, "the bound alone would let it be read"


def test_a_look_that_cannot_start_leaves_the_primary(watched: Watched) -> None:
    watched.start_fault = OmsError("overloaded", "this process can start no thread now")
    assert watched.watch.lag_seconds() is None
    watched.start_fault = None
    assert watched.later(REST_SECONDS) == 0.0


def test_who_asks_how_it_stands_begins_a_look(watched: Watched) -> None:
    watched.replica.place_fault = AWAY
    watched.watch.begin_look()
    assert watched.watch.standing == "away"
    watched.replica.place_fault = None
    watched.pass_by(REST_SECONDS)
    watched.watch.begin_look()
    assert watched.watch.standing == "in_time"
    assert watched.looks == 2


def test_looks_go_on_one_at_a_time(watched: Watched) -> None:
    watched.aside = []
    assert [watched.later(1.0) for _ in range(5)] == [None] * 5
    assert len(watched.aside) == 1


def test_every_look_is_measured(watched: Watched) -> None:
    watched.watch.lag_seconds()
    watched.replica.stop()
    watched.later(10.0)
    assert [name for name, _ in watched.metrics.observed] == ["oms_replica_lag_seconds"] * 2
    assert watched.metrics.observed[0][1] == 0.0
    assert watched.metrics.observed[1][1] >= 10.0


def test_on_threads_a_first_list_waits_and_a_later_one_does_not() -> None:
    replica = MemoryReplica(MemoryStorage())
    watch = ReplicaWatch(replica, lag_seconds_max=BOUND, metrics=ReplicaMetrics())
    first = watch.lag_seconds()
    assert first is not None
    assert first < BOUND
    go_on = threading.Event()
    count = replica.count_reached

    def hang(marks: Any) -> int:
        assert go_on.wait(SECONDS)
        return count(marks)

    replica.count_reached = hang  # type: ignore[method-assign]
    watch._due_at = 0.0
    assert watch.lag_seconds() is not None
    go_on.set()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_child_looks_for_itself(watched: Watched) -> None:
    watched.aside = []
    watched.watch.lag_seconds()
    watched.aside = None
    assert watched.watch.lag_seconds() is None
    child = os.fork()
    if child == 0:
        os._exit(0 if watched.watch.lag_seconds() == 0.0 else 1)
    assert os.waitpid(child, 0)[1] == 0


def _raise(error: OmsError) -> str:
    raise error
