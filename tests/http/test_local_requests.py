"""While authentication is off: only this machine is served, and no page of another site can use its browser."""

from __future__ import annotations

import pytest

from oms_core import Oms, Settings
from oms_http.settings import HttpSettings
from tests.http.asking import read, refused, stock
from tests.http.conformance import ConformingClient
from tests.http.conftest import client_of, conforming

OPEN_PATHS = ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/problems/forbidden"]
GUARDED_PATHS = [
    *("/v1/orders", "/v1/orders/x", "/v1/orders/x/events"),
    *("/v1/inventory", "/v1/inventory/X"),
    *("/v1/queue", "/v1/queue/dead"),
]
OF_PROXIES = ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via"]


def check_refused(client: ConformingClient, headers: dict[str, str], peer: str = "127.0.0.1") -> str:
    """Assert that no guarded route answers, and that nothing is changed; give the detail."""
    stock(client, "KEPT", 5)
    environ = {"REMOTE_ADDR": peer}
    for path in GUARDED_PATHS:
        refused(client.get(path, headers=headers, environ_overrides=environ), 403, "forbidden")
    response = client.put("/v1/inventory/KEPT", json={"on_hand": 1}, headers=headers, environ_overrides=environ)
    problem = refused(response, 403, "forbidden")
    assert read(client.get("/v1/inventory/KEPT"))["on_hand"] == 5
    for path in OPEN_PATHS:
        assert client.get(path, headers=headers, environ_overrides=environ).status_code == 200
    assert "authentication is off" in problem["detail"]
    assert "OMS_AUTH=keys" in problem["detail"]
    return str(problem["detail"])


@pytest.mark.parametrize("value", ["for=192.0.2.1", ""])
@pytest.mark.parametrize("header", OF_PROXIES)
def test_a_request_through_a_proxy_is_refused(client: ConformingClient, header: str, value: str) -> None:
    assert header in check_refused(client, {header: value})


def test_a_trusted_proxy_lends_no_rights_either() -> None:
    with Oms.open(Settings(database_url="memory://")) as oms:
        client = client_of(conforming(oms, HttpSettings(trusted_proxies=("127.0.0.0/8",))))
        check_refused(client, {"X-Forwarded-For": "127.0.0.1"})
        check_refused(client, {"X-Forwarded-For": ""})
        assert client.get("/v1/orders").status_code == 200


@pytest.mark.parametrize("peer", ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "", "localhost", "0.0.0.0"])
def test_another_machine_is_refused(client: ConformingClient, peer: str) -> None:
    assert "only this machine" in check_refused(client, {}, peer)


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_every_address_of_this_machine_is_served(client: ConformingClient, peer: str) -> None:
    assert client.get("/v1/orders", environ_overrides={"REMOTE_ADDR": peer}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("", "exa mple", "[", "a" * 300, "evil.example", "evil.example:8080", "192.0.2.1", "[2001:db8::1]:80"),
        *("localhost.evil.example", "notlocalhost", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "0.0.0.0"),
        *("localhost, evil.example", "127.0.0.1,127.0.0.1", "2130706433", "[::1].evil.example"),
    ],
)
def test_a_name_that_is_not_loopbacks_is_refused(client: ConformingClient, host: str) -> None:
    assert "Host" in check_refused(client, {"Host": host})


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "localhost.", "shop.localhost", "127.0.0.1:8080", "127.1.2.3", "[::1]:8080"]
)
def test_every_name_of_this_machine_is_served(client: ConformingClient, host: str) -> None:
    assert client.get("/v1/orders", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        *("https://evil.example", "null", "", "http://localhost.evil.example", "http://localhost:3000"),
        *("https://localhost:8080", "http://localhost:8080/", "file://", "http://localhost:8080 http://localhost:8080"),
    ],
)
def test_a_page_of_another_origin_is_refused(client: ConformingClient, origin: str) -> None:
    assert "OMS_CORS_ORIGINS" in check_refused(client, {"Host": "localhost:8080", "Origin": origin})


def test_the_docs_page_may_ask(client: ConformingClient) -> None:
    headers = {"Host": "localhost:8080", "Origin": "http://localhost:8080"}
    assert client.put("/v1/inventory/A", json={"on_hand": 1}, headers=headers).status_code == 201


def test_an_origin_that_is_named_may_ask_and_any_origin_names_none() -> None:
    origin = "http://localhost:3000"
    with Oms.open(Settings(database_url="memory://")) as oms:
        client = client_of(conforming(oms, HttpSettings(cors_origins=(origin, "*"))))
        headers = {"Origin": origin}
        assert client.put("/v1/inventory/A", json={"on_hand": 1}, headers=headers).status_code == 201
        refused(
            client.put("/v1/inventory/A", json={"on_hand": 1}, headers={"Origin": "https://x.example"}),
            403,
            "forbidden",
        )
