"""Background threads: they start when they are needed, survive a fork, and one that cannot start costs one call."""

from __future__ import annotations

import logging
import threading

import pytest

from oms_core import OmsError
from oms_core.runtime.background_thread import BackgroundThread, start_thread, start_threads
from tests.services.threads import no_thread_to_give, status_in_child
from tests.services.waiting import wait_until

SECONDS = 20.0


class Work:
    """Work that notes how often it was begun and on which threads, and lasts until it may end."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.threads: list[int] = []
        self.may_end = threading.Event()

    def __call__(self) -> None:
        self.threads.append(threading.get_ident())
        self.begun.release()
        assert self.may_end.wait(SECONDS)

    @property
    def times(self) -> int:
        return len(self.threads)

    def is_begun(self) -> bool:
        return self.begun.acquire(timeout=SECONDS)


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def thread(work: Work) -> BackgroundThread:
    return BackgroundThread(work, name="background")


def is_there() -> bool:
    return any(thread.name == "background" for thread in threading.enumerate())


def test_no_thread_is_there_before_it_is_asked_for(thread: BackgroundThread, work: Work) -> None:
    thread.join(SECONDS)
    assert not is_there()
    assert work.times == 0


def test_work_is_done_by_one_thread_however_often_it_is_asked_for(thread: BackgroundThread, work: Work) -> None:
    for _ in range(100):
        thread.start()
    assert work.is_begun()
    assert sum(it.name == "background" for it in threading.enumerate()) == 1
    work.may_end.set()
    thread.join(SECONDS)
    assert not is_there()


def test_work_that_is_over_is_begun_again_when_it_is_asked_for(thread: BackgroundThread, work: Work) -> None:
    work.may_end.set()
    thread.start()
    wait_until(lambda: not is_there(), SECONDS, "it has ended by itself")
    assert work.times == 1
    thread.start()
    wait_until(lambda: work.times == 2, SECONDS, "it works again")


def test_who_asks_while_the_work_is_ending_has_it_done_once_more(thread: BackgroundThread, work: Work) -> None:
    thread.start()
    assert work.is_begun()
    thread.start()  # Whether the work has seen what this is about, nobody knows.
    work.may_end.set()
    assert work.is_begun()
    wait_until(lambda: not is_there(), SECONDS, "it has ended")
    assert work.times == 2
    assert len(set(work.threads)) == 1


def test_after_join_it_is_not_begun_once_more(thread: BackgroundThread, work: Work) -> None:
    thread.start()
    assert work.is_begun()
    thread.start()
    thread.join(0)
    work.may_end.set()
    thread.join(SECONDS)
    assert work.times == 1


def test_what_is_asked_for_is_done_also_when_the_end_comes_at_once(work: Work) -> None:
    work.may_end.set()
    for times in range(1, 200):
        thread = BackgroundThread(work, name="background")
        thread.start()
        thread.join(SECONDS)
        assert work.times == times


def test_a_failed_start_is_one_calls_failure(thread: BackgroundThread, work: Work) -> None:
    with no_thread_to_give():
        for _ in range(3):
            with pytest.raises(OmsError, match="can start no thread") as caught:
                thread.start()
            assert caught.value.code == "overloaded"
            assert caught.value.retry_after_seconds == 1
    thread.join(SECONDS)
    thread.start()
    assert work.is_begun()
    work.may_end.set()
    thread.join(SECONDS)
    assert work.times == 1


def test_a_streak_of_failed_starts_is_warned_of_once(
    thread: BackgroundThread, work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    work.may_end.set()
    for _ in range(2):
        with no_thread_to_give():
            for _ in range(5):
                with pytest.raises(OmsError):
                    thread.start()
        thread.start()
        wait_until(lambda: not is_there(), SECONDS, "it worked")
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == ["background: can't start new thread"] * 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_work_that_failed_is_begun_again_when_it_is_asked_for() -> None:
    failures = [RuntimeError("a defect")]
    done = threading.Event()

    def work() -> None:
        if failures:
            raise failures.pop()
        done.set()

    thread = BackgroundThread(work, name="background")
    thread.start()
    wait_until(lambda: not is_there(), SECONDS, "it has failed")
    thread.start()
    assert done.wait(SECONDS)


def test_a_child_has_a_thread_of_its_own(thread: BackgroundThread, work: Work) -> None:
    thread.start()
    assert work.is_begun()

    def use_it() -> None:
        work.may_end = threading.Event()
        work.may_end.set()
        thread.join(SECONDS)
        assert work.times == 1, "the parent's is not here"
        thread.start()
        thread.join(SECONDS)
        assert work.times == 2

    assert status_in_child(use_it) == 0
    work.may_end.set()
    thread.join(SECONDS)
    assert work.times == 1


def test_a_single_thread_that_cannot_start_is_told_of() -> None:
    with no_thread_to_give(), pytest.raises(OmsError, match="overloaded"):
        start_thread(lambda: None, name="single")


def test_of_many_as_many_start_as_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    left = [1, 2]
    start = threading.Thread.start

    def start_while_some_are_left(thread: threading.Thread) -> None:
        if not left:
            raise RuntimeError("can't start new thread")
        left.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_while_some_are_left)
    done = threading.Semaphore(0)
    assert len(start_threads(done.release, 5, name="many")) == 2
    assert done.acquire(timeout=SECONDS)
    assert done.acquire(timeout=SECONDS)
