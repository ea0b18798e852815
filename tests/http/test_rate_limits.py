"""Rate limits over HTTP: which requests count, what answers say of it, and what is never limited."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from oms_core import Oms, Settings
from oms_http.operations import operations_of
from oms_http.settings import HttpSettings
from tests.http.asking import ask_by_head, order, read, refused, stock
from tests.http.conformance import ConformingClient

pytestmark = pytest.mark.usefixtures("answered_by")

JSON = "application/json"
OPEN_PATHS = ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/problems/rate_limited"]


@pytest.fixture
def oms(request: pytest.FixtureRequest) -> Iterator[Oms]:
    """A service with the limits that the test's `limits` name, or without any."""
    text = request.getfixturevalue("limits") if "limits" in request.fixturenames else ""
    with Oms.open(Settings(database_url="memory://", rate_limits=text)) as opened:
        yield opened


def limits(text: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("limits", [text])


def state(response: TestResponse) -> tuple[str, int]:
    """Give the policy and what is left of it."""
    read_state = re.fullmatch(r'"([a-z.]+)";r=(\d+);t=\d+', response.headers["RateLimit"])
    assert read_state, response.headers["RateLimit"]
    return read_state[1], int(read_state[2])


def body_of(body: object) -> dict[str, Any]:
    """Give what the client takes for a body: a text is CSV."""
    return {"data": body, "content_type": "text/csv"} if isinstance(body, str) else {"json": body}


@limits("orders.place=3/day")
def test_an_order_over_the_limit_is_a_problem_with_the_seconds_to_wait(client: ConformingClient, limits: str) -> None:
    stock(client)
    answers = [client.post("/v1/orders", json=order()) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert [state(answer) for answer in answers] == [("orders.place", left) for left in (2, 1, 0, 0)]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"orders.place";q=3;w=86400'}
    problem = refused(answers[3], 429, "rate_limited")
    assert (problem["policy"], problem["limit"], problem["window_seconds"]) == ("orders.place", 3, 86_400)
    assert problem["retry"] == "same_key"
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 2 * 86_400


@limits("orders.place=5/day")
def test_a_batch_costs_as_many_units_as_it_has_orders(client: ConformingClient, limits: str) -> None:
    stock(client)
    answer = client.post("/v1/orders/batch", json={"orders": [order()] * 4})
    assert state(answer) == ("orders.place", 1)
    assert state(client.post("/v1/orders/batch", json={"orders": [order()]})) == ("orders.place", 0)


@limits("orders.place=5/day")
def test_a_batch_over_the_limit_costs_the_attempt_and_none_of_its_entries_is_read(
    client: ConformingClient, limits: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post("/v1/orders/batch", json={"orders": [{}] * 3})
    monkeypatch.setattr("oms_http.orders.batch.read_keyed_order", None)
    answer = client.post("/v1/orders/batch", json={"orders": [{}] * 3})
    assert "errors" not in refused(answer, 429, "rate_limited")
    assert state(answer) == ("orders.place", 1)


@limits("orders.place=5/minute")
@pytest.mark.parametrize("path", ["/v1/orders", "/v1/orders/batch"])
@pytest.mark.parametrize(
    ("body", "media_type"), [("{}", JSON), ("{", JSON), ("[" * 99, JSON), ("{}", "text/plain"), ("null", JSON)]
)
def test_a_body_that_cannot_be_read_costs_what_one_that_can_does(
    client: ConformingClient, limits: str, path: str, body: str, media_type: str
) -> None:
    answers = [client.post(path, data=body, content_type=media_type).status_code for _ in range(20)]
    assert answers[:5] == [answers[0]] * 5
    assert answers[0] in {400, 415, 422}
    assert answers[5:] == [429] * 15


@limits("orders.place=5/minute")
def test_a_replay_costs_nothing(client: ConformingClient, limits: str) -> None:
    stock(client)
    key = {"Idempotency-Key": "K"}
    assert state(client.post("/v1/orders", json=order(), headers=key)) == ("orders.place", 4)
    for _ in range(10):
        again = client.post("/v1/orders", json=order(), headers=key)
        assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
        assert state(again) == ("orders.place", 4)
    waiting = {"Prefer": "respond-async", **key}
    assert state(client.post("/v1/orders", json=order(), headers=waiting)) == ("orders.place", 4)
    batch = {"orders": [order(idempotency_key="K"), order(idempotency_key="L"), order()]}
    assert state(client.post("/v1/orders/batch", json=batch)) == ("orders.place", 2)


@limits("inventory.write=5/minute")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/inventory/WIDGET/adjustments", {"delta": 7, "reason": "found"}),
        ("/v1/inventory/import", "sku,quantity\nWIDGET,7\n"),
    ],
)
def test_a_change_of_stock_that_was_made_already_costs_nothing(
    client: ConformingClient, limits: str, path: str, body: object
) -> None:
    stock(client)
    sent = {**body_of(body), "headers": {"Idempotency-Key": "K"}}
    assert state(client.post(path, **sent)) == ("inventory.write", 3)
    for _ in range(10):
        again = client.post(path, **sent)
        assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
        assert state(again) == ("inventory.write", 3)


@limits("default=9/minute")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/orders", order()),
        ("POST", "/v1/orders/batch", {"orders": [order()]}),
        ("POST", "/v1/inventory/import", "sku,quantity\nWIDGET,7\n"),
        ("PUT", "/v1/inventory/WIDGET", {"on_hand": 7}),
        ("PUT", "/v1/orders/none/status", {"status": "shipped"}),
    ],
)
def test_what_was_charged_by_its_head_alone_is_not_charged_again(
    client: ConformingClient, limits: str, method: str, path: str, body: object
) -> None:
    stock(client)
    status, welcome = ask_by_head(client, path, method)
    assert (status, bool(welcome)) == ("204", True)
    answer = client.open(path, method=method, environ_overrides={"oms.welcome": welcome}, **body_of(body))
    assert answer.status_code in {200, 201, 404}
    assert state(answer) == ("default", 9 - 2)


