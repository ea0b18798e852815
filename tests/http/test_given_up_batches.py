"""Requests that are taken away from a thread which does not come back: what they held, and what becomes of it all."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from functools import partial
from types import TracebackType
from typing import Any

import pytest
from greenlet import greenlet

from oms_core.runtime.call_batches import batch_joined, run_waiting
from oms_http.server.answers import AbandonedError
from tests.http.batching import (
    BATCH_THREAD,
    SECONDS,
    BatchServer,
    Gate,
    buying,
    held_up,
    statuses,
    stopping,
    stuck,
    texts,
)
from tests.services.waiting import wait_until


@pytest.fixture
def server() -> Iterator[BatchServer]:
    server = BatchServer()
    yield server
    server.end()


class Held:
    """What requests hold while they run, such as the places of their caller."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self.count += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.count -= 1


def test_what_was_parked_gives_back_what_it_held_once_the_thread_comes_back(
    server: BatchServer, caplog: pytest.LogCaptureFixture
) -> None:
    held = Held()

    def handle(environ: dict[str, Any]) -> str:
        with held:
            return server.shop.place(environ["PATH_INFO"])

    paths = [f"/hold/{number}" for number in range(5)]
    server.handlers.update(dict.fromkeys(paths, handle))
    gate, behind, parked = stuck(server, paths)
    server.tick(2)
    assert statuses(parked) == [200] * 5
    assert held.count == 5
    gate.opened.set()
    assert texts([behind]) == ["order stuck"]
    wait_until(lambda: held.count == 0, SECONDS, "all is given back")
    assert sorted(server.shop.orders) == sorted([*paths, "stuck"])
    wait_until(lambda: not suspended(), SECONDS, "no greenlet is left")
    assert [record.name for record in caplog.records] == ["oms_http.server.batches"]


def suspended() -> list[object]:
    gc.collect()
    return [each for each in gc.get_objects() if type(each) is greenlet and each and each.parent is not None]


def test_what_the_application_wants_given_back_is_so_before_another_thread_answers(server: BatchServer) -> None:
    """The one that does not come back may never do so, and its thread holds what the others held."""
    places = threading.Semaphore(3)

    def handle(environ: dict[str, Any]) -> str:
        assert places.acquire(blocking=False), "the caller has all its places"
        environ["oms.give_back"] = places.release
        return server.shop.place(environ["PATH_INFO"])

    paths = [f"/hold/{number}" for number in range(3)]
    server.handlers.update(dict.fromkeys(paths, handle))
    _, _, parked = stuck(server, paths)
    server.tick(2)
    assert statuses(parked) == [200] * 3


def test_an_application_that_swallows_the_end_of_its_request_answers_nobody(server: BatchServer) -> None:
    again, swallowed = Gate(), threading.Event()

    def handle(environ: dict[str, Any]) -> str:
        if threading.current_thread().name != BATCH_THREAD:
            again.stop()
        try:
            return server.shop.place("it")
        except AbandonedError:
            swallowed.set()
            return "nothing of the kind"

    server.handlers["/swallow"] = handle
    gate, behind, parked = stuck(server, ["/swallow"])
    server.tick(2)
    again.await_one()
    gate.opened.set()
    assert texts([behind]) == ["order stuck"]
    assert swallowed.wait(SECONDS)
    again.opened.set()
    assert texts(parked) == ["order it"]
    assert sorted(server.shop.orders) == ["it", "stuck"]


def test_one_that_is_taken_away_waits_for_nothing_more(server: BatchServer) -> None:
    ended: list[type[BaseException]] = []

    def handle(_: dict[str, Any]) -> str:
        try:
            return server.shop.place("it")
        except AbandonedError:
            for wait in [lambda: run_waiting(lambda: None), lambda: server.shop.place("once more")] * 5:
                with pytest.raises(AbandonedError) as caught:
                    wait()
                ended.append(caught.type)
            raise

    server.handlers["/finalizer"] = handle
    gate, behind, parked = stuck(server, ["/finalizer"])
    server.tick(2)
    assert texts(parked) == ["order it"]
    gate.opened.set()
    assert texts([behind]) == ["order stuck"]
    wait_until(lambda: len(ended) == 10, SECONDS, "the request that was taken away has ended")
    assert sorted(server.shop.orders) == ["it", "stuck"]


