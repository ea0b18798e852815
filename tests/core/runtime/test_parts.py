"""Parts: made once however many ask, in a child of its own, and closed the last one first."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from oms_contracts.concurrency import run_together

from oms_core import OmsError
from oms_core.runtime.parts import Composite, part
from tests.services.threads import SECONDS, status_in_child

THREADS = 16


class Made:
    """A part that notes in a list that it was closed, and may fail at it."""

    def __init__(self, name: str, closed: list[str], error: Exception | None = None) -> None:
        self.name = name
        self._closed = closed
        self._error = error

    def close(self) -> None:
        self._closed.append(self.name)
        if self._error is not None:
            raise self._error


class Whole(Composite):
    """Three parts, one of which needs another; `meanwhile` is called while any of them is being made."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None, error: Exception | None = None) -> None:
        self.closed: list[str] = []
        self.meanwhile = meanwhile
        self.error = error

    @part
    def top(self) -> Made:
        """Need the part below."""
        assert self.middle
        return self._make("top")

    @part
    def middle(self) -> Made:
        return self._make("middle", self.error)

    @part
    def aside(self) -> Made:
        return self._make("aside")

    @part
    def endless(self) -> object:
        """Have nothing to close."""
        return object()

    def _make(self, name: str, error: Exception | None = None) -> Made:
        self.meanwhile()
        return Made(name, self.closed, error)


class CheckThenSet(part[Any]):
    """A part as it would be without `setdefault`."""

    def __get__(self, whole: Any, owner: type) -> Any:
        if self._name not in whole.__dict__:
            whole.__dict__[self._name] = self._make(whole)
        return whole.__dict__[self._name]


class Locking(part[Any]):
    """A part with a lock, as functools.cached_property had one until Python 3.11."""

    lock = threading.RLock()

    def __get__(self, whole: Any, owner: type) -> Any:
        with self.lock:
            return whole.__dict__.setdefault(self._name, self._make(whole))


class WholeInAnotherWay(Whole):
    """Parts of the ways that were not taken."""

    unlocked = CheckThenSet(lambda self: self._make("unlocked"))
    locked = Locking(lambda self: self._make("locked"))


class Pause:
    """Keeps the thread that is the first to come until it may go on."""

    def __init__(self) -> None:
        self.is_reached = threading.Event()
        self.may_go_on = threading.Event()

    def __call__(self) -> None:
        if not self.is_reached.is_set():
            self.is_reached.set()
            assert self.may_go_on.wait(SECONDS)


def make(whole: Whole, *names: str) -> None:
    for name in names:
        getattr(whole, name)


def ask_aside(work: Callable[[], object], pause: Pause) -> threading.Thread:
    """Ask for a part on another thread, and return while that is being made."""
    thread = threading.Thread(target=work)
    thread.start()
    assert pause.is_reached.wait(SECONDS)
    return thread


def objects_got(name: str) -> int:
    """Count the objects that 16 threads get, each of which is making the part before any has made it."""
    whole = WholeInAnotherWay(threading.Barrier(THREADS, timeout=SECONDS).wait)
    return len({id(made) for made in run_together([lambda: getattr(whole, name)] * THREADS)})


def test_threads_that_ask_for_a_part_at_once_get_one_object() -> None:
    assert objects_got("aside") == 1


def test_without_setdefault_they_would_get_several() -> None:
    assert objects_got("unlocked") > 1


def test_a_part_is_made_when_it_is_first_asked_for_and_then_kept() -> None:
    made: list[str] = []
    whole = Whole(lambda: made.append("one more"))
    assert not made
    assert whole.top is whole.top
    assert made == ["one more"] * 2


def test_a_part_that_could_not_be_made_is_made_by_the_next_who_asks() -> None:
    errors = [OmsError("overloaded", "not now")]

    def fail_once() -> None:
        if errors:
            raise errors.pop()

    whole = Whole(fail_once)
    with pytest.raises(OmsError, match="not now"):
        assert whole.aside
    assert whole.aside.name == "aside"


def test_a_class_shows_its_parts_with_what_they_say() -> None:
    assert (Whole.top.__doc__, Whole.top.__wrapped__.__name__) == ("Need the part below.", "top")


@pytest.mark.skipif(sys.platform == "win32", reason="nothing forks on Windows")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize(("name", "seconds", "status"), [("aside", SECONDS, 0), ("locked", 0.5, -9)])
def test_a_child_makes_a_part_that_a_thread_of_its_parent_was_making(name: str, seconds: float, status: int) -> None:
    """With a lock it would hang, which the second case shows."""
    pause = Pause()
    whole = WholeInAnotherWay(pause)
    asking = ask_aside(lambda: getattr(whole, name), pause)
    try:
        assert status_in_child(lambda: getattr(whole, name).name, seconds=seconds) == status
    finally:
        pause.may_go_on.set()
        asking.join()
    assert getattr(whole, name).name == name


def test_what_was_made_is_closed_the_last_one_first() -> None:
    whole = Whole()
    make(whole, "aside", "endless", "top")
    whole.close_parts()
    assert whole.closed == ["top", "middle", "aside"]
    whole.close_parts()
    assert whole.closed == ["top", "middle", "aside"]


def test_all_of_it_is_closed_also_where_closing_one_raises() -> None:
    whole = Whole(error=RuntimeError("cannot be closed"))
    make(whole, "aside", "top")
    with pytest.raises(RuntimeError, match="cannot be closed"):
        whole.close_parts()
    assert whole.closed == ["top", "middle", "aside"]


@pytest.mark.parametrize("name", ["top", "middle", "aside", "endless"])
@pytest.mark.parametrize("is_made", [True, False])
def test_once_it_is_closed_it_has_no_part(name: str, *, is_made: bool) -> None:
    whole = Whole()
    if is_made:
        getattr(whole, name)
    whole.close_parts()
    with pytest.raises(OmsError, match="overloaded: the service is stopping"):
        getattr(whole, name)


def test_a_part_that_was_being_made_meanwhile_is_closed_by_who_asked_for_it() -> None:
    pause = Pause()
    whole = Whole(pause)
    errors: list[str] = []

    def ask() -> None:
        with pytest.raises(OmsError, match="stopping") as caught:
            assert whole.top
        errors.append(caught.value.code)

    asking = ask_aside(ask, pause)
    whole.close_parts()
    assert not whole.closed
    pause.may_go_on.set()
    asking.join()
    assert (errors, whole.closed) == (["overloaded"], ["middle"])


def test_two_that_close_it_at_once_close_each_part_once() -> None:
    rivals: list[Callable[[], object]] = []

    class Seen(part[Made]):
        """A part of whose class a rival makes use once: closing asks for it just before it takes what was made."""

        def __get__(self, whole: Any, owner: type) -> Any:
            if whole is None and rivals:
                rivals.pop()()
            return super().__get__(whole, owner)

    class WholeWithRival(Whole):
        seen = Seen(lambda self: self._make("seen"))

    whole = WholeWithRival()
    make(whole, "aside", "seen", "top")
    rivals.append(whole.close_parts)
    whole.close_parts()
    assert not rivals
    assert sorted(whole.closed) == ["aside", "middle", "seen", "top"]
