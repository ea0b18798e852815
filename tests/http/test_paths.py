"""One reading of a path: what chooses threads and bounds reads it as routing does, and no other spelling is served."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from werkzeug.test import Client

from oms_core.ports.metrics import NoMetrics
from oms_http.service.metrics_app import metrics_app
from tests.http.asking import refused
from tests.http.conformance import ConformingClient
from tests.http.server_process import ToyServer, answer_on, request, running
from tests.services.waiting import wait_until

THREADS = 2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToyServer]:
    with running(tmp_path_factory.mktemp("server"), threads=THREADS, in_flight_max=THREADS) as toy:
        yield toy


@pytest.mark.parametrize(
    "path",
    [
        "//v1/orders",
        "///v1/keys",
        "//metrics",
        "//healthz",
        "//docs",
        "//docs/start.js",
        "/docs//start.js",
        "//problems/forbidden",
        "/v1/orders//",
        "/v1/orders/",
        "/v1/./orders",
        "/v1/x/../orders",
        "/v1/orders;x",
        "/v1/orders?x",
        "/v1/orders%2F",
        "/V1/orders",
        "/v1/orders\x00",
        "/\\v1\\orders",
        "/ v1/orders",
    ],
)
def test_another_spelling_of_a_path_is_another_path_and_no_route(client: ConformingClient, path: str) -> None:
    refused(client.get("/", environ_overrides={"PATH_INFO": path}), 404, "route_not_found")


@pytest.mark.parametrize("path", ["//metrics", "/metrics/", "/"])
def test_the_listener_of_metrics_reads_paths_as_strictly(path: str) -> None:
    client = Client(metrics_app(NoMetrics()))
    assert client.get("/metrics").status_code == 200
    assert client.get("/", environ_overrides={"PATH_INFO": path}).status_code == 404


@pytest.mark.parametrize(
    "target",
    ["//gate", "///gate", "/%2Fgate", "/%2fgate", "http://toy//gate", "http://toy/%2Fgate", "/a//b", "//?hold", "//"],
)
def test_a_path_with_an_empty_segment_is_refused_before_a_thread_is_taken(server: ToyServer, target: str) -> None:
    answer = answer_on(server.send(request(target)))
    assert (answer.status, answer.json["code"]) == (404, "route_not_found")
    assert answer.headers["connection"] == "close"
    assert not server.said("HELD")


def test_such_a_path_has_the_body_limit_of_no_other(server: ToyServer) -> None:
    fields = "Content-Length: 90000000\r\n"
    assert answer_on(server.send(request("/%2Fimport", method="POST", fields=fields))).status == 404
    assert answer_on(server.send(request("//import", method="POST", fields=fields))).status == 404


@pytest.mark.parametrize("target", ["/import/", "/./import", "/x/../import", "/import;x", "/Import", "/import%3Fx"])
def test_a_path_that_only_resembles_one_has_the_ordinary_bounds(server: ToyServer, target: str) -> None:
    fields = "Content-Length: 90000000\r\n"
    assert answer_on(server.send(request(target, method="POST", fields=fields))).status == 413


def test_escapes_and_the_absolute_form_name_the_same_path_to_everyone(server: ToyServer) -> None:
    with contextlib.ExitStack() as connections:
        held = [connections.enter_context(server.send(request("/?hold"))) for _ in range(THREADS)]
        server.wait_for("HELD", times=THREADS)
        wait_until(lambda: server.ask("/").status == 503, 5, "the ordinary pool is full")
        for target in ("/%68ealthz", "/health%7A", "/health%7a", "http://toy/healthz", "/healthz?x"):
            answer = answer_on(server.send(request(target)))
            assert (answer.status, answer.json["PATH_INFO"]) == (200, "/healthz")
        assert answer_on(server.send(request("/%67ate"))).status == 200
        assert [answer_on(connection).status for connection in held] == [200] * THREADS
