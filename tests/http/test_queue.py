"""The queue over HTTP: how it stands, the messages that could not be read, and the worker in the service."""

from __future__ import annotations

import threading
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest
from oms_memory.broker import MemoryBroker

from oms_core import Oms, Settings
from oms_http import wsgi
from oms_http.settings import HttpSettings
from tests.http.asking import figures, read, refused, stock
from tests.http.conformance import ConformingClient
from tests.http.conftest import client_of, conforming
from tests.http.queueing import DEADLINE_SECONDS, accept, open_poisoned, settled
from tests.services.waiting import wait_until

NOBODY_LISTENS = "amqp://guest:guest@127.0.0.1:1/"


@pytest.fixture
def oms() -> Iterator[Oms]:
    with open_poisoned("memory://") as opened:
        yield opened


def dead(client: ConformingClient, query: str = "") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = read(client.get(f"/v1/queue/dead{query}"))["items"]
    return items


def bring(oms: Oms, *bodies: bytes) -> None:
    """Bring commands in, as other services would."""
    assert isinstance(oms._ports.broker, MemoryBroker)
    for body in bodies:
        oms._ports.broker.send_command(body)


def test_an_empty_queue_says_so(client: ConformingClient) -> None:
    response = client.get("/v1/queue")
    assert read(response) == {
        "depth": 0,
        "oldest_age_seconds": None,
        "orders_per_second": 0.0,
        "workers": [],
        "failed": 0,
        "rejected": 0,
    }
    assert response.headers["Cache-Control"] == "no-store"


def test_the_queue_tells_how_many_wait_and_for_how_long(client: ConformingClient) -> None:
    stock(client)
    accept(client)
    accept(client)
    queue = wait_until(
        lambda: found if (found := read(client.get("/v1/queue")))["depth"] == 2 else None,
        DEADLINE_SECONDS,
        "both are seen",
    )
    assert 0 <= queue["oldest_age_seconds"] < DEADLINE_SECONDS


def test_the_queue_tells_of_its_workers_and_of_what_could_not_be_placed(oms: Oms, client: ConformingClient) -> None:
    stock(client)
    oms.start_worker()
    settled(client, accept(client)["id"])
    settled(client, accept(client, 100)["id"])
    queue = wait_until(
        lambda: found if (found := read(client.get("/v1/queue")))["workers"] and found["rejected"] else None,
        DEADLINE_SECONDS,
        "the worker is seen",
    )
    (worker,) = queue["workers"]
    assert worker["started_at"] <= worker["seen_at"]
    assert (queue["depth"], queue["failed"], queue["rejected"]) == (0, 0, 1)
    assert queue["orders_per_second"] == worker["orders_per_second"]


def test_messages_that_cannot_be_read_are_listed_as_text_or_in_base64(oms: Oms, client: ConformingClient) -> None:
    long, no_text = b"x" + "é".encode() * 4096, b"\xff" + b"\x00" * 8191
    bring(oms, b"hello?", long, no_text)
    oms.start_worker()
    letters = wait_until(
        lambda: found if len(found := dead(client)) == 3 else None, DEADLINE_SECONDS, "all are dead letters"
    )
    assert {(letter["kind"], letter["code"]) for letter in letters} == {("command", "malformed_json")}
    assert [(letter["body_encoding"], letter["bytes"], letter["truncated"]) for letter in letters] == [
        ("utf-8", 6, False),
        ("utf-8", 8193, True),
        ("base64", 8192, True),
    ]
    assert letters[0]["body"] == "hello?"
    assert letters[1]["body"] == "x" + "é" * 2047  # The cut went through the 2048th.
    assert b64decode(letters[2]["body"], validate=True) == no_text[:4096]
    assert dead(client, "?limit=1") == letters[:1]


def test_dead_letters_are_discarded_some_or_all(oms: Oms, client: ConformingClient) -> None:
    bring(oms, b"1", b"2", b"3")
    oms.start_worker()
    letters = wait_until(lambda: found if len(found := dead(client)) == 3 else None, DEADLINE_SECONDS, "all are dead")
    path = "/v1/queue/dead/discard"
    assert read(client.post(path, json={"ids": [letters[1]["id"], "unknown"]})) == {"discarded": 1}
    assert [letter["body"] for letter in dead(client)] == ["1", "3"]
    assert read(client.post(path, json={})) == {"discarded": 2}
    assert dead(client) == []


