"""Works done two at a time: begun in order, told as done in order, each after the one before it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from oms_core.ports.queue_storage import WaitForTurn
from oms_core.worker.pipeline import THREADS, Work, run_in_turn

DEADLINE_SECONDS = 10.0


class Journal:
    """What happened, in order."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    def work(self, name: str, *, meanwhile: Callable[[], object] = lambda: None) -> Work:
        def work(wait_for_turn: WaitForTurn) -> None:
            meanwhile()
            wait_for_turn()
            self.entries.append(name)

        return work

    def done(self) -> None:
        self.entries.append("done")


@pytest.fixture
def journal() -> Journal:
    return Journal()


def failing(_: WaitForTurn) -> None:
    raise ZeroDivisionError


def test_two_works_are_under_way_together_and_take_their_turns(journal: Journal) -> None:
    met = threading.Barrier(THREADS, timeout=DEADLINE_SECONDS)
    run_in_turn([journal.work(name, meanwhile=met.wait) for name in "abcd"], done=journal.done)
    assert [entry for entry in journal.entries if entry != "done"] == ["a", "b", "c", "d"]
    assert journal.entries.count("done") == 4


def test_a_work_that_is_ready_waits_for_the_one_before_it(journal: Journal) -> None:
    second_is_ready = threading.Event()
    works = [
        journal.work("first", meanwhile=lambda: second_is_ready.wait(DEADLINE_SECONDS)),
        journal.work("second", meanwhile=second_is_ready.set),
    ]
    run_in_turn(works, done=journal.done)
    assert journal.entries[:1] == ["first"]
    assert set(journal.entries) == {"first", "second", "done"}


def test_no_more_than_two_are_asked_for_before_the_first_is_done(journal: Journal) -> None:
    def works() -> Iterator[Work]:
        for number in range(6):
            journal.entries.append("asked")
            yield journal.work(str(number))

    run_in_turn(works(), done=journal.done)
    for index, entry in enumerate(journal.entries):
        if entry == "asked":
            assert journal.entries[:index].count("asked") - journal.entries[:index].count("done") < THREADS


def test_a_failure_is_raised_when_the_other_has_ended_and_nothing_more_is_begun(journal: Journal) -> None:
    with pytest.raises(ZeroDivisionError):
        run_in_turn([journal.work("a"), failing, journal.work("b"), journal.work("c")], done=journal.done)
    assert journal.entries.count("done") == 1
    assert "b" in journal.entries, "it was under way, and went on after the failure before it"
    assert "c" not in journal.entries


def test_a_work_goes_on_without_one_that_takes_too_long(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oms_core.worker.pipeline._TURN_SECONDS_MAX", 0.01)
    second_has_ended = threading.Event()

    def second(wait_for_turn: WaitForTurn) -> None:
        wait_for_turn()
        second_has_ended.set()

    def wait_for_the_second() -> None:
        assert second_has_ended.wait(DEADLINE_SECONDS), "it did not wait for its turn for ever"

    run_in_turn([journal.work("stuck", meanwhile=wait_for_the_second), second], done=journal.done)
    assert journal.entries == ["stuck", "done", "done"]


def test_nothing_to_do_is_done(journal: Journal) -> None:
    run_in_turn([], done=journal.done)
    assert journal.entries == []
