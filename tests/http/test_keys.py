"""The routes of API keys."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.http.asking import read, refused
from tests.http.conformance import ConformingClient

LATER = "2126-01-01T00:00:00+01:00"


def create(client: ConformingClient, name: str = "shop", **members: Any) -> dict[str, Any]:
    response = client.post("/v1/keys", json={"name": name, "scopes": ["orders:read"], **members})
    assert response.status_code == 201
    return read(response)


def named(client: ConformingClient, name: str = "shop") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = read(client.get(f"/v1/keys/{name}"))["items"]
    return items


def test_a_new_key_is_shown_once_and_never_stored(client: ConformingClient) -> None:
    body = {"name": "shop", "scopes": ["orders:write", "orders:read"], "customer_id": "C1", "expires_at": LATER}
    response = client.post("/v1/keys", json=body)
    issued = read(response)
    assert (response.status_code, response.headers["Cache-Control"]) == (201, "no-store")
    assert response.headers["Location"] == "/v1/keys/shop"
    assert issued["key"].startswith("oms_")
    assert issued["scopes"] == ["orders:read", "orders:write"]
    assert (issued["created_by"], issued["customer_id"]) == ("local", "C1")
    assert issued["expires_at"] == "2125-12-31T23:00:00.000000Z"
    (shown,) = named(client)
    assert shown == {name: value for name, value in issued.items() if name != "key"}
    for path in ("/v1/keys", "/v1/keys/shop"):
        answer = client.get(path)
        assert answer.headers["Cache-Control"] == "no-store"
        assert issued["key"][-64:] not in answer.text


def test_a_name_is_given_once(client: ConformingClient) -> None:
    create(client)
    refused(client.post("/v1/keys", json={"name": "shop", "scopes": ["admin"]}), 409, "key_name_taken")
    refused(client.post("/v1/keys", json={"name": "worker", "scopes": ["admin"]}), 409, "key_name_taken")
    assert len(named(client)) == 1


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/name", "/scopes"]),
        ({"name": "a b", "scopes": ["admin"]}, ["/name"]),
        ({"name": "a", "scopes": []}, ["/scopes"]),
        ({"name": "a", "scopes": ["root", "admin", "ADMIN"]}, ["/scopes/0", "/scopes/2"]),
        ({"name": "a", "scopes": "admin"}, ["/scopes"]),
        ({"name": "a", "scopes": [1]}, ["/scopes/0"]),
        ({"name": "a", "scopes": ["admin"] * 7}, ["/scopes"]),
        ({"name": "a", "scopes": ["admin"], "customer_id": "C1"}, ["/scopes"]),
        ({"name": "a", "scopes": ["orders:read"], "customer_id": "a\x00"}, ["/customer_id"]),
        ({"name": "a", "scopes": ["orders:read"], "expires_at": "2020-01-01T00:00:00Z"}, ["/expires_at"]),
        ({"name": "a", "scopes": ["orders:read"], "expires_at": "tomorrow"}, ["/expires_at"]),
        ({"name": "a", "scopes": ["orders:read"], "expires_at": 5}, ["/expires_at"]),
        ({"name": "a", "scopes": ["orders:read"], "secret": "mine"}, ["/secret"]),
    ],
)
def test_a_wrong_key_is_refused_and_not_made(
    client: ConformingClient, body: dict[str, Any], pointers: list[str]
) -> None:
    refused(client.post("/v1/keys", json=body), 422, "validation_error", *pointers)
    assert read(client.get("/v1/keys"))["items"] == []


@pytest.mark.parametrize("path", ["/v1/keys", "/v1/keys/shop/rotate"])
def test_an_idempotency_key_is_refused_where_the_answer_cannot_be_given_again(
    client: ConformingClient, path: str
) -> None:
    create(client)
    response = client.post(path, json={}, headers={"Idempotency-Key": "K"})
    refused(response, 422, "validation_error", "/idempotency_key")
    assert len(named(client)) == 1


def test_a_rotated_key_follows_and_the_one_before_ends(client: ConformingClient) -> None:
    first = create(client, customer_id="C1")
    response = client.post("/v1/keys/shop/rotate", json={"overlap_seconds": 0})
    second = read(response)
    assert (response.status_code, response.headers["Cache-Control"]) == (201, "no-store")
    assert (second["number"], second["customer_id"], second["key"] != first["key"]) == (2, "C1", True)
    assert [key["state"] for key in named(client)] == ["active", "expired"]
    third = read(client.post("/v1/keys/shop/rotate", json={"expires_at": LATER}))
    assert third["expires_at"] == "2125-12-31T23:00:00.000000Z"
    assert [key["state"] for key in named(client)] == ["active", "active", "expired"]


@pytest.mark.parametrize("body", [{"overlap_seconds": -1}, {"overlap_seconds": 10**9}, {"overlap_seconds": "1h"}])
def test_a_wrong_overlap_is_refused(client: ConformingClient, body: dict[str, Any]) -> None:
    create(client)
    refused(client.post("/v1/keys/shop/rotate", json=body), 422, "validation_error", "/overlap_seconds")
    assert len(named(client)) == 1


def test_a_revoked_name_says_so_and_a_second_time_changes_nothing(client: ConformingClient) -> None:
    create(client)
    client.post("/v1/keys/shop/rotate", json={})
    response = client.delete("/v1/keys/shop")
    assert response.status_code == 200
    revoked = read(response)["items"]
    assert [(key["state"], key["revoked_by"]) for key in revoked] == [("revoked", "local")] * 2
    assert read(client.delete("/v1/keys/shop"))["items"] == revoked == named(client)


@pytest.mark.parametrize("name", ["nobody", "SHOP", "a%20b", "%00", "x" * 300])
def test_a_name_without_keys_is_not_found(client: ConformingClient, name: str) -> None:
    create(client)
    refused(client.get(f"/v1/keys/{name}"), 404, "key_not_found")
    refused(client.delete(f"/v1/keys/{name}"), 404, "key_not_found")


def test_a_name_without_keys_cannot_be_rotated(client: ConformingClient) -> None:
    refused(client.post("/v1/keys/nobody/rotate", json={}), 404, "key_not_found")


def test_keys_are_listed_page_by_page(client: ConformingClient) -> None:
    for name in ("b", "a", "c"):
        create(client, name)
    first = client.get("/v1/keys?limit=2")
    assert [key["name"] for key in read(first)["items"]] == ["a", "b"]
    rest = client.get(f"/v1/keys?limit=2&cursor={read(first)['next']}")
    assert ([key["name"] for key in read(rest)["items"]], read(rest)["next"]) == (["c"], None)
    refused(client.get("/v1/keys?cursor=x"), 422, "validation_error", "/cursor")


def test_the_life_of_a_key_is_logged_without_its_secret(
    client: ConformingClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="oms_http.api_keys.api_keys"):
        token = create(client)["key"]
        client.post("/v1/keys/shop/rotate", json={})
        client.delete("/v1/keys/shop")
    assert [message.split(" was ")[1].split(" by ")[0] for message in caplog.messages] == [
        "created",
        "rotated",
        "revoked",
    ]
    assert all("shop" in message and "'local'" in message for message in caplog.messages)
    assert token[-64:] not in caplog.text
