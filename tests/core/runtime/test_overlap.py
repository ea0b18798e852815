"""Batches that overlap: two are under way at once, in their order, except where one must follow the other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing

import pytest

from oms_core.runtime.overlap import overlapped

DEADLINE_SECONDS = 30.0


def both_there() -> Callable[[int], Callable[[], int]]:
    """Give works that wait for each other, two and two."""
    barrier = threading.Barrier(2)

    def begin(item: int) -> Callable[[], int]:
        def work() -> int:
            barrier.wait(DEADLINE_SECONDS)
            return 2 * item

        return work

    return begin


def test_two_are_under_way_at_once_and_come_in_their_order() -> None:
    begin = both_there()
    done = overlapped(range(6), begin, at_once=2, follows=lambda _, __: False, name="overlap")
    assert [(item, result()) for item, result in done] == [(item, 2 * item) for item in range(6)]


@pytest.mark.parametrize(("at_once", "follows"), [(2, True), (1, False)])
def test_one_that_follows_begins_when_the_one_before_has_been_yielded(at_once: int, follows: bool) -> None:
    told = []

    def begin(item: int) -> Callable[[], None]:
        told.append(f"begin {item}")
        return lambda: told.append(f"work {item}")

    for item, result in overlapped(range(3), begin, at_once=at_once, follows=lambda _, __: follows, name="overlap"):
        result()
        told.append(f"yielded {item}")
    assert told == [f"{word} {item}" for item in range(3) for word in ("begin", "work", "yielded")]


def test_an_error_is_raised_where_its_result_is_asked_for_and_stops_no_other() -> None:
    def begin(item: int) -> Callable[[], float]:
        return lambda: 1 / item

    done = overlapped([1, 0, 2], begin, at_once=2, follows=lambda _, __: False, name="overlap")
    results = dict(done)
    assert (results[1](), results[2]()) == (1.0, 0.5)
    with pytest.raises(ZeroDivisionError):
        results[0]()


def test_closing_waits_for_what_was_begun() -> None:
    ended = []
    begin = both_there()

    def begin_and_tell(item: int) -> Callable[[], None]:
        work = begin(item)
        return lambda: ended.append(work())

    with closing(overlapped(range(4), begin_and_tell, at_once=2, follows=lambda _, __: False, name="overlap")) as done:
        next(done)
    assert sorted(ended) in ([0, 2], [0, 2, 4, 6])
    assert not [thread for thread in threading.enumerate() if thread.name == "overlap"]
