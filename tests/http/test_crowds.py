"""Many clients at once: nothing is oversold, nobody waits for ever, every key is used once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.http.asking import figures, order, read, stock
from tests.http.conformance import ConformingClient
from tests.http.conftest import client_of

pytestmark = pytest.mark.usefixtures("answered_by")

THREADS = 16
WAIT_SECONDS = 60


def at_once(ask: Callable[[int], TestResponse], threads: int = THREADS) -> list[TestResponse]:
    """Ask from many threads that start together; give the answers."""
    start = threading.Barrier(threads)
    answers: list[TestResponse] = []

    def run(number: int) -> None:
        start.wait(WAIT_SECONDS)
        answers.append(ask(number))

    running = [threading.Thread(target=run, args=[number], daemon=True) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(WAIT_SECONDS)
    assert len(answers) == threads
    return answers


def test_a_crowd_buys_what_there_is_and_no_more(app: Flask, client: ConformingClient) -> None:
    stock(client, on_hand=10)
    answers = at_once(lambda _: client_of(app).post("/v1/orders", json=order()))
    assert Counter(answer.status_code for answer in answers) == {201: 10, 409: THREADS - 10}
    assert figures(client) == (10, 10, 0)


def test_one_key_sent_by_a_crowd_places_one_order(app: Flask, client: ConformingClient) -> None:
    stock(client, on_hand=10)
    answers = at_once(
        lambda _: client_of(app).post("/v1/orders", json=order(), headers={"Idempotency-Key": "the same"})
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({read(answer)["id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == THREADS - 1
    assert figures(client) == (10, 1, 9)


def test_one_version_is_moved_from_once(app: Flask, client: ConformingClient) -> None:
    stock(client, on_hand=10)
    placed = read(client.post("/v1/orders", json=order()))
    path = f"/v1/orders/{placed['id']}/status"
    moves = ["processing", "shipped"]
    answers = at_once(
        lambda number: client_of(app).put(path, json={"status": moves[number % 2]}, headers={"If-Match": '"1"'})
    )
    # Whoever comes first makes the move; who asks for the same one finds it made, the others find it stale.
    assert Counter(answer.status_code for answer in answers) == {200: THREADS // 2, 412: THREADS // 2}
    assert read(client.get(f"/v1/orders/{placed['id']}"))["version"] == 2


def test_buyers_counters_and_readers_do_not_hold_each_other_up(app: Flask, client: ConformingClient) -> None:
    stock(client, on_hand=100)
    kinds: list[Callable[[ConformingClient, int], TestResponse]] = [
        lambda asking, _: asking.post("/v1/orders", json=order()),
        lambda asking, _: asking.post("/v1/inventory/WIDGET/adjustments", json={"delta": 1, "reason": "found"}),
        lambda asking, _: asking.get("/v1/orders"),
        lambda asking, number: asking.put(f"/v1/inventory/NEW{number}", json={"on_hand": number}),
    ]
    answers = at_once(lambda number: kinds[number % 4](client_of(app), number))
    assert {answer.status_code for answer in answers} == {200, 201}
    assert figures(client) == (104, 4, 100)
