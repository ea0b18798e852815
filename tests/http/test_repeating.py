"""Idempotency-Key: a request that may be sent twice is done once."""

from __future__ import annotations

import pytest

from tests.http.asking import figures, order, read, refused, stock
from tests.http.conformance import ConformingClient

pytestmark = pytest.mark.usefixtures("answered_by")


def test_an_order_sent_twice_is_placed_once(client: ConformingClient) -> None:
    stock(client)
    first = client.post("/v1/orders", json=order(), headers={"Idempotency-Key": "K1"})
    again = client.post("/v1/orders", json=order(), headers={"Idempotency-Key": "K1"})
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (again.status_code, read(again), again.headers["Location"]) == (201, read(first), first.headers["Location"])
    assert figures(client)[1] == 1


def test_a_replay_shows_the_order_as_it_is_now(client: ConformingClient) -> None:
    stock(client)
    placed = read(client.post("/v1/orders", json=order(), headers={"Idempotency-Key": "K1"}))
    client.put(f"/v1/orders/{placed['id']}/status", json={"status": "cancelled"})
    again = client.post("/v1/orders", json=order(), headers={"Idempotency-Key": "K1"})
    assert (again.status_code, read(again)["status"], again.headers["ETag"]) == (201, "cancelled", '"2"')


@pytest.mark.parametrize(
    ("one", "other"),
    [("K1", '"K1"'), ('a "b"', r'"a \"b\""'), (r'"a\\b"', "a\\b"), ("K1", " K1 ")],
)
def test_a_key_may_be_bare_or_quoted(client: ConformingClient, one: str, other: str) -> None:
    stock(client)
    client.post("/v1/orders", json=order(), headers={"Idempotency-Key": one})
    again = client.post("/v1/orders", json=order(), headers={"Idempotency-Key": other.strip()})
    assert again.headers["Idempotent-Replayed"] == "true"


def test_another_order_under_the_same_key_is_refused(client: ConformingClient) -> None:
    stock(client)
    client.post("/v1/orders", json=order(), headers={"Idempotency-Key": "K1"})
    response = client.post("/v1/orders", json=order(quantity=2), headers={"Idempotency-Key": "K1"})
    refused(response, 422, "idempotency_key_reused")
    assert figures(client)[1] == 1


def test_a_refused_attempt_does_not_burn_its_key(client: ConformingClient) -> None:
    stock(client, on_hand=0)
    key = {"Idempotency-Key": "K1"}
    refused(client.post("/v1/orders", json=order(), headers=key), 409, "insufficient_inventory")
    stock(client, on_hand=1)
    response = client.post("/v1/orders", json=order(), headers=key)
    assert (response.status_code, "Idempotent-Replayed" in response.headers) == (201, False)


@pytest.mark.parametrize("key", ["", '""', "k" * 256, '"' + "k" * 256 + '"', "schlüssel", "a\tb"])
def test_a_bad_key_is_refused(client: ConformingClient, key: str) -> None:
    stock(client)
    headers = {"Idempotency-Key": key}
    for path, document in (
        ("/v1/orders", order()),
        ("/v1/inventory/WIDGET/adjustments", {"delta": 1, "reason": "found"}),
    ):
        refused(client.post(path, json=document, headers=headers), 422, "validation_error", "/idempotency_key")
    assert figures(client) == (10, 0, 10)


def test_a_key_of_255_characters_is_fine(client: ConformingClient) -> None:
    stock(client)
    assert client.post("/v1/orders", json=order(), headers={"Idempotency-Key": "k" * 255}).status_code == 201


def test_the_key_belongs_in_the_header(client: ConformingClient) -> None:
    stock(client)
    response = client.post("/v1/orders", json=order(idempotency_key="K1"))
    refused(response, 422, "validation_error", "/idempotency_key")


def test_a_correction_sent_twice_is_made_once(client: ConformingClient) -> None:
    stock(client, on_hand=10)
    path = "/v1/inventory/WIDGET/adjustments"
    key = {"Idempotency-Key": "K1"}
    first = client.post(path, json={"delta": 5, "reason": "found"}, headers=key)
    again = client.post(path, json={"delta": 5, "reason": "found"}, headers=key)
    assert (read(first)["on_hand"], read(again)["on_hand"]) == (15, 15)
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    response = client.post(path, json={"delta": 6, "reason": "found"}, headers=key)
    refused(response, 422, "idempotency_key_reused")
    assert figures(client)[0] == 15