def test_dead_letters_are_replayed_when_the_reason_is_gone(oms: Oms, client: ConformingClient) -> None:
    bring(
        oms,
        b'{"customer_id": "C1", "idempotency_key": "K1", "lines": [{"sku": "WIDGET", "quantity": 2}]}',
    )
    oms.start_worker()
    (letter,) = wait_until(lambda: dead(client), DEADLINE_SECONDS, "the product is missing")
    assert letter["code"] == "unknown_sku"
    stock(client)
    assert read(client.post("/v1/queue/dead/replay", json={"ids": [letter["id"]]})) == {"replayed": 1}
    wait_until(lambda: figures(client) == (10, 2, 8), DEADLINE_SECONDS, "the order is placed")
    assert read(client.post("/v1/queue/dead/replay", json={})) == {"replayed": 0}


@pytest.mark.parametrize("path", ["/v1/queue/dead/replay", "/v1/queue/dead/discard"])
@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"ids": []}, "/ids"),
        ({"ids": "1"}, "/ids"),
        ({"ids": [""]}, "/ids/0"),
        ({"ids": [1]}, "/ids/0"),
        ({"ids": ["x" * 256]}, "/ids/0"),
        ({"ids": ["x"] * 501}, "/ids"),
        ({"all": True}, "/all"),
        ([], ""),
    ],
)
def test_a_bad_choice_of_letters_is_refused(
    client: ConformingClient, path: str, document: object, pointer: str
) -> None:
    refused(client.post(path, json=document), 422, "validation_error", pointer)


def test_a_bad_limit_is_refused(client: ConformingClient) -> None:
    refused(client.get("/v1/queue/dead?limit=501"), 422, "validation_error", "/limit")
    refused(client.get("/v1/queue/dead?cursor=x"), 422, "validation_error", "/cursor")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/queue/dead"), ("POST", "/v1/queue/dead/replay"), ("POST", "/v1/queue/dead/discard")],
)
def test_without_the_broker_dead_letters_are_unavailable(method: str, path: str) -> None:
    with open_poisoned("memory://", queue_url=NOBODY_LISTENS) as oms:
        client = client_of(conforming(oms))
        response = client.open(path, method=method, json=None if method == "GET" else {})
        refused(response, 503, "queue_unavailable")
        assert int(response.headers["Retry-After"]) >= 1


def test_without_the_broker_orders_are_accepted_all_the_same() -> None:
    with open_poisoned("memory://", queue_url=NOBODY_LISTENS) as oms:
        client = client_of(conforming(oms))
        stock(client)
        accepted = accept(client)
        assert read(client.get("/v1/queue"))["depth"] == 1
        assert read(client.get("/readyz"))["degraded"] == ["queue"]
        oms.start_worker()
        assert settled(client, accepted["id"])["status"] == "pending"


def worker_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "oms-worker"]


def test_a_service_on_memory_places_what_it_accepted_until_it_is_closed() -> None:
    oms = wsgi.open_oms(Settings(database_url="memory://"), HttpSettings())
    try:
        client = client_of(conforming(oms))
        stock(client)
        assert settled(client, accept(client)["id"])["status"] == "pending"
    finally:
        oms.close()
    assert worker_threads() == []


def test_a_service_at_a_broker_leaves_placing_to_its_workers() -> None:
    oms = wsgi.open_oms(Settings(database_url="memory://", queue_url=NOBODY_LISTENS), HttpSettings())
    try:
        assert worker_threads() == []
    finally:
        oms.close()


def test_the_routes_of_the_queue_have_limits_of_their_own() -> None:
    limits = "queue.read=1/hour;queue.write=1/hour"
    with Oms.open(Settings(database_url="memory://", rate_limits=limits)) as oms:
        client = client_of(conforming(oms))
        assert client.get("/v1/queue").status_code == 200
        refused(client.get("/v1/queue/dead"), 429, "rate_limited")
        assert client.post("/v1/queue/dead/replay", json={}).status_code == 200
        refused(client.post("/v1/queue/dead/discard", json={}), 429, "rate_limited")
