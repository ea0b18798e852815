"""What holds for every answer: request ids, unknown paths, other methods, HEAD, OPTIONS, proxies, defects, metrics."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from oms_memory import MemoryStorage
from werkzeug.test import EnvironBuilder

from oms_core import Oms, OmsError, Ports, Settings
from oms_core.domain.metrics import HTTP_REQUEST_SECONDS, HTTP_REQUESTS, Metric
from oms_http.edge.telemetry import count_refusal
from oms_http.problems import answer_bug
from oms_http.requests import Request
from tests.http.asking import order, place, read, refused, stock
from tests.http.conformance import ConformingClient
from tests.http.conftest import client_of, conforming


class CountingMetrics:
    """Metrics that a test can look at."""

    def __init__(self) -> None:
        self.counted: Counter[tuple[str, ...]] = Counter()
        self.observed: list[tuple[str, ...]] = []

    def count(self, metric: Metric, *labels: str, amount: int = 1) -> None:
        if metric is HTTP_REQUESTS:
            self.counted[labels] += amount

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        if metric is HTTP_REQUEST_SECONDS:
            assert 0 < value < 60
            self.observed.append(labels)

    def render(self) -> tuple[str, bytes]:
        return "text/plain; version=0.0.4", b"oms_orders 1\n"


@pytest.fixture
def metrics() -> CountingMetrics:
    return CountingMetrics()


@pytest.fixture
def oms(metrics: CountingMetrics) -> Iterator[Oms]:
    with Oms.open(Settings(database_url="memory://"), metrics=metrics) as opened:
        yield opened


@pytest.mark.parametrize("id", ["a", "~!@#", "x" * 128, "6f1c0d3e-5b7a"])
def test_the_clients_request_id_is_echoed_and_kept(client: ConformingClient, id: str) -> None:
    stock(client)
    response = client.post("/v1/orders", json=order(), headers={"X-Request-ID": id})
    assert response.headers["X-Request-ID"] == id
    assert read(client.get(f"{response.headers['Location']}/events"))["items"][0]["request_id"] == id


@pytest.mark.parametrize("id", ["", "a b", "x" * 129, "é", "a\tb"])
def test_a_request_id_that_is_unfit_is_replaced(client: ConformingClient, id: str) -> None:
    made = client.get("/healthz", headers={"X-Request-ID": id}).headers["X-Request-ID"]
    assert made != id
    assert len(made) == 32


def test_the_servers_request_id_goes_before_the_clients(client: ConformingClient) -> None:
    response = client.get("/nowhere", headers={"X-Request-ID": "theirs"}, environ_overrides={"oms.request_id": "ours"})
    refused(response, 404, "route_not_found")
    assert response.headers["X-Request-ID"] == "ours"


def test_every_request_without_an_id_gets_its_own(client: ConformingClient) -> None:
    assert client.get("/healthz").headers["X-Request-ID"] != client.get("/healthz").headers["X-Request-ID"]


@pytest.mark.parametrize(
    "path",
    ["/problems/", "/v1", "/v2/orders", "/v1/orders/", "/V1/orders", "/v1//orders", "/v1/inventory/A%2FB", "/x"],
)
def test_an_unknown_path_is_not_found(client: ConformingClient, path: str) -> None:
    refused(client.get("/", environ_overrides={"PATH_INFO": path.replace("%2F", "/")}), 404, "route_not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/orders", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("PUT", "/v1/orders/x", {"GET", "HEAD", "OPTIONS", "PATCH"}),
        ("POST", "/v1/orders/x/lines", {"OPTIONS", "PATCH"}),
        ("GET", "/v1/orders/x/status", {"OPTIONS", "PUT"}),
        ("POST", "/v1/inventory/X", {"DELETE", "GET", "HEAD", "OPTIONS", "PUT"}),
        ("GET", "/v1/orders/x/retry", {"OPTIONS", "POST"}),
        ("POST", "/v1/queue", {"GET", "HEAD", "OPTIONS"}),
        ("DELETE", "/v1/queue/dead", {"GET", "HEAD", "OPTIONS"}),
        ("POST", "/healthz", {"GET", "HEAD", "OPTIONS"}),
        ("BREW", "/v1/orders", {"GET", "HEAD", "OPTIONS", "POST"}),
    ],
)
def test_another_method_is_refused_with_those_that_are_allowed(
    client: ConformingClient, method: str, path: str, allowed: set[str]
) -> None:
    response = client.open(path, method=method)
    refused(response, 405, "method_not_allowed")
    assert set(response.allow) == allowed


def test_options_lists_the_methods(client: ConformingClient) -> None:
    response = client.options("/v1/orders")
    assert (response.status_code, response.data, set(response.allow)) == (204, b"", {"GET", "HEAD", "OPTIONS", "POST"})
    assert "Content-Type" not in response.headers


def test_head_answers_as_get_without_the_body(client: ConformingClient) -> None:
    stock(client)
    for path in ("/v1/orders", "/v1/inventory/WIDGET", "/healthz", "/docs", "/nowhere"):
        head, get = client.head(path), client.get(path)
        assert (head.status_code, head.data) == (get.status_code, b"")
        assert head.headers["Content-Type"] == get.headers["Content-Type"]
        assert head.headers["Content-Length"] == str(len(get.data))


def test_an_upgrade_is_ignored(client: ConformingClient) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
    assert client.get("/v1/orders", headers=headers).status_code == 200


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:1", "x.localhost:99999"])
def test_the_host_header_is_not_trusted_with_anything(client: ConformingClient, host: str) -> None:
    response = client.put("/v1/inventory/A", json={"on_hand": 1}, headers={"Host": host})
    assert response.headers["Location"] == "/v1/inventory/A"


class BrokenStorage(MemoryStorage):
    """A storage with a defect: its orders cannot be read."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    @property
    def orders(self) -> Any:
        raise self.error

    @orders.setter
    def orders(self, orders: object) -> None:
        """Forget them."""


