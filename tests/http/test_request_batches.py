"""Request batches: each request gets its own outcome, those that come together share a transaction, no one harms."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from gc import collect
from typing import Any
from weakref import ReferenceType, ref

import pytest
from greenlet import GreenletExit

from oms_core.runtime.call_batches import batch_joined, run_waiting
from oms_http.server.answer_room import AnswerRoom, AnswerShare
from tests.http.batching import (
    BATCH_THREAD,
    SECONDS,
    BatchServer,
    Gate,
    bought,
    buying,
    environ_of,
    held_up,
    statuses,
    stopping,
    texts,
)
from tests.services.waiting import wait_until


@pytest.fixture
def server() -> Iterator[BatchServer]:
    server = BatchServer()
    yield server
    server.end()


def test_orders_that_come_together_share_a_transaction_and_each_gets_its_own_outcome(server: BatchServer) -> None:
    gate, first = held_up(server)
    asked = server.ask_all(buying(range(40)))
    gate.opened.set()
    assert texts(asked) == bought(range(40))
    assert server.shop.transactions == [[str(number) for number in range(40)]]
    assert first.result(SECONDS).body == b"done"
    assert set(server.answered_by.values()) == {BATCH_THREAD}


def test_a_request_that_comes_alone_is_answered_at_once(server: BatchServer) -> None:
    for number in range(3):
        assert texts([server.ask(f"/buy/{number}")]) == [f"order {number}"]
    assert server.shop.transactions == [["0"], ["1"], ["2"]]


def test_a_transaction_has_no_more_than_500_orders_and_none_is_left_behind(server: BatchServer) -> None:
    gate, _ = held_up(server)
    asked = server.ask_all(buying(range(1_100)))
    gate.opened.set()
    assert texts(asked) == bought(range(1_100))
    assert [len(transaction) for transaction in server.shop.transactions] == [499, 500, 101]


def test_orders_that_are_written_differently_have_a_transaction_each(server: BatchServer) -> None:
    accepted: list[Any] = []

    def accept(orders: Sequence[Any]) -> list[Any]:
        accepted.append(list(orders))
        return [f"accepted {order}" for order in orders]

    def handle(environ: dict[str, Any]) -> str:
        batch = batch_joined()
        assert batch is not None
        return str(batch.hand_in(accept, environ["PATH_INFO"]))

    server.handlers["/accept/a"] = server.handlers["/accept/b"] = handle
    gate, _ = held_up(server)
    asked = server.ask_all(["/buy/1", "/accept/a", "/buy/2", "/accept/b"])
    gate.opened.set()
    assert texts(asked) == ["order 1", "accepted /accept/a", "order 2", "accepted /accept/b"]
    assert (server.shop.transactions, accepted) == ([["1", "2"]], [["/accept/a", "/accept/b"]])


def test_a_request_may_hand_in_once_more_after_its_outcome(server: BatchServer) -> None:
    server.handlers["/both"] = lambda _: f"{server.shop.place('a')}, {server.shop.place('b')}"
    gate, _ = held_up(server)
    asked = server.ask_all(["/both", "/buy/1"])
    gate.opened.set()
    assert texts(asked) == ["order a, order b", "order 1"]
    assert server.shop.transactions == [["a", "1"], ["b"]]


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt, GreenletExit, RecursionError])
def test_an_exception_of_one_is_its_own_500(server: BatchServer, error: type[BaseException]) -> None:
    def fail(_: dict[str, Any]) -> str:
        raise error

    def fail_late(_: dict[str, Any]) -> str:
        raise error(server.shop.place("late"))

    server.handlers.update({"/fail": fail, "/late": fail_late})
    gate, _ = held_up(server)
    asked = server.ask_all(["/buy/1", "/fail", "/late", "/buy/2"])
    gate.opened.set()
    assert statuses(asked) == [200, 500, 500, 200]
    assert server.shop.transactions == [["1", "late", "2"]]
    assert texts([server.ask("/buy/3")]) == ["order 3"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_transaction_that_fails_is_a_500_for_each_of_its_orders_and_for_no_others(
    server: BatchServer, error: type[BaseException]
) -> None:
    def fail(_: Sequence[Any]) -> None:
        server.shop.before_writing = len
        raise error("the disk is full")

    server.shop.before_writing = fail
    gate, first = held_up(server)
    asked = server.ask_all(buying(range(3)))
    gate.opened.set()
    assert statuses([first, *asked]) == [200, 500, 500, 500]
    assert texts([server.ask("/buy/3")]) == ["order 3"]


def test_a_transaction_with_an_outcome_too_few_gives_nobody_anothers(
    server: BatchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.shop, "write", lambda orders: orders[1:])
    gate, _ = held_up(server)
    asked = server.ask_all(buying(range(3)))
    gate.opened.set()
    assert statuses(asked) == [500, 500, 500]


def test_context_variables_of_requests_are_kept_apart(server: BatchServer) -> None:
    name: ContextVar[str] = ContextVar("name", default="nobody")

    def handle(environ: dict[str, Any]) -> str:
        before = name.get()
        name.set(environ["PATH_INFO"])
        server.shop.place(environ["PATH_INFO"])
        return f"{before}, then {name.get()}"

    server.handlers["/a"] = server.handlers["/b"] = handle
    gate, _ = held_up(server)
    asked = server.ask_all(["/a", "/b"])
    gate.opened.set()
    assert texts(asked) == ["nobody, then /a", "nobody, then /b"]
    assert len(server.shop.transactions) == 1


def test_nothing_of_a_request_stays_after_its_answer(server: BatchServer) -> None:
    class Large:
        """What a request keeps in its environ."""

    kept: list[ReferenceType[Large]] = []

    def handle(environ: dict[str, Any]) -> str:
        environ["large"] = Large()
        kept.append(ref(environ["large"]))
        return server.shop.place(environ["PATH_INFO"])

    paths = [f"/keep/{number}" for number in range(10)]
    server.handlers.update(dict.fromkeys(paths, handle))
    gate, _ = held_up(server)
    asked = server.ask_all(paths)
    gate.opened.set()
    assert statuses([*asked, server.ask("/keep/0")]) == [200] * 11
    wait_until(server.is_idle, SECONDS, "the batch thread waits for more")
    collect()
    assert [reference for reference in kept if reference() is not None] == []


def test_what_might_wait_is_done_on_a_thread_and_the_others_go_on(server: BatchServer) -> None:
    gate, done_by = Gate(), []

    def look_up() -> str:
        done_by.append(threading.current_thread().name)
        gate.stop()
        return "found"

    server.handlers["/look"] = lambda _: f"{run_waiting(look_up)}, {server.shop.place('after')}"
    looking = server.ask("/look")
    gate.await_one()
    assert texts([server.ask("/buy/1")]) == ["order 1"]
    assert not looking.done()
    gate.opened.set()
    assert texts([looking]) == ["found, order after"]
    assert done_by[0].startswith("oms-http-")
    assert done_by[0] != BATCH_THREAD
    assert server.answered_by["/look"] == BATCH_THREAD


@pytest.mark.parametrize("error", [LookupError, SystemExit])
def test_what_fails_on_another_thread_is_raised_in_its_request(server: BatchServer, error: type[BaseException]) -> None:
    def look_up() -> str:
        raise error("not found")

    def handle(_: dict[str, Any]) -> str:
        with pytest.raises(error, match="not found"):
            run_waiting(look_up)
        return server.shop.place("all the same")

    server.handlers["/look"] = handle
    assert texts([server.ask("/look"), server.ask("/buy/1")]) == ["order all the same", "order 1"]


def test_requests_that_do_not_join_have_threads_of_their_own(server: BatchServer) -> None:
    gate = stopping(server, "/alone", lambda _: server.shop.place("alone"))
    alone = server.ask("/alone")
    gate.await_one()
    assert texts([server.ask("/buy/1")]) == ["order 1"]
    gate.opened.set()
    assert texts([alone]) == ["order alone"]
    assert server.shop.threads[0] == BATCH_THREAD != server.shop.threads[1]


def test_what_is_asked_by_its_head_alone_is_told_what_the_application_sets(server: BatchServer) -> None:
    server.handlers["/head"] = lambda environ: str(environ.setdefault("oms.welcome", "come in"))
    environ = {**environ_of("/head"), "oms.head_only": True}
    server.awaited(server.batches.answer(environ))
    assert environ["oms.welcome"] == "come in"


def test_a_client_that_goes_away_stops_neither_its_order_nor_the_others(server: BatchServer) -> None:
    gate, _ = held_up(server)
    gone, stays = server.ask_all(buying([1, 2]))
    gone.cancel()
    gate.opened.set()
    assert texts([stays]) == ["order 2"]
    assert server.shop.transactions == [["1", "2"]]
    wait_until(lambda: server.on_loop(lambda: server.batches._in_flight == 0), SECONDS, "nothing is in flight")


def test_it_is_full_when_as_many_are_in_flight_as_may_be_in_batches_and_threads_together() -> None:
    server = BatchServer(in_flight_max=3)
    gate, first = held_up(server)
    alone_gate = stopping(server, "/alone", lambda _: "alone")
    alone = server.ask("/alone")
    alone_gate.await_one()
    assert not server.on_loop(lambda: server.batches.full)
    last = server.ask("/buy/1")
    assert server.on_loop(lambda: server.batches.full)
    gate.opened.set()
    alone_gate.opened.set()
    assert statuses([first, alone, last]) == [200] * 3
    assert not server.on_loop(lambda: server.batches.full)
    server.end()


@pytest.mark.parametrize(("is_given_back", "status"), [(True, 200), (False, 503)])
def test_a_large_answer_waits_for_room_on_a_thread_and_counts_as_in_flight(is_given_back: bool, status: int) -> None:
    waits = threading.Event()
    room = AnswerRoom(places=4, bytes_max=100_000, wait_seconds=SECONDS if is_given_back else 0)
    taken = AnswerShare(owner=None, size=90_000, room=room)
    room.take(taken)
    server = BatchServer(room=room, in_flight_max=1)
    server.handlers["/large"] = lambda _: (waits.set(), "x" * 80_000)[1]
    large = server.ask("/large")
    assert waits.wait(SECONDS)
    if is_given_back:
        wait_until(server.is_idle, SECONDS, "the batch thread is free again")
        assert server.on_loop(lambda: server.batches.full)
        room.give_back(taken)
    answer = large.result(SECONDS)
    assert (answer.status, answer.share is not None) == (status, is_given_back)
    server.end()
