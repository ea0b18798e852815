"""Rate limits over HTTP: which requests count, what answers say of it, and what is never limited."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from werkzeug.test import TestResponse

from oms_core import Oms, Settings
from oms_http.openapi.registry import operations_of
from tests.http.asking import order, read, refused, stock
from tests.http.conformance import ConformingClient

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
    refused(client.post("/v1/orders/batch", json={"orders": [order()] * 2}), 429, "rate_limited")
    assert client.post("/v1/orders", json=order()).status_code == 201


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
    for operation in operations_of(Settings()):
        assert (operation.rate_scope is not None) == (operation.guarded and not operation.places_orders)


@limits("orders.read=1/second")
def test_a_refused_read_tells_what_to_wait_for(client: ConformingClient, limits: str) -> None:
    while (answer := client.get("/v1/orders")).status_code == 200:
        pass
    assert 1 <= int(answer.headers["Retry-After"]) <= 2
    assert "the limit orders.read is 1 per 1 s and caller" in read(answer)["detail"]