def broken(error: Exception) -> ConformingClient:
    settings = Settings(database_url="memory://", group_commit=False)
    system = Oms(settings=settings, ports=Ports(storage=BrokenStorage(error), metrics=CountingMetrics()))
    return client_of(conforming(system))


def test_a_defect_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    client = broken(ZeroDivisionError("secret"))
    with caplog.at_level(logging.ERROR):
        response = client.get("/v1/orders", headers={"X-Request-ID": "R1"})
    refused(response, 500, "internal_error")
    assert b"secret" not in response.data
    assert b"ZeroDivision" not in response.data
    (record,) = caplog.records
    assert "R1" in record.getMessage()
    assert "ZeroDivisionError: secret" in caplog.text


def test_a_path_cannot_forge_a_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    request = Request(EnvironBuilder("/v1/orders/x%0AERROR%20forged").get_environ())
    with caplog.at_level(logging.ERROR):
        answer_bug(ZeroDivisionError(), request)
    assert "ERROR forged" in caplog.text
    assert "\nERROR forged" not in caplog.text


@pytest.mark.parametrize(
    ("code", "seconds", "retry_after"),
    [("storage_unavailable", None, "1"), ("overloaded", 3, "3"), ("outcome_unknown", 7, "7")],
)
def test_what_passes_says_when_to_come_again(code: str, seconds: int | None, retry_after: str) -> None:
    response = broken(OmsError(code, "away", retry_after_seconds=seconds)).post("/v1/orders", json=order())
    refused(response, 503, code)
    assert response.headers["Retry-After"] == retry_after


def test_requests_are_counted_by_route_and_never_by_path(client: ConformingClient, metrics: CountingMetrics) -> None:
    stock(client)
    place(client)
    client.get("/v1/inventory/WIDGET")
    client.get("/v1/inventory/GHOST")
    client.get("/nowhere/1")
    client.get("/nowhere/2")
    client.open("/v1/orders", method="BREW")
    assert metrics.counted == {
        ("PUT", "/v1/inventory/<sku>", "201"): 1,
        ("POST", "/v1/orders", "201"): 1,
        ("GET", "/v1/inventory/<sku>", "200"): 1,
        ("GET", "/v1/inventory/<sku>", "404"): 1,
        ("GET", "unmatched", "404"): 2,
        ("other", "unmatched", "405"): 1,
    }
    assert ("POST", "/v1/orders") in metrics.observed
    assert len(metrics.observed) == 7


def test_what_the_server_refuses_itself_is_counted_apart(metrics: CountingMetrics) -> None:
    count_refusal(metrics, "POST", 503)
    count_refusal(metrics, "BREW", 413)
    assert metrics.counted == {("POST", "refused", "503"): 1, ("other", "refused", "413"): 1}


def test_metrics_are_shown(client: ConformingClient) -> None:
    response = client.get("/metrics")
    assert (response.data, response.headers["Content-Type"]) == (b"oms_orders 1\n", "text/plain; version=0.0.4")
