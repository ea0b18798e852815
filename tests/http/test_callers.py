"""Who calls: with a key, and without authentication."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from oms_prometheus import PrometheusMetrics
from werkzeug.test import TestResponse

from oms_core import ALL_SCOPES, Caller, CreateApiKey, Oms, RotateApiKey, Scope, SetStock, Settings
from tests.core.authentication.authentication_fixtures import unknown_token
from tests.http.asking import order, read, refused
from tests.http.conformance import ConformingClient
from tests.http.conftest import client_of, conforming

ROOT = Caller(name="root", scopes=ALL_SCOPES)
NOBODYS = f"oms_{'0' * 32}_{'0' * 64}"
ASKED = 'Bearer realm="oms"'
REFUSED = 'Bearer realm="oms", error="invalid_token"'
LACKING = 'Bearer realm="oms", error="insufficient_scope", scope="%s"'


@pytest.fixture
def keyed_oms() -> Iterator[Oms]:
    with Oms.open(Settings(database_url="memory://", auth="keys", rate_limits="auth.failures=5/minute")) as opened:
        opened.stock.set(SetStock(sku="WIDGET", on_hand=100), caller=ROOT)
        yield opened


@pytest.fixture
def keyed(keyed_oms: Oms) -> ConformingClient:
    """A client of a service that asks for keys."""
    return client_of(conforming(keyed_oms))


def key_of(oms: Oms, name: str = "shop", **given: Any) -> str:
    return oms.api_keys.create(CreateApiKey(**{"name": name, "scopes": ALL_SCOPES} | given), caller=ROOT).token


def bearing(token: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **headers}


def unauthenticated(response: TestResponse, challenge: str) -> dict[str, Any]:
    assert response.headers["WWW-Authenticate"] == challenge
    return refused(response, 401, "unauthenticated")


def test_without_a_key_nobody_is_served_and_it_is_told_how(keyed: ConformingClient) -> None:
    for method, path in (("GET", "/v1/orders"), ("POST", "/v1/orders"), ("GET", "/v1/keys"), ("DELETE", "/v1/keys/x")):
        problem = unauthenticated(keyed.open(path, method=method), ASKED)
        assert "Authorization: Bearer" in problem["detail"]


def test_refusals_are_counted_by_their_reason() -> None:
    settings = Settings(database_url="memory://", auth="keys", rate_limits="auth.failures=1/minute")
    with Oms.open(settings, metrics=PrometheusMetrics()) as oms:
        client = client_of(conforming(oms))
        client.get("/v1/orders")
        for _ in range(3):
            client.get("/v1/orders", headers=bearing(NOBODYS))
        ended = key_of(oms, "ended")
        oms.api_keys.revoke("ended", caller=ROOT)
        client.get("/v1/orders", headers=bearing(ended), environ_overrides={"REMOTE_ADDR": "192.0.2.9"})
        shown = client.get("/metrics").text
    for reason, count in (("no_key", 1), ("bad_key", 1), ("ended_key", 1), ("limited", 2)):
        assert f'oms_authentication_refusals_total{{reason="{reason}"}} {count}.0' in shown


def test_what_is_open_needs_no_key(keyed: ConformingClient) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/problems/unauthenticated"):
        assert keyed.get(path).status_code == 200
    assert keyed.options("/v1/orders").status_code == 204
    refused(keyed.get("/v1/nothing"), 404, "route_not_found")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YTpi", "Digest username=x", "oms_x", "Token x", "\t"]
)
def test_anything_but_a_bearer_token_is_no_key_and_no_failed_attempt(keyed: ConformingClient, header: str) -> None:
    for _ in range(10):
        unauthenticated(keyed.get("/v1/orders", headers={"Authorization": header}), ASKED)


@pytest.mark.parametrize(
    "header", ["Bearer x", f"Bearer {NOBODYS}", "bearer oms_", "Bearer a b", f"Bearer {NOBODYS}, x"]
)
def test_a_key_that_opens_nothing_is_refused(keyed: ConformingClient, header: str) -> None:
    unauthenticated(keyed.get("/v1/orders", headers={"Authorization": header}), REFUSED)


def test_a_key_opens_in_the_header_only(keyed_oms: Oms, keyed: ConformingClient) -> None:
    token = key_of(keyed_oms)
    assert keyed.get("/v1/orders", headers=bearing(token)).status_code == 200
    assert keyed.get("/v1/orders", headers={"Authorization": f"bEARER {token}"}).status_code == 200
    for name in ("access_token", "key", "token", "authorization"):
        unauthenticated(keyed.get(f"/v1/orders?{name}={token}"), ASKED)
    keyed.set_cookie("access_token", token)
    unauthenticated(keyed.get("/v1/orders"), ASKED)
    unauthenticated(keyed.post("/v1/orders", data={"access_token": token}), ASKED)


def test_two_keys_in_one_request_open_nothing(keyed_oms: Oms, keyed: ConformingClient) -> None:
    one, other = key_of(keyed_oms, "one"), key_of(keyed_oms, "other")
    unauthenticated(keyed.get("/v1/orders", headers={"Authorization": f"Bearer {one},Bearer {other}"}), REFUSED)


def test_whatever_is_wrong_with_a_key_the_answer_is_the_same(keyed_oms: Oms, keyed: ConformingClient) -> None:
    revoked, wrong = key_of(keyed_oms, "revoked"), key_of(keyed_oms, "wrong")[:-4] + "0000"
    expired = key_of(keyed_oms, "expired")
    keyed_oms.api_keys.rotate(RotateApiKey(name="expired", overlap_seconds=0), caller=ROOT)
    keyed_oms.api_keys.revoke("revoked", caller=ROOT)
    answers = [
        keyed.get("/v1/orders", headers=bearing(token, **{"X-Request-ID": "R1"}))
        for token in (NOBODYS, wrong, revoked, expired)
    ]
    assert {answer.status_code for answer in answers} == {401}
    for answer in answers:
        del answer.headers["RateLimit"]  # What is left of the address's limit differs.
    assert len({(answer.text, str(answer.headers)) for answer in answers}) == 1


def test_a_scope_that_the_key_lacks_is_named(keyed_oms: Oms, keyed: ConformingClient) -> None:
    token = key_of(keyed_oms, scopes=[Scope.ORDERS_READ])
    assert keyed.get("/v1/orders", headers=bearing(token)).status_code == 200
    response = keyed.post("/v1/orders", json=order(), headers=bearing(token))
    assert refused(response, 403, "forbidden")["scope"] == "orders:write"
    assert response.headers["WWW-Authenticate"] == LACKING % "orders:write"
    response = keyed.get("/v1/keys", headers=bearing(token))
    refused(response, 403, "forbidden")
    assert response.headers["WWW-Authenticate"] == LACKING % "admin"


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/orders/batch", "/v1/inventory/import", "/v1/keys"])
@pytest.mark.parametrize("media_type", ["application/json", "text/plain", "text/csv"])
def test_a_key_without_the_scope_is_refused_before_its_body_is_read(
    keyed_oms: Oms, keyed: ConformingClient, path: str, media_type: str
) -> None:
    headers = bearing(key_of(keyed_oms, scopes=[Scope.ORDERS_READ]))
    for body in ("", "{", "{}", "\x00"):
        refused(keyed.post(path, data=body, content_type=media_type, headers=headers), 403, "forbidden")


def test_no_other_key_is_asked_for_where_none_would_help(keyed_oms: Oms, keyed: ConformingClient) -> None:
    token = key_of(keyed_oms, scopes=[Scope.ORDERS_WRITE], customer_id="C2")
    response = keyed.post("/v1/orders", json=order(), headers=bearing(token))
    refused(response, 403, "forbidden")
    assert "WWW-Authenticate" not in response.headers


def test_a_customers_key_sees_and_places_its_own(keyed_oms: Oms, keyed: ConformingClient) -> None:
    scopes = [Scope.ORDERS_READ, Scope.ORDERS_WRITE]
    mine = key_of(keyed_oms, "c1", scopes=scopes, customer_id="C1")
    other = key_of(keyed_oms, "c2", scopes=scopes, customer_id="C2")
    placed = read(keyed.post("/v1/orders", json=order(), headers=bearing(mine)))
    refused(keyed.post("/v1/orders", json=order(), headers=bearing(other)), 403, "forbidden")
    assert keyed.get(f"/v1/orders/{placed['id']}", headers=bearing(mine)).status_code == 200
    refused(keyed.get(f"/v1/orders/{placed['id']}", headers=bearing(other)), 404, "order_not_found")


def test_the_actor_of_every_change_is_the_name_of_the_key(keyed_oms: Oms, keyed: ConformingClient) -> None:
    shop, clerk = key_of(keyed_oms, "shop"), key_of(keyed_oms, "clerk")
    keyed.put("/v1/inventory/WIDGET", json={"on_hand": 50}, headers=bearing(clerk))
    placed = read(keyed.post("/v1/orders", json=order(), headers=bearing(shop)))
    keyed.put(f"/v1/orders/{placed['id']}/status", json={"status": "shipped"}, headers=bearing(clerk))
    events = read(keyed.get(f"/v1/orders/{placed['id']}/events", headers=bearing(shop)))["items"]
    assert [(event["type"], event["actor"]) for event in events] == [
        ("order.placed", "shop"),
        ("shipment.created", "clerk"),
        ("order.shipped", "clerk"),
    ]
    ledger = read(keyed.get("/v1/inventory/WIDGET/movements", headers=bearing(shop)))["items"]
    assert [(row["kind"], row["actor"]) for row in ledger[:3]] == [
        ("ship", "clerk"),
        ("reserve", "shop"),
        ("count", "clerk"),
    ]


def test_idempotency_keys_are_apart_between_names_and_kept_over_rotation(
    keyed_oms: Oms, keyed: ConformingClient
) -> None:
    shop, other = key_of(keyed_oms, "shop"), key_of(keyed_oms, "other")

    def place(token: str) -> tuple[str, bool]:
        response = keyed.post("/v1/orders", json=order(), headers=bearing(token, **{"Idempotency-Key": "K"}))
        assert response.status_code == 201
        return read(response)["id"], "Idempotent-Replayed" in response.headers

    first, replayed = place(shop)
    assert not replayed
    assert place(other) != (first, True)
    rotated = keyed_oms.api_keys.rotate(RotateApiKey(name="shop", overlap_seconds=0), caller=ROOT).token
    assert place(rotated) == (first, True)
    unauthenticated(keyed.get("/v1/orders", headers=bearing(shop)), REFUSED)


def test_after_some_wrong_keys_an_address_is_told_to_wait(keyed_oms: Oms, keyed: ConformingClient) -> None:
    token, known = key_of(keyed_oms), key_of(keyed_oms, "known")
    assert keyed.get("/v1/orders", headers=bearing(known)).status_code == 200
    for number in range(5):
        unauthenticated(keyed.get("/v1/orders", headers=bearing(unknown_token(number))), REFUSED)
    for tried in (unknown_token(0), unknown_token(5), token):
        response = keyed.get("/v1/orders", headers=bearing(tried))
        problem = refused(response, 429, "rate_limited")
        assert problem["policy"] == "auth.failures"
        assert int(response.headers["Retry-After"]) >= 1
    unauthenticated(keyed.get("/v1/orders"), ASKED)
    assert keyed.get("/v1/orders", headers=bearing(known)).status_code == 200
    elsewhere = {"REMOTE_ADDR": "192.0.2.9"}
    assert keyed.get("/v1/orders", headers=bearing(token), environ_overrides=elsewhere).status_code == 200


def test_limits_count_by_name_where_there_are_keys() -> None:
    settings = Settings(database_url="memory://", auth="keys", rate_limits="orders.read=2/minute")
    with Oms.open(settings) as oms:
        client = client_of(conforming(oms))
        shop, other = key_of(oms, "shop"), key_of(oms, "other")
        again = oms.api_keys.rotate(RotateApiKey(name="shop"), caller=ROOT).token
        statuses = [
            client.get("/v1/orders", headers=bearing(token)).status_code for token in (shop, again, shop, other)
        ]
        assert statuses == [200, 200, 429, 200]


def test_with_keys_a_proxy_may_bring_requests(keyed_oms: Oms, keyed: ConformingClient) -> None:
    headers = bearing(key_of(keyed_oms), **{"X-Forwarded-For": "192.0.2.1"})
    assert keyed.get("/v1/orders", headers=headers, environ_overrides={"REMOTE_ADDR": "192.0.2.9"}).status_code == 200


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_without_authentication_this_machine_is_served(client: ConformingClient, address: str) -> None:
    assert client.get("/v1/orders", environ_overrides={"REMOTE_ADDR": address}).status_code == 200


@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "::", "2001:db8::1", "::ffff:10.0.0.1", "", "unix:", "x"])
def test_without_authentication_nobody_else_is(client: ConformingClient, address: str) -> None:
    refused(client.get("/v1/orders", environ_overrides={"REMOTE_ADDR": address}), 403, "forbidden")
