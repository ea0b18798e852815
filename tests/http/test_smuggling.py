"""Requests that two servers could read differently: each is refused or read rightly, and none hides a second one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.http.server_process import THREADS_AND_BATCHES, ToyServer, answer_on, request, running

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: toy\r\nConnection: close\r\n\r\n"
POST = "POST / HTTP/1.1\r\nHost: toy\r\n"
CHUNKED = POST + "Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module", params=THREADS_AND_BATCHES)
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[ToyServer]:
    options = {"head_timeout_seconds": 2, "body_timeout_seconds": 2}
    with running(tmp_path_factory.mktemp("server"), opens=request.param, threads=4, in_flight_max=64, **options) as toy:
        yield toy


def statuses(received: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received)]


def all_of(server: ToyServer, sent: bytes) -> bytes:
    """Send bytes and give everything that comes back until the server ends the connection."""
    with server.send(sent) as connection, connection.makefile("rb") as received:
        return received.read()


@pytest.mark.parametrize(
    "head",
    [
        pytest.param("Content-Length: 4\r\nContent-Length: 5\r\n\r\n", id="two lengths"),
        pytest.param("Content-Length: 3, 3\r\n\r\n", id="a list of lengths"),
        pytest.param("Content-Length: +3\r\n\r\n", id="a length with a sign"),
        pytest.param("Content-Length: 0x3\r\n\r\n", id="a length in hex"),
        pytest.param("Content-Length: 3 3\r\n\r\n", id="a length with a space"),
        pytest.param("Content-Length: \r\n\r\n", id="no length in the length"),
        pytest.param("Content-Length: 99999999999999999999999\r\n\r\n", id="a length beyond counting"),
        pytest.param("Content-Length : 3\r\n\r\n", id="a space before the colon"),
        pytest.param("Transfer-Encoding: identity\r\n\r\n", id="identity"),
        pytest.param("Transfer-Encoding: xchunked\r\n\r\n", id="almost chunked"),
        pytest.param("Transfer-Encoding: \x0bchunked\r\n\r\n", id="chunked after a control character"),
        pytest.param("Transfer-Encoding: chunked, identity\r\n\r\n", id="chunked is not last"),
        pytest.param(
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", id="chunked is not last of two"
        ),
        pytest.param("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", id="another coding below"),
        pytest.param("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="chunked twice"),
        pytest.param("X-A: 1\r\n 2\r\n\r\n", id="a folded header"),
        pytest.param(" X-A: 1\r\n\r\n", id="a space before the first header"),
        pytest.param("X-A: a\rX-B: b\r\n\r\n", id="a bare CR"),
        pytest.param("X-A: a\0b\r\n\r\n", id="NUL in a value"),
        pytest.param("X\0A: b\r\n\r\n", id="NUL in a name"),
        pytest.param("X-A: a\x01b\r\n\r\n", id="a control character"),
        pytest.param("X-A\r\n\r\n", id="no colon"),
        pytest.param("Host: other\r\n\r\n", id="a second Host"),
    ],
)
def test_an_ambiguous_head_is_refused_and_ends_the_connection(server: ToyServer, head: str) -> None:
    (status,) = statuses(all_of(server, (POST + head).encode() + HIDDEN))
    assert status in {400, 422}
    assert not server.said("/hidden")


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param("zz\r\nabc\r\n0\r\n\r\n", id="no number"),
        pytest.param("-3\r\nabc\r\n0\r\n\r\n", id="negative"),
        pytest.param("0x3\r\nabc\r\n0\r\n\r\n", id="prefixed"),
        pytest.param("fffffffffffffffff\r\nabc\r\n0\r\n\r\n", id="beyond counting"),
        pytest.param("3\nabc\n0\n\n", id="bare LF"),
        pytest.param("3;a\nabc\r\n0\r\n\r\n", id="bare LF in an extension"),
        pytest.param("3\r\nabcXX0\r\n\r\n", id="longer than it says"),
        pytest.param("3\r\nabc\r\n\r\n", id="no size"),
        pytest.param("3\r\nabc\r\n0\r\nX-A: 1\r\n\r\n", id="trailers"),
    ],
)
def test_a_bad_chunk_is_refused_and_ends_the_connection(server: ToyServer, chunks: str) -> None:
    (status,) = statuses(all_of(server, (CHUNKED + chunks).encode() + HIDDEN))
    assert status == 422


@pytest.mark.parametrize(
    "head",
    [
        pytest.param("GET / HTTP/1.1\r\n\r\n", id="no Host"),
        pytest.param("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", id="a Host with a space"),
        pytest.param("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", id="a Host with a path"),
        pytest.param("GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", id="a Host with a user"),
        pytest.param("GET other:80 HTTP/1.1\r\nHost: toy\r\n\r\n", id="an authority for a target"),
        pytest.param("CONNECT other:80 HTTP/1.1\r\nHost: other:80\r\n\r\n", id="CONNECT"),
        pytest.param("GET * HTTP/1.1\r\nHost: toy\r\n\r\n", id="a star"),
    ],
)
def test_a_target_or_a_host_that_is_none_is_refused_and_ends_the_connection(server: ToyServer, head: str) -> None:
    received = all_of(server, head.encode() + HIDDEN)
    assert statuses(received) == [422]
    assert b"validation_error" in received


@pytest.mark.parametrize("method", ["get", "Get", "delete"])
def test_a_method_in_small_letters_is_refused_and_not_read_as_the_one_in_capitals(
    server: ToyServer, method: str
) -> None:
    received = all_of(server, f"{method} / HTTP/1.1\r\nHost: toy\r\n\r\n".encode() + HIDDEN)
    assert statuses(received) == [422]


@pytest.mark.parametrize(
    "line",
    [
        "GET /",
        "GET / HTTP/1.2",
        "GET / HTTP/2.0",
        "GET\t/\tHTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET /\0 HTTP/1.1",
        " GET / HTTP/1.1",
    ],
)
def test_a_request_line_that_is_none_is_refused(server: ToyServer, line: str) -> None:
    assert statuses(all_of(server, f"{line}\r\nHost: toy\r\n\r\n".encode() + HIDDEN)) == [400]


def test_an_upgrade_to_http_2_is_ignored_and_its_own_greeting_is_not_understood(server: ToyServer) -> None:
    upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    assert answer_on(server.send(request("/", fields=upgrade))).json["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert statuses(all_of(server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HIDDEN)) in ([], [400])


def test_a_websocket_is_not_opened(server: ToyServer) -> None:
    fields = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    fields += "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
    assert answer_on(server.send(request("/", fields=fields))).status == 200


def test_a_target_with_a_host_is_its_path(server: ToyServer) -> None:
    shown = answer_on(server.send(request("http://other/a?b=1"))).json
    assert (shown["PATH_INFO"], shown["QUERY_STRING"], shown["HTTP_HOST"]) == ("/a", "b=1", "toy")


def test_lines_may_end_without_cr_as_http_lets_them(server: ToyServer) -> None:
    shown = answer_on(server.send(b"POST / HTTP/1.1\nHost: toy\nContent-Length: 3\n\nabc")).json
    assert (shown["received"], shown["HTTP_HOST"]) == (3, "toy")


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_where_none_is_expected_is_no_request(server: ToyServer, method: str, chunked: bool) -> None:
    fields, body = f"Content-Length: {len(HIDDEN)}\r\n", HIDDEN
    if chunked:
        fields, body = "Transfer-Encoding: chunked\r\n", b"%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)
    last = request("/last", fields="Connection: close\r\n")
    received = all_of(server, request("/", method=method, fields=fields) + body + last)
    assert statuses(received) == [200, 200]
    assert b'"PATH_INFO": "/last"' in received
    assert b"/hidden" not in received


@pytest.mark.parametrize(
    "fields",
    ["Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"],
)
def test_chunks_go_over_a_length_and_end_the_connection(server: ToyServer, fields: str) -> None:
    received = all_of(server, f"{POST}{fields}\r\n0\r\n\r\n".encode() + HIDDEN)
    assert statuses(received) == [200]
    assert b'"received": 0' in received


def test_the_same_length_twice_is_one(server: ToyServer) -> None:
    received = all_of(server, f"{POST}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc".encode() + HIDDEN)
    assert statuses(received) == [200, 200]
    assert b'"received": 3' in received


def test_an_http_1_0_connection_ends_after_its_answer_and_has_no_chunks(server: ToyServer) -> None:
    assert statuses(all_of(server, b"GET / HTTP/1.0\r\n\r\n" + HIDDEN)) == [200]
    chunked = b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert statuses(all_of(server, chunked + HIDDEN)) == [400]
