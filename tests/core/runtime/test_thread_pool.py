"""A few threads for a few works: in order, with their failures, and done also where no thread is to be had."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from oms_core.runtime.thread_pool import thread_pool
from tests.services.threads import no_thread_to_give

SECONDS = 20.0


def test_works_are_under_way_together_and_give_their_results() -> None:
    met = threading.Barrier(2, timeout=SECONDS)

    def work(number: int) -> int:
        met.wait()
        return number

    with thread_pool(2, name="pool") as threads:
        futures = [threads.submit(partial(work, number)) for number in range(6)]
        assert [future.result(SECONDS) for future in futures] == list(range(6))


def test_the_block_ends_when_all_that_was_handed_in_is_done() -> None:
    done: list[int] = []
    go = threading.Event()

    def work(number: int) -> None:
        assert go.wait(SECONDS)
        done.append(number)

    def hand_in_and_fail() -> None:
        with thread_pool(1, name="pool") as threads:
            for number in range(3):
                threads.submit(partial(work, number))
            go.set()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        hand_in_and_fail()
    assert done == [0, 1, 2]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pool")]


@pytest.mark.parametrize("is_full", [False, True])
def test_what_a_work_raises_is_raised_where_its_result_is_asked_for(is_full: bool) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    def run() -> None:
        with thread_pool(1, name="pool") as threads:
            future = threads.submit(fail)
            assert threads.submit(lambda: 7).result(SECONDS) == 7
            with pytest.raises(ZeroDivisionError):
                future.result(SECONDS)

    if is_full:
        with no_thread_to_give():
            run()
    else:
        run()


def test_without_threads_works_are_done_in_order_by_whoever_hands_them_in() -> None:
    with no_thread_to_give(), thread_pool(2, name="pool") as threads:
        futures = [threads.submit(threading.get_ident) for _ in range(3)]
        assert [future.result(0) for future in futures] == [threading.get_ident()] * 3