def test_one_that_waits_for_another_thread_is_answered_by_a_third_and_goes_on_nowhere_else(server: BatchServer) -> None:
    look, held = Gate(), Held()
    done_by: list[str] = []

    def look_up() -> str:
        done_by.append(threading.current_thread().name)
        look.stop()
        return "found"

    def handle(_: dict[str, Any]) -> str:
        with held:
            return f"{run_waiting(look_up)}, {server.shop.place('it')}"

    server.handlers["/look"] = handle
    looking = server.ask("/look")
    look.await_one()
    gate, behind, _ = stuck(server, [])
    server.tick(2)
    look.opened.set()
    assert texts([looking]) == ["found, order it"]
    gate.opened.set()
    assert texts([behind]) == ["order stuck"]
    wait_until(lambda: held.count == 0, SECONDS, "all is given back")
    assert sorted(server.shop.orders) == ["it", "stuck"]


def test_of_one_that_is_written_and_waits_since_nobody_knows_what_became_of_it(server: BatchServer) -> None:
    look, given_back = Gate(), threading.Event()

    def handle(environ: dict[str, Any]) -> str:
        environ["oms.give_back"] = given_back.set
        outcome = server.shop.place("it")
        return run_waiting(lambda: (look.stop(), outcome)[1])

    server.handlers["/look"] = handle
    looking = server.ask("/look")
    look.await_one()
    gate, behind, parked = stuck(server, buying([1]))
    server.tick(2)
    assert texts(parked) == ["order 1"]
    answer = looking.result(SECONDS)
    assert (answer.status, b"outcome_unknown" in answer.body) == (503, True)
    assert given_back.is_set()
    look.opened.set()
    gate.opened.set()
    assert texts([behind]) == ["order stuck"]
    assert server.shop.orders.count("it") == 1


def test_after_the_transaction_too_one_that_does_not_come_back_holds_up_nobody_for_long(server: BatchServer) -> None:
    late = Gate()

    def handle(environ: dict[str, Any]) -> str:
        outcome = server.shop.place(environ["PATH_INFO"])
        late.stop()
        return outcome

    accepting = partial(server.shop.write)

    def accept(_: dict[str, Any]) -> str:
        given: Any = "accepted"
        batch = batch_joined()
        return str(accepting([given])[0] if batch is None else batch.hand_in(accepting, given))

    server.handlers.update({"/late": handle, "/accept": accept})
    gate, _ = held_up(server)
    asked = server.ask_all(["/buy/1", "/late", "/buy/2", "/accept"])
    gate.opened.set()
    late.await_one()
    server.tick(2)
    assert statuses([asked[0], *asked[2:]]) == [200, 503, 200]
    late.opened.set()
    assert texts([asked[1]]) == ["order /late"]
    assert server.shop.transactions == [["1", "/late", "2"], ["accepted"]]


class Claim:
    """The lock of a BatchThread, which tells when somebody finds it held."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.is_wanted = threading.Event()

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            self.is_wanted.set()
            self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()


def let_back(thread: Any, gate: Gate, claim: Claim) -> None:
    """Let the request that hangs come back at the moment when its thread is given up for it."""
    hanging = thread._running

    class Running:
        def __get__(self, instance: Any, owner: type) -> object:
            if not gate.opened.is_set() and threading.current_thread() is not thread._thread:
                gate.opened.set()
                assert claim.is_wanted.wait(SECONDS)
                return hanging
            return instance.__dict__["_running"]

        def __set__(self, instance: Any, value: object) -> None:
            instance.__dict__["_running"] = value

    thread.__class__ = type("Watched", (type(thread),), {"_running": Running()})


def test_a_request_that_goes_on_while_others_are_taken_away_is_answered_once(server: BatchServer) -> None:
    """The one that hangs comes back just when its thread is given up, and another one's turn would be next."""
    claim, turns = Claim(), []

    def handle(environ: dict[str, Any]) -> str:
        body = environ["wsgi.input"].read()
        found = run_waiting(lambda: "found")
        turns.append(threading.current_thread().name)
        claim.is_wanted.set()
        return f"{found}, {server.shop.place(body)}"

    server.handlers["/look"] = handle
    gate, _ = held_up(server)
    last = stopping(server, "/stuck", lambda _: "done")
    looking = server.ask("/look", b"a whole body")
    (behind,) = server.ask_all(["/stuck"])
    thread: Any = server.batches._thread
    gate.opened.set()
    last.await_one()
    wait_until(lambda: thread._inbox.qsize() == 1, SECONDS, "what was looked up is there")
    thread._claim = claim
    let_back(thread, last, claim)
    server.tick(2)
    assert texts([looking, behind]) == ["found, order b'a whole body'", "done"]
    assert server.shop.orders == [b"a whole body"]
    assert len(turns) == 1
    wait_until(lambda: not thread._thread.is_alive(), SECONDS, "the thread that was given up has ended")
