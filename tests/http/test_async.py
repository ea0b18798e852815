"""Orders that are accepted now and placed later: 202, the place in the queue, waiting, and repeating."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from oms_core import Oms, OmsError, Queue, QueuePlace, Settings
from tests.http.asking import figures, order, read, refused, stock
from tests.http.conformance import ConformingClient
from tests.http.conftest import client_of, conforming
from tests.http.queueing import ASYNC, WAITING, accept, headers, look, open_poisoned, settled

pytestmark = pytest.mark.usefixtures("answered_by")


@pytest.fixture(params=["memory", "sqlite"])
def oms(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Oms]:
    """A system without a worker."""
    url = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/oms.db"}[request.param]
    with open_poisoned(url) as opened:
        opened.schema.upgrade()
        yield opened


@pytest.fixture
def working(oms: Oms) -> Oms:
    """The system with a worker."""
    oms.start_worker()
    return oms


def test_an_accepted_order_waits_with_its_place(client: ConformingClient) -> None:
    stock(client)
    response = client.post("/v1/orders", json=order(quantity=3), headers=ASYNC)
    assert response.status_code == 202
    accepted = read(response)
    assert (accepted["status"], accepted["version"]) == ("queued", 1)
    assert accepted["queue"] == {"position": 1, "estimated_seconds": None}
    assert headers(response, "Location", "ETag", "Preference-Applied", "Cache-Control") == (
        f"/v1/orders/{accepted['id']}",
        '"1"',
        "respond-async",
        "no-store",
    )
    assert int(response.headers["Retry-After"]) >= 1
    assert figures(client) == (10, 0, 10)


@pytest.mark.usefixtures("working")
def test_an_accepted_order_is_placed_by_the_worker(client: ConformingClient) -> None:
    stock(client)
    accepted = accept(client, 3)
    placed = settled(client, accepted["id"])
    assert (placed["status"], placed["version"], "queue" in placed) == ("pending", 2, False)
    assert figures(client) == (10, 3, 7)
    assert "Retry-After" not in client.get(f"/v1/orders/{placed['id']}").headers


def test_who_asks_meanwhile_is_told_when_to_ask_again(client: ConformingClient) -> None:
    stock(client)
    path = f"/v1/orders/{accept(client)['id']}"
    response = client.get(path)
    assert read(response)["queue"] == {"position": 1, "estimated_seconds": None}
    assert headers(response, "Retry-After", "Preference-Applied") == ("5", None)
    unchanged = client.get(path, headers={"If-None-Match": response.headers["ETag"]})
    assert (unchanged.status_code, unchanged.headers["Retry-After"]) == (304, "5")


def test_a_list_shows_no_places(client: ConformingClient) -> None:
    stock(client)
    accepted = accept(client)
    (listed,) = read(client.get("/v1/orders?status=queued"))["items"]
    assert listed == {name: value for name, value in accepted.items() if name != "queue"}


@pytest.mark.parametrize(
    ("place", "retry_after"),
    [
        (QueuePlace(position=900, estimated_seconds=7), "7"),
        (QueuePlace(position=90_000, estimated_seconds=700), "60"),
        (QueuePlace(position=1, estimated_seconds=1), "1"),
    ],
)
def test_the_estimate_is_the_time_to_ask_again_up_to_a_minute(
    client: ConformingClient, monkeypatch: pytest.MonkeyPatch, place: QueuePlace, retry_after: str
) -> None:
    stock(client)
    monkeypatch.setattr(Queue, "place_of", lambda _self, _order: place)
    response = client.post("/v1/orders", json=order(), headers=ASYNC)
    shown = {"position": place.position, "estimated_seconds": place.estimated_seconds}
    assert (read(response)["queue"], response.headers["Retry-After"]) == (shown, retry_after)


def test_an_order_is_accepted_also_when_its_place_cannot_be_seen(
    client: ConformingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hidden(_self: Oms, _order: object) -> QueuePlace:
        raise OmsError("storage_unavailable", "the queue cannot be seen now")

    stock(client)
    monkeypatch.setattr(Queue, "place_of", hidden)
    response = client.post("/v1/orders", json=order(), headers=ASYNC)
    assert (response.status_code, "queue" in read(response), response.headers["Retry-After"]) == (202, False, "5")


def test_an_unknown_sku_is_refused_before_anything_is_queued(client: ConformingClient) -> None:
    stock(client)
    refused(client.post("/v1/orders", json=order("GHOST"), headers=ASYNC), 422, "unknown_sku", "/lines/0/sku")
    assert read(client.get("/v1/orders"))["items"] == []


@pytest.mark.usefixtures("working")
def test_more_than_there_is_is_accepted_and_then_rejected(client: ConformingClient) -> None:
    stock(client, on_hand=2)
    rejected = settled(client, accept(client, 3)["id"])
    assert (rejected["status"], rejected["failure"]["code"]) == ("rejected", "insufficient_inventory")
    assert figures(client) == (2, 0, 2)


def test_a_queued_order_can_be_cancelled_and_is_then_never_placed(oms: Oms, client: ConformingClient) -> None:
    stock(client)
    cancelled, kept = accept(client, 4)["id"], accept(client)["id"]
    response = client.put(f"/v1/orders/{cancelled}/status", json={"status": "cancelled"})
    assert (response.status_code, read(response)["status"], "queue" in read(response)) == (200, "cancelled", False)
    oms.start_worker()
    assert settled(client, kept)["status"] == "pending"
    assert look(client, cancelled)["status"] == "cancelled"
    assert figures(client) == (10, 1, 9)


def test_an_accepted_order_answers_202_however_it_is_sent_again(oms: Oms, client: ConformingClient) -> None:
    stock(client)
    first = accept_keyed(client, ASYNC)
    for prefer in ({}, ASYNC, WAITING):
        again = accept_keyed(client, prefer)
        assert (again.status_code, read(again)["id"], read(again)["status"]) == (202, read(first)["id"], "queued")
        assert (again.headers["Idempotent-Replayed"], "queue" in read(again)) == ("true", True)
        assert ("Preference-Applied" in again.headers) is bool(prefer)
    oms.start_worker()
    settled(client, read(first)["id"])
    again = accept_keyed(client, {})
    assert (again.status_code, read(again)["status"], "Retry-After" in again.headers) == (202, "pending", False)
    assert figures(client) == (10, 1, 9)


def test_a_placed_order_answers_201_however_it_is_sent_again(client: ConformingClient) -> None:
    stock(client)
    first = accept_keyed(client, {})
    for prefer in (ASYNC, WAITING):
        again = accept_keyed(client, prefer)
        assert (again.status_code, read(again)) == (201, read(first))
        assert headers(again, "Idempotent-Replayed", "Preference-Applied") == ("true", None)


def test_moving_a_queued_order_to_queued_changes_nothing_and_shows_its_place(client: ConformingClient) -> None:
    stock(client)
    accepted = accept(client)
    response = client.put(f"/v1/orders/{accepted['id']}/status", json={"status": "queued"})
    assert (response.status_code, read(response), response.headers["Retry-After"]) == (200, accepted, "5")


def test_a_queued_order_moves_only_by_the_table(client: ConformingClient) -> None:
    stock(client)
    path = f"/v1/orders/{accept(client)['id']}/status"
    problem = refused(client.put(path, json={"status": "shipped"}), 409, "invalid_transition")
    assert (problem["current"], problem["allowed"]) == ("queued", ["cancelled"])


def test_accepting_is_limited_as_placing_is() -> None:
    with Oms.open(Settings(database_url="memory://", rate_limits="orders.place=2/hour")) as oms:
        client = client_of(conforming(oms))
        stock(client)
        accept(client)
        response = client.post("/v1/orders", json=order(), headers=ASYNC)
        assert (response.status_code, response.headers["RateLimit"].split(";")[1]) == (202, "r=0")
        refused(client.post("/v1/orders", json=order(), headers=ASYNC), 429, "rate_limited")


def test_a_batch_answers_202_for_an_order_that_was_accepted_before(client: ConformingClient) -> None:
    stock(client)
    first = accept_keyed(client, ASYNC)
    response = client.post("/v1/orders/batch", json={"orders": [order(idempotency_key="K1")]}, headers=ASYNC)
    (outcome,) = read(response)["outcomes"]
    assert (outcome["status"], outcome["replayed"], outcome["order"]["id"]) == (202, True, read(first)["id"])


def accept_keyed(client: ConformingClient, prefer: dict[str, str]) -> TestResponse:
    return client.post("/v1/orders", json=order(), headers={"Idempotency-Key": "K1", **prefer})