@limits("orders.place=1/minute")
def test_who_is_over_its_limit_is_told_by_the_head_alone(client: ConformingClient, limits: str) -> None:
    told = [ask_by_head(client, "/v1/orders") for _ in range(2)]
    assert [(status, bool(welcome)) for status, welcome in told] == [("204", True), ("429", False)]


@limits("orders.place=5/minute")
def test_a_refused_attempt_and_a_key_that_is_taken_cost_their_unit(client: ConformingClient, limits: str) -> None:
    stock(client)
    key = {"Idempotency-Key": "K"}
    client.post("/v1/orders", json=order(), headers=key)
    refused(client.post("/v1/orders", json=order(quantity=2), headers=key), 422, "idempotency_key_reused")
    refused(client.post("/v1/orders", json=order(quantity=10_000)), 409, "insufficient_inventory")
    assert state(client.post("/v1/orders", json=order())) == ("orders.place", 1)


@limits("orders.place=5/day")
def test_a_batch_above_the_whole_limit_is_told_to_be_smaller(client: ConformingClient, limits: str) -> None:
    answer = client.post("/v1/orders/batch", json={"orders": [order()] * 6})
    assert "send fewer at once" in refused(answer, 422, "validation_error", "/orders")["errors"][0]["detail"]
    assert "Retry-After" not in answer.headers


@limits("default=100/day")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/orders"),
        ("HEAD", "/v1/orders"),
        ("GET", "/v1/orders?unknown=1"),
        ("GET", "/v1/orders/none"),
        ("PUT", "/v1/orders/none/status"),
        ("GET", "/v1/inventory"),
        ("PUT", "/v1/inventory/X"),
        ("POST", "/v1/inventory/import"),
    ],
)
def test_every_request_costs_one_unit_whatever_becomes_of_it(
    client: ConformingClient, limits: str, method: str, path: str
) -> None:
    assert state(client.open(path, method=method)) == ("default", 99)


@limits("default=100/day")
def test_an_order_is_not_charged_twice(client: ConformingClient, limits: str) -> None:
    stock(client)
    assert state(client.post("/v1/orders", json=order())) == ("default", 98)
    assert state(client.post("/v1/orders/batch", json={"orders": [order()] * 3})) == ("default", 95)


@limits("orders.read=1/day;orders.write=1/day;inventory.read=1/day;inventory.write=1/day")
def test_reading_and_writing_of_orders_and_stock_have_limits_of_their_own(
    client: ConformingClient, limits: str
) -> None:
    requests = [
        ("GET", "/v1/orders/x", "orders.read"),
        ("PUT", "/v1/orders/x/status", "orders.write"),
        ("GET", "/v1/inventory/x", "inventory.read"),
        ("POST", "/v1/inventory/x/adjustments", "inventory.write"),
    ]
    for method, path, scope in requests:
        assert state(client.open(path, method=method)) == (scope, 0)
        assert refused(client.open(path, method=method), 429, "rate_limited")["policy"] == scope
    assert "RateLimit" not in client.post("/v1/orders", json=order()).headers


@limits("default=1/day")
@pytest.mark.parametrize("path", OPEN_PATHS)
def test_what_operators_and_readers_need_is_never_limited(client: ConformingClient, limits: str, path: str) -> None:
    client.get("/v1/orders")
    answers = [client.get(path) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 5
    assert not any("RateLimit" in answer.headers for answer in answers)


@limits("default=2/day")
def test_addresses_are_limited_apart(client: ConformingClient, limits: str) -> None:
    for address in ("127.0.0.1", "127.0.0.2"):
        answers = [client.get("/v1/orders", environ_overrides={"REMOTE_ADDR": address}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_without_limits_no_answer_speaks_of_them(client: ConformingClient) -> None:
    stock(client)
    for answer in (client.get("/v1/orders"), client.post("/v1/orders", json=order())):
        assert not {"RateLimit", "RateLimit-Policy", "Retry-After"} & set(dict(answer.headers))


def test_every_operation_under_v1_is_charged_once() -> None:
    for operation in operations_of(HttpSettings()):
        assert (operation.rate_scope is not None) == (operation.guarded and not operation.places_orders)


@limits("orders.read=1/second")
def test_a_refused_read_tells_what_to_wait_for(client: ConformingClient, limits: str) -> None:
    while (answer := client.get("/v1/orders")).status_code == 200:
        pass
    assert 1 <= int(answer.headers["Retry-After"]) <= 2
    assert "the limit orders.read is 1 per 1 s and caller" in read(answer)["detail"]
