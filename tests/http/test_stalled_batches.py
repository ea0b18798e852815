"""Request batches whose thread does not come round: nobody waits for it, and no order is lost or written twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from oms_core.runtime.call_batches import run_waiting
from tests.http.batching import (
    BATCH_THREAD,
    SECONDS,
    BatchServer,
    Gate,
    bought,
    buying,
    held_up,
    stopping,
    stuck,
    texts,
)
from tests.services.threads import no_thread_to_give
from tests.services.waiting import wait_until


@pytest.fixture
def server() -> Iterator[BatchServer]:
    server = BatchServer()
    yield server
    server.end()


def test_behind_a_request_that_does_not_come_back_the_threads_answer_the_others(server: BatchServer) -> None:
    gate, behind, parked = stuck(server, buying(range(20)))
    server.tick(2)
    assert texts(parked) == bought(range(20))
    assert BATCH_THREAD not in server.shop.threads
    assert texts([server.ask("/buy/next")]) == ["order next"]
    assert server.answered_by["/buy/next"] == BATCH_THREAD
    assert not behind.done()
    gate.opened.set()
    assert texts([behind]) == ["order stuck"]
    assert sorted(server.shop.orders) == sorted(["stuck", "next", *map(str, range(20))])


def test_answers_that_are_there_do_not_wait_for_one_that_does_not_come_back(server: BatchServer) -> None:
    gate, first = held_up(server)
    last = stopping(server, "/stuck", lambda _: "done")
    (behind,) = server.ask_all(["/stuck"])
    gate.opened.set()
    last.await_one()
    server.tick(2)
    assert texts([first]) == ["done"]
    last.opened.set()
    assert texts([behind]) == ["done"]


def test_one_that_takes_less_than_two_looks_keeps_its_batch(server: BatchServer) -> None:
    gate, behind, parked = stuck(server, buying(range(3)))
    server.tick()
    gate.opened.set()
    assert texts([*parked, behind]) == [*bought(range(3)), "order stuck"]
    assert server.shop.transactions == [["0", "1", "2", "stuck"]]


def test_the_others_begin_with_what_the_client_sent(server: BatchServer) -> None:

    def handle(environ: dict[str, Any]) -> str:
        assert environ.setdefault("first", True), "it is as the first thread left it"
        environ["first"] = False
        return server.shop.place(environ["wsgi.input"].read().decode())

    server.handlers["/read"] = handle
    gate, _ = held_up(server)
    last = stopping(server, "/stuck", lambda _: "done")
    reading = server.ask("/read", b"a whole body")
    server.ask_all(["/stuck"])
    gate.opened.set()
    last.await_one()
    server.tick(2)
    assert texts([reading]) == ["order a whole body"]
    last.opened.set()


def test_while_a_transaction_takes_long_those_who_wait_go_to_the_threads(server: BatchServer) -> None:
    gate = Gate()
    server.shop.before_writing = lambda _: gate.stop() if threading.current_thread().name == BATCH_THREAD else None
    written = server.ask_all(buying([1]))
    gate.await_one()
    waiting = server.ask_all(buying([2, 3]))
    server.tick()
    assert not any(each.done() for each in waiting)
    server.tick()
    assert texts(waiting) == bought([2, 3])
    assert texts([server.ask("/buy/4")]) == ["order 4"]
    server.tick()
    assert texts([server.ask("/buy/5")]) == ["order 5"]
    assert server.shop.threads.count(BATCH_THREAD) == 0
    gate.opened.set()
    assert texts(written) == ["order 1"]
    wait_until(server.is_idle, SECONDS, "the batch thread is free again")
    server.tick()
    assert texts([server.ask("/buy/6")]) == ["order 6"]
    assert server.answered_by["/buy/6"] == BATCH_THREAD
    assert sorted(server.shop.orders) == ["1", "2", "3", "4", "5", "6"]


def test_a_batch_that_is_being_written_is_not_taken_away(server: BatchServer) -> None:
    gate = Gate()
    server.shop.before_writing = lambda _: gate.stop()
    held, first = held_up(server)
    asked = server.ask_all(buying(range(5)))
    held.opened.set()
    gate.await_one()
    server.tick(4)
    assert texts([first]) == ["done"]
    gate.opened.set()
    assert texts(asked) == bought(range(5))
    assert server.shop.transactions == [["0", "1", "2", "3", "4"]]


def test_thread_after_thread_may_be_given_up(server: BatchServer) -> None:
    gates, asked = [], []
    for number in range(3):
        gate = stopping(server, f"/stuck/{number}", lambda environ: server.shop.place(environ["PATH_INFO"]))
        asked.append(server.ask(f"/stuck/{number}"))
        gate.await_one()
        parked = server.ask_all(buying([number]))
        server.tick(2)
        assert texts(parked) == [f"order {number}"]
        gates.append(gate)
    for gate in gates:
        gate.opened.set()
    assert texts(asked) == [f"order /stuck/{number}" for number in range(3)]


def test_a_new_thread_has_as_long_as_the_one_before(server: BatchServer) -> None:
    first, _ = held_up(server)
    server.tick(2)
    gate, behind = held_up(server, "/second")
    (parked,) = server.ask_all(["/buy/1"])
    server.tick()
    assert not parked.done()
    server.tick()
    assert texts([parked]) == ["order 1"]
    for each in (first, gate):
        each.opened.set()
    assert texts([behind]) == ["done"]


def test_where_no_new_thread_can_start_the_others_answer_until_one_can(server: BatchServer) -> None:
    gate, behind, parked = stuck(server, buying([1, 2]))
    with no_thread_to_give():
        server.tick(2)
        assert texts([*parked, server.ask("/buy/3")]) == bought([1, 2, 3])
    server.tick()
    assert texts([server.ask("/buy/4")]) == ["order 4"]
    assert server.answered_by["/buy/4"] == BATCH_THREAD
    gate.opened.set()
    assert texts([behind]) == ["order stuck"]
    again, behind, parked = stuck(server, buying([5]))
    server.tick(2)
    assert texts(parked) == ["order 5"]
    again.opened.set()
    assert texts([behind]) == ["order stuck"]


def test_closing_answers_what_was_put_in_also_more_than_a_batch(server: BatchServer) -> None:
    gate, _ = held_up(server)
    asked = server.ask_all(buying(range(1_100)))
    gate.opened.set()
    server.close()
    assert texts(asked) == bought(range(1_100))


def test_closing_waits_for_what_another_thread_does_for_a_request(server: BatchServer) -> None:
    gate = Gate()
    server.handlers["/look"] = lambda _: f"{run_waiting(lambda: (gate.stop(), 'found')[1])}, {server.shop.place('it')}"
    looking = server.ask("/look")
    gate.await_one()
    thread: Any = server.batches._thread
    closing = threading.Thread(target=server.close)
    closing.start()
    wait_until(lambda: thread._is_closing, SECONDS, "the batch thread knows that it is to end")
    gate.opened.set()
    closing.join(SECONDS)
    assert texts([looking]) == ["found, order it"]


def test_closing_does_not_wait_for_ever(server: BatchServer, caplog: pytest.LogCaptureFixture) -> None:
    gate, first = held_up(server)
    server.on_loop(lambda: server.batches.close(timeout_seconds=0))
    assert "a batch of requests was still under way" in caplog.text
    gate.opened.set()
    assert texts([first]) == ["done"]


def test_while_no_thread_can_start_the_others_answer_and_it_is_tried_again(server: BatchServer) -> None:
    with no_thread_to_give():
        server.on_loop(server.batches._renew)
    assert texts([server.ask("/buy/1")]) == ["order 1"]
    assert server.answered_by["/buy/1"] != BATCH_THREAD
    server.tick()
    assert texts([server.ask("/buy/2")]) == ["order 2"]
    assert server.answered_by["/buy/2"] == BATCH_THREAD
