"""The server's bounds: slow clients, full processes, large bodies, large answers."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped, unused-ignore]
import pytest

from oms_http.edge.answer_headers import NAMES
from oms_http.server import ServerOptions
from oms_http.server.bridge import HOLD_SECONDS
from tests.http.server_process import THREADS_AND_BATCHES, ToyServer, answer_on, request, running
from tests.services.waiting import wait_until

MEBIBYTE = 1024 * 1024
HALF_HEAD = b"POST / HTTP/1.1\r\nHost: to"
HALF_BODY = b"POST / HTTP/1.1\r\nHost: toy\r\nContent-Length: 10\r\n\r\nhalf"
AT_ONCE_SECONDS = 1.0

Start = Callable[..., ToyServer]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with contextlib.ExitStack() as servers:

        def start(**options: Any) -> ToyServer:
            return servers.enter_context(running(tmp_path, **options))

        yield start


@pytest.fixture(scope="module", params=THREADS_AND_BATCHES)
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[ToyServer]:
    with running(tmp_path_factory.mktemp("server"), opens=request.param, threads=4, in_flight_max=64) as toy:
        yield toy


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToyServer]:
    folder = tmp_path_factory.mktemp("impatient")
    with running(folder, threads=1, body_timeout_seconds=0.3, head_timeout_seconds=0.3) as toy:
        yield toy


def memory_bytes(server: ToyServer) -> int:
    return int(psutil.Process(server.ask("/").json["pid"]).memory_info().rss)


def test_a_hundred_half_sent_heads_and_bodies_hold_no_thread(server: ToyServer) -> None:
    with contextlib.ExitStack() as connections:
        for half in [HALF_HEAD, HALF_BODY] * 100:
            connections.enter_context(server.send(half))
        started = time.monotonic()
        statuses = [server.ask("/", method="POST", body=b"whole").status for _ in range(20)]
        assert statuses == [200] * 20
        assert time.monotonic() - started < AT_ONCE_SECONDS


def test_past_the_in_flight_limit_requests_are_refused_at_once(start: Start) -> None:
    server = start(threads=2, in_flight_max=3)
    with contextlib.ExitStack() as connections:
        held = [connections.enter_context(server.send(request("/?hold"))) for _ in range(3)]
        server.wait_for("HELD", times=2)
        answer = wait_until(lambda: refusal(server), 5, "the third request waits and the fourth is refused")
        assert answer.headers["retry-after"] == "7"
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.json["code"], answer.json["retry"]) == ("overloaded", "same_key")
        started = time.monotonic()
        assert server.ask("/", method="POST", body=b"small").status == 503
        assert server.ask("/", method="POST", body=b"x" * 500_000).status == 503
        assert time.monotonic() - started < AT_ONCE_SECONDS
        server.wait_for("REFUSED POST 503", times=2)
        assert server.ask("/gate").status == 200, "a probe has a thread of its own"
        assert [answer_on(connection).status for connection in held] == [200] * 3
    assert server.ask("/").status == 200


def test_pools_of_their_own_and_the_event_loop_answer_when_every_other_is_full(start: Start) -> None:
    server = start(threads=1, in_flight_max=1)
    with contextlib.ExitStack() as connections:
        ordinary = connections.enter_context(server.send(request("/?hold")))
        crowd = [connections.enter_context(server.send(request("/few?hold"))) for _ in range(40)]
        server.wait_for("HELD", times=2)
        server.wait_for("REFUSED GET 503", times=38)
        assert server.ask("/few").status == server.ask("/").status == 503
        assert [server.ask("/healthz").status for _ in range(3)] == [200] * 3
        assert server.ask("/gate").status == 200, "it waits neither behind the few nor behind the rest"
        assert answer_on(ordinary).status == 200
        assert sorted(answer_on(connection).status for connection in crowd) == [200] * 2 + [503] * 38


def test_who_asks_again_at_once_after_a_429_waits_for_the_next_one(server: ToyServer) -> None:
    started = time.monotonic()
    assert [server.ask("/limited").status for _ in range(5)] == [429] * 5
    assert time.monotonic() - started >= 5 * HOLD_SECONDS[429]


def test_probes_are_never_refused_for_want_of_places() -> None:
    options = ServerOptions()
    assert options.own_pools["/readyz"].places >= options.connections_max
    assert options.own_pools["/metrics"].rest_seconds > 0, "rendering leaves time for the rest"
    assert options.immediate_paths == {"/healthz"}


def refusal(server: ToyServer) -> Any:
    answer = server.ask("/")
    return answer if answer.status == 503 else None


def test_a_refused_connection_is_kept_for_the_next_try(start: Start) -> None:
    server = start(threads=1, in_flight_max=1)
    with server.send(request("/?hold")) as held, server.connect() as connection:
        server.wait_for("HELD")
        for _ in range(3):
            connection.sendall(request("/", method="POST", body=b"small"))
            assert answer_on(connection).status == 503
        server.ask("/gate")
        assert answer_on(held).status == 200
        connection.sendall(request("/", method="POST", body=b"small"))
        assert answer_on(connection).status == 200


def test_a_full_process_refuses_before_the_body_is_there(start: Start) -> None:
    server = start(threads=1, in_flight_max=1)
    head = request("/", method="POST", fields="Content-Length: 500000\r\n")
    with server.send(request("/?hold")) as held, server.connect() as connection:
        server.wait_for("HELD")
        started = time.monotonic()
        connection.sendall(head)
        assert answer_on(connection).status == 503
        assert time.monotonic() - started < AT_ONCE_SECONDS
        server.ask("/gate")
        assert answer_on(held).status == 200


def test_a_client_that_goes_away_frees_its_place(start: Start) -> None:
    server = start(threads=1, in_flight_max=1)
    server.send(request("/?hold")).close()
    server.wait_for("HELD")
    assert server.ask("/").status == 503
    server.ask("/gate")
    wait_until(lambda: server.ask("/").status == 200, 5, "the place is free")


@pytest.mark.parametrize("chunked", [False, True])
def test_an_oversized_body_is_refused_even_to_a_client_that_only_writes(server: ToyServer, chunked: bool) -> None:
    body = b"x" * (20 * MEBIBYTE)
    if chunked:
        fields, body = "Transfer-Encoding: chunked\r\n", b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    else:
        fields = f"Content-Length: {len(body)}\r\n"
    answer = answer_on(server.send(request("/", method="POST", body=body, fields=fields)))
    assert (answer.status, answer.json["code"]) == (413, "payload_too_large")
    assert str(MEBIBYTE) in answer.json["detail"]
    assert answer.headers["connection"] == "close"


def test_a_body_of_exactly_the_limit_is_taken(server: ToyServer) -> None:
    assert server.ask("/", method="POST", body=b"x" * MEBIBYTE).json["received"] == MEBIBYTE
    assert server.ask("/", method="POST", body=b"x" * (MEBIBYTE + 1)).status == 413


def test_a_spooled_body_costs_no_memory(server: ToyServer) -> None:
    before = memory_bytes(server)
    shown = server.ask("/import", method="POST", body=b"x" * (64 * MEBIBYTE)).json
    assert (shown["received"], shown["CONTENT_LENGTH"]) == (64 * MEBIBYTE, str(64 * MEBIBYTE))
    assert shown["input"] == "BufferedRandom"
    assert memory_bytes(server) - before < 24 * MEBIBYTE


def test_a_spooled_body_has_a_limit_too(server: ToyServer) -> None:
    fields = f"Content-Length: {101 * MEBIBYTE}\r\n"
    answer = answer_on(server.send(request("/import", method="POST", fields=fields)))
    assert answer.status == 413


def test_only_so_many_bodies_are_spooled_at_a_time(start: Start) -> None:
    server = start(threads=2, spools_max=1)
    with server.send(request("/import?hold", method="POST", body=b"abc")) as first:
        server.wait_for("HELD")
        refused = server.ask("/import", method="POST", body=b"abc")
        assert (refused.status, refused.json["code"], refused.headers["retry-after"]) == (503, "overloaded", "7")
        server.ask("/gate")
        assert answer_on(first).json["received"] == 3
    wait_until(lambda: server.ask("/import", method="POST", body=b"abc").status == 200, 5, "the place is free")


def test_large_bodies_share_a_budget_of_memory_and_small_ones_need_none(start: Start) -> None:
    server = start(threads=2, bodies_bytes_max=150_000)
    large = b"x" * 100_000
    with server.send(request("/?hold", method="POST", body=large)) as first:
        server.wait_for("HELD")
        refused = server.ask("/", method="POST", body=large)
        assert (refused.status, refused.json["code"], refused.headers["retry-after"]) == (503, "overloaded", "7")
        assert server.ask("/", method="POST", body=b"small").status == 200
        server.ask("/gate")
        assert answer_on(first).json["received"] == 100_000
    wait_until(lambda: server.ask("/", method="POST", body=large).status == 200, 5, "the budget is free")


@pytest.mark.parametrize("path", ["/", "/import"])
@pytest.mark.parametrize("announced", [10, 100_000])
def test_a_body_that_does_not_arrive_in_time_is_given_up(impatient: ToyServer, path: str, announced: int) -> None:
    half = request(path, method="POST", fields=f"Content-Length: {announced}\r\n") + b"half"
    answer = answer_on(impatient.send(half))
    assert (answer.status, answer.json["code"]) == (408, "request_timeout")
    assert answer.headers["connection"] == "close"


def test_a_head_that_does_not_arrive_in_time_is_given_up(impatient: ToyServer) -> None:
    assert impatient.send(HALF_HEAD).recv(100) == b""


def test_a_slow_reader_holds_no_thread_and_its_memory_until_it_has_gone(start: Start) -> None:
    server = start(threads=1)
    before = memory_bytes(server)
    with server.send(request("/stream?64")) as slow:
        assert slow.recv(100).startswith(b"HTTP/1.1 200 ")
        assert server.ask("/").status == 200, "the only thread is free"
    wait_until(lambda: memory_bytes(server) - before < 24 * MEBIBYTE, 5, "its memory is free")


def test_a_streamed_answer_arrives_whole_and_with_its_length(server: ToyServer) -> None:
    answer = server.ask("/stream?5")
    assert answer.headers["content-length"] == str(5 * MEBIBYTE)
    assert answer.body == b"".join(bytes([number]) * MEBIBYTE for number in range(5))


def test_an_answer_larger_than_any_may_be_is_a_failure(start: Start) -> None:
    server = start(threads=1, answer_bytes_max=3 * MEBIBYTE)
    assert server.ask("/stream?3").status == 200
    assert server.ask("/stream?4").status == 500


def test_a_url_of_exactly_the_limit_is_taken_and_a_longer_one_refused(server: ToyServer) -> None:
    assert server.ask("/" + "x" * 8191).status == 200
    for path in ("/" + "x" * 8192, "/?" + "x" * 8192, "/x?" + "%41" * 3000):
        answer = answer_on(server.send(request(path)))
        assert (answer.status, answer.json["code"], answer.headers["connection"]) == (414, "uri_too_long", "close")


def test_a_hundred_headers_are_taken_and_more_are_refused(server: ToyServer) -> None:
    assert answer_on(server.send(request("/", fields="X-A: 1\r\n" * 99))).status == 200
    assert answer_on(server.send(request("/", fields="X-A: 1\r\n" * 100))).status == 431


def test_a_large_head_is_taken_up_to_its_limit(server: ToyServer) -> None:
    assert answer_on(server.send(request("/", fields=f"X-A: {'x' * 60_000}\r\n"))).status == 200
    assert answer_on(server.send(request("/", fields=f"X-A: {'x' * 140_000}\r\n"))).status == 431


def test_what_the_server_refuses_itself_carries_the_headers_for_browsers(server: ToyServer) -> None:
    answer = server.ask("/", method="POST", body=b"x" * (MEBIBYTE + 1))
    assert answer.status == 413
    for name, value in NAMES.items():
        assert answer.headers[name.lower()] == value
    failed = server.ask("/fail")
    assert (failed.status, failed.headers["x-content-type-options"]) == (500, "nosniff")
