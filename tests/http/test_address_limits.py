"""What an address may ask over HTTP: counted before anybody is known, once, and beside what its callers may."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from oms_limits import open_memory
from werkzeug.test import TestResponse

from oms_core import ALL_SCOPES, Caller, CreateApiKey, Oms, Ports, Scope, SetStock, Settings
from oms_core.domain.rate_limits import Allowance, RateLimit
from oms_core.ports.metrics import NoMetrics
from oms_core.ports.rate_limiter import RateLimiterOptions
from oms_http.settings import HttpSettings
from tests.core.authentication.authentication_fixtures import NOBODYS
from tests.http.asking import ask_by_head, order, refused
from tests.http.conformance import ConformingClient
from tests.http.conftest import client_of, conforming

ROOT = Caller(name="root", scopes=ALL_SCOPES)
PAGES = ["/", "/docs", "/docs/swagger-ui.css", "/openapi.json", "/problems", "/problems/forbidden", "/metrics", "/none"]
PLACING = ["/v1/orders", "/v1/orders/batch"]


@pytest.fixture
def oms(request: pytest.FixtureRequest) -> Iterator[Oms]:
    """A service that asks for keys, with three requests a day for an address; `given` are other settings."""
    given = request.getfixturevalue("given") if "given" in request.fixturenames else {}
    settings = Settings(**({"database_url": "memory://", "auth": "keys", "http_rate_limit": "3/day"} | given))
    with Oms.open(settings) as opened:
        opened.stock.set(SetStock(sku="WIDGET", on_hand=100), caller=ROOT)
        yield opened


@pytest.fixture
def client(oms: Oms) -> ConformingClient:
    return client_of(conforming(oms))


def bearing(oms: Oms, name: str = "shop") -> dict[str, str]:
    token = oms.api_keys.create(CreateApiKey(name=name, scopes=[Scope.ADMIN]), caller=ROOT).token
    return {"Authorization": f"Bearer {token}"}


def left(response: TestResponse) -> str:
    """Give the policy that the answer tells of, and what is left of it."""
    policy, units, _ = response.headers["RateLimit"].split(";")
    return f"{policy}{units}"


@pytest.mark.parametrize("path", PAGES)
def test_pages_without_a_key_are_limited_by_address(client: ConformingClient, path: str) -> None:
    answers = [client.get(path) for _ in range(5)]
    assert [answer.status_code == 429 for answer in answers] == [False] * 3 + [True] * 2
    problem = refused(answers[4], 429, "rate_limited")
    assert (problem["policy"], problem["limit"], problem["window_seconds"]) == ("address", 3, 86_400)
    assert "and address" in problem["detail"]
    assert int(answers[4].headers["Retry-After"]) >= 1
    assert [left(answer) for answer in answers] == [f'"address"r={units}' for units in (2, 1, 0, 0, 0)]
    assert answers[0].headers["RateLimit-Policy"] == '"address";q=3;w=86400'
    assert not [name for name, _ in answers[4].headers if name.startswith("X-RateLimit")]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_probes_are_never_limited_and_count_for_nothing(client: ConformingClient, path: str, method: str) -> None:
    for _ in range(3):
        client.get("/docs")
    answers = [client.open(path, method=method) for _ in range(9)]
    assert {answer.status_code for answer in answers} == {200}
    assert not any("RateLimit" in answer.headers for answer in answers)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS", "DELETE"])
@pytest.mark.parametrize("path", ["/v1/orders", "/v1/orders/batch", "/v1/inventory/X", "/none", "//v1/orders"])
def test_whatever_is_asked_and_of_whom_counts_before_anybody_is_known(
    client: ConformingClient, path: str, method: str
) -> None:
    headers = {"Authorization": f"Bearer {NOBODYS}"}
    statuses = [client.open(path, method=method, headers=headers, data=b"{").status_code for _ in range(4)]
    assert 429 not in statuses[:3]
    assert statuses[3] == 429


def test_all_that_an_address_asks_is_one_count(oms: Oms, client: ConformingClient) -> None:
    shop = bearing(oms)
    assert client.post("/v1/orders", json=order(), headers=shop).status_code == 201
    assert client.get("/v1/orders", headers=shop).status_code == 200
    assert left(client.get("/docs")) == '"address"r=0'
    for answer in (client.post("/v1/orders", json=order(), headers=shop), client.get("/v1/keys", headers=shop)):
        assert refused(answer, 429, "rate_limited")["policy"] == "address"
    elsewhere = {"REMOTE_ADDR": "192.0.2.9"}
    assert client.get("/v1/orders", headers=shop, environ_overrides=elsewhere).status_code == 200


def test_an_ipv6_network_is_one_address(client: ConformingClient) -> None:
    statuses = [
        client.get("/docs", environ_overrides={"REMOTE_ADDR": f"2001:db8::{number}"}).status_code for number in range(4)
    ]
    assert statuses == [200, 200, 200, 429]
    assert client.get("/docs", environ_overrides={"REMOTE_ADDR": "2001:db8:0:1::1"}).status_code == 200


def test_behind_a_trusted_proxy_the_client_is_counted(oms: Oms) -> None:
    client = client_of(conforming(oms, HttpSettings(trusted_proxies=("127.0.0.1",))))
    for client_address in ("192.0.2.1", "192.0.2.2"):
        forwarded = {"X-Forwarded-For": client_address}
        assert [client.get("/docs", headers=forwarded).status_code for _ in range(4)] == [200, 200, 200, 429]


class Ledger:
    """A rate limiter that writes down what is charged."""

    def __init__(self) -> None:
        self.counter = open_memory("memory://", RateLimiterOptions(metrics=NoMetrics()))
        self.charges: list[tuple[str, str, int]] = []

    def take(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
        self.charges.append((limit.policy, key, cost))
        return self.counter.take(limit, key, cost=cost)

    def give_back(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
        self.charges.append((limit.policy, key, -cost))
        return self.counter.give_back(limit, key, cost=cost)

    def is_degraded(self) -> bool:
        return False

    def describe(self) -> str:
        return "counted in a test"

    def close(self) -> None:
        pass


def counting(oms: Oms) -> tuple[Ledger, Oms]:
    """Make a service over the same storage whose charges are written down."""
    ledger = Ledger()
    settings = Settings(database_url="memory://", auth="keys", rate_limits=LIMITED, http_rate_limit="99/day")
    return ledger, Oms(
        settings=settings, ports=Ports(storage=oms._ports.storage, clock=oms._ports.clock, rate_limiter=ledger)
    )


LIMITED = "orders.place=9/day;orders.read=9/day;inventory.write=9/day;default=50/day"


@pytest.mark.parametrize(
    ("method", "path", "body", "charged"),
    [
        ("GET", "/v1/orders", None, ("orders.read", "name:shop", 1)),
        ("GET", "/v1/orders/none/events", None, ("orders.read", "name:shop", 1)),
        ("PUT", "/v1/inventory/WIDGET", {"on_hand": 5}, ("inventory.write", "name:shop", 1)),
        ("GET", "/v1/keys", None, ("default", "name:shop", 1)),
        ("POST", "/v1/orders", order(), ("orders.place", "name:shop", 1)),
        ("POST", "/v1/orders", {}, ("orders.place", "name:shop", 1)),
        ("GET", "/docs", None, None),
        ("GET", "/none", None, None),
        ("GET", "/healthz", None, "nothing"),
    ],
)
def test_each_request_charges_its_address_and_its_caller_once(
    oms: Oms, method: str, path: str, body: object, charged: object
) -> None:
    ledger, counted = counting(oms)
    client = client_of(conforming(counted))
    client.open(path, method=method, json=body, headers=bearing(counted))
    address = ("address", "address:127.0.0.1", 1)
    expected = [] if charged == "nothing" else [address] if charged is None else [address, charged]
    assert ledger.charges == expected


def test_a_batch_charges_its_address_once_and_its_caller_by_the_order(oms: Oms) -> None:
    ledger, counted = counting(oms)
    client = client_of(conforming(counted))
    client.post("/v1/orders/batch", json={"orders": [order()] * 3}, headers=bearing(counted))
    assert ledger.charges == [
        ("address", "address:127.0.0.1", 1),
        ("orders.place", "name:shop", 1),
        ("orders.place", "name:shop", 2),
    ]


@pytest.mark.parametrize(
    ("path", "sent", "charged"),
    [
        ("/v1/orders", {"json": order()}, "orders.place"),
        ("/v1/inventory/import", {"data": "sku,quantity\nX,1\n", "content_type": "text/csv"}, "inventory.write"),
    ],
)
def test_a_request_that_is_asked_for_by_its_head_charges_each_once(
    oms: Oms, path: str, sent: dict[str, Any], charged: str
) -> None:
    ledger, counted = counting(oms)
    client, shop = client_of(conforming(counted)), bearing(counted)
    status, welcome = ask_by_head(client, path, headers=shop)
    assert status == "204"
    response = client.post(path, headers=shop, environ_overrides={"oms.welcome": welcome}, **sent)
    assert response.status_code in {200, 201}
    assert ledger.charges == [("address", "address:127.0.0.1", 1), (charged, "name:shop", 1)]


@pytest.mark.parametrize("given", [{"rate_limits": "default=4/day", "http_rate_limit": "99/day"}])
def test_what_the_core_counts_and_what_the_edge_counts_is_one_count(
    oms: Oms, client: ConformingClient, given: dict[str, Any]
) -> None:
    shop = bearing(oms)
    answers = [
        client.post("/v1/orders", json=order(), headers=shop),
        client.get("/v1/orders", headers=shop),
        client.post("/v1/orders/batch", json={"orders": [order()]}, headers=shop),
        client.get("/v1/inventory", headers=shop),
        client.get("/v1/inventory", headers=shop),
    ]
    assert [left(answer) for answer in answers] == [f'"default"r={units}' for units in (3, 2, 1, 0, 0)]
    assert answers[4].status_code == 429


@pytest.mark.parametrize("given", [{"auth": "off", "http_rate_limit": ""}, {"http_rate_limit": "off"}])
def test_on_this_machine_alone_or_where_it_is_off_no_address_is_limited(
    client: ConformingClient, given: dict[str, Any]
) -> None:
    answers = [client.get("/docs") for _ in range(9)]
    assert {answer.status_code for answer in answers} == {200}
    assert not any("RateLimit" in answer.headers for answer in answers)


@pytest.mark.parametrize("given", [{"auth": "off", "rate_limits": "orders.read=2/day", "http_rate_limit": ""}])
def test_without_keys_what_is_limited_by_caller_is_counted_by_address(
    client: ConformingClient, given: dict[str, Any]
) -> None:
    assert [client.get("/v1/orders").status_code for _ in range(3)] == [200, 200, 429]
    assert client.get("/v1/inventory").status_code == 200
