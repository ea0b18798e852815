"""What the application gets from the server, and what the client gets back, one request at a time."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator

import pytest

from tests.http.server_process import THREADS_AND_BATCHES, ToyServer, answer_on, request, running

HEX_ID = re.compile(r"[0-9a-f]{32}").fullmatch


@pytest.fixture(scope="module", params=THREADS_AND_BATCHES)
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[ToyServer]:
    with running(tmp_path_factory.mktemp("server"), opens=request.param, threads=4, in_flight_max=64) as toy:
        yield toy


def test_requests_share_a_thread_where_the_service_says_so(server: ToyServer, request: pytest.FixtureRequest) -> None:
    opens = request.node.callspec.params["server"]
    assert (server.ask("/").json["thread"] == "oms-http-batches") == (opens == "in batches")


def test_the_environ_describes_the_request(server: ToyServer) -> None:
    environ = server.ask("/orders?status=pending", method="POST", body=b"{}", Content_Type="application/json").json
    expected = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/orders",
        "QUERY_STRING": "status=pending",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": "2",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(server.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": f"127.0.0.1:{server.port}",
        "wsgi.url_scheme": "http",
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "oms.draining": False,
    }
    assert {key: environ.get(key) for key in expected} == expected


def test_a_percent_encoded_path_arrives_as_bytes_in_latin_1(server: ToyServer) -> None:
    environ = server.ask("/caf%C3%A9%20%e2%82%ac?q=%C3%A9").json
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/café €"
    assert environ["QUERY_STRING"] == "q=%C3%A9"


def test_a_header_sent_twice_is_joined(server: ToyServer) -> None:
    connection = server.send(request("/", fields="X-A: 1\r\nX-A: 2\r\nCookie: a=1\r\nCookie: b=2\r\n"))
    environ = answer_on(connection).json
    assert (environ["HTTP_X_A"], environ["HTTP_COOKIE"]) == ("1,2", "a=1; b=2")


def test_an_idempotency_key_sent_twice_is_refused_and_not_made_a_third(server: ToyServer) -> None:
    for second in ("q1", "q2"):
        answer = answer_on(server.send(request("/", fields=f"Idempotency-Key: q1\r\nIdempotency-Key: {second}\r\n")))
        assert (answer.status, answer.json["code"]) == (422, "validation_error")
        assert "Idempotency-Key" in answer.json["detail"]


def test_a_header_with_an_underscore_cannot_pass_for_one_with_a_dash(server: ToyServer) -> None:
    connection = server.send(request("/", fields="X_Forwarded_For: 1.2.3.4\r\n"))
    assert "HTTP_X_FORWARDED_FOR" not in answer_on(connection).json


def test_a_header_that_is_not_ascii_is_refused_and_not_ignored(server: ToyServer) -> None:
    connection = server.send(request("/", fields="Idempotency-Key: \xe9\r\n"))
    answer = answer_on(connection)
    assert (answer.status, answer.json["code"]) == (422, "validation_error")
    assert "idempotency-key" in answer.json["detail"]


def test_a_fit_request_id_is_handed_over_and_echoed(server: ToyServer) -> None:
    answer = server.ask("/", X_Request_ID="abc-123")
    assert (answer.json["oms.request_id"], answer.headers["x-request-id"]) == ("abc-123", "abc-123")


@pytest.mark.parametrize("offered", ["two words", "", "x" * 129, "a\tb"])
def test_an_unfit_request_id_is_replaced(server: ToyServer, offered: str) -> None:
    answer = server.ask("/", X_Request_ID=offered)
    assert HEX_ID(answer.headers["x-request-id"])
    assert answer.json["oms.request_id"] == answer.headers["x-request-id"]


def test_a_chunked_body_arrives_whole_and_with_its_length(server: ToyServer) -> None:
    chunks = b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"
    environ = answer_on(server.send(request("/", method="POST", fields="Transfer-Encoding: chunked\r\n") + chunks)).json
    assert (environ["received"], environ["CONTENT_LENGTH"]) == (7, "7")
    assert "HTTP_TRANSFER_ENCODING" not in environ


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", id="a chunked body without its end"),
        pytest.param("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n", id="a chunk whose size is no number"),
        pytest.param("Content-Length: 10\r\n\r\nabc", id="fewer bytes than announced"),
        pytest.param("Content-Length: 100000\r\n\r\nabc", id="far fewer bytes than announced"),
    ],
)
@pytest.mark.parametrize("path", ["/?hold", "/import?hold"])
def test_a_body_that_ends_early_never_reaches_the_application(server: ToyServer, path: str, body: str) -> None:
    connection = server.send(f"POST {path} HTTP/1.1\r\nHost: toy\r\n{body}".encode())
    connection.shutdown(socket.SHUT_WR)
    with connection.makefile("rb") as received:
        assert b"HTTP/1.1 200" not in received.read()
    assert not server.said("HELD")


def test_trailers_are_refused(server: ToyServer) -> None:
    head = request("/?hold", method="POST", fields="Transfer-Encoding: chunked\r\n")
    answer = answer_on(server.send(head + b"0\r\nX-Trailer: 1\r\n\r\n"))
    assert (answer.status, answer.json["code"]) == (422, "validation_error")


def test_a_content_length_that_is_shorter_than_the_body_leaves_a_bad_request(server: ToyServer) -> None:
    connection = server.send(request("/", method="POST", body=b"abcnonsense\r\n\r\n", fields="Content-Length: 3\r\n"))
    with connection.makefile("rb") as lines:
        received = lines.read()
    assert received.count(b"HTTP/1.1 ") == 2
    assert b'"received": 3' in received
    assert b"HTTP/1.1 400 " in received


def test_a_client_that_expects_continue_is_told_to(server: ToyServer) -> None:
    head = request("/", method="POST", fields="Content-Length: 3\r\nExpect: 100-continue\r\n")
    connection = server.send(head)
    assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(b"abc")
    assert answer_on(connection).json["received"] == 3


def test_a_connection_is_kept_for_further_requests(server: ToyServer) -> None:
    connection = server.connect()
    for number in range(3):
        connection.sendall(request(f"/{number}", method="POST", body=b"x" * number))
        answer = answer_on(connection)
        assert (answer.json["PATH_INFO"], answer.json["received"]) == (f"/{number}", number)


def test_pipelined_requests_are_answered_in_order(server: ToyServer) -> None:
    last = request("/last", fields="Connection: close\r\n")
    connection = server.send(request("/first") + request("/second", method="POST", body=b"abc") + last)
    with connection.makefile("rb") as lines:
        received = lines.read().decode()
    assert re.findall(r'"PATH_INFO": "([^"]*)"', received) == ["/first", "/second", "/last"]


def test_head_gets_the_length_and_no_body(server: ToyServer) -> None:
    connection = server.send(request("/", method="HEAD") + request("/after", fields="Connection: close\r\n"))
    with connection.makefile("rb") as lines:
        first, _, rest = lines.read().partition(b"\r\n\r\n")
    assert re.search(rb"\r\ncontent-length: [1-9]", first)
    assert rest.startswith(b"HTTP/1.1 200 ")


def test_head_of_a_large_answer_gets_the_length_and_no_body(server: ToyServer) -> None:
    answer = server.ask("/stream?2", method="HEAD")
    assert (answer.headers["content-length"], answer.body) == (str(2 * 1024 * 1024), b"")


def test_an_http_1_0_client_is_served(server: ToyServer) -> None:
    answer = answer_on(server.send(b"GET / HTTP/1.0\r\n\r\n"))
    assert (answer.status, answer.json["SERVER_PROTOCOL"]) == (200, "HTTP/1.0")


def test_the_answer_names_no_third_party_server(server: ToyServer) -> None:
    assert server.ask("/").headers["server"] == "oms"


def test_a_failure_half_way_is_a_500_without_internals_and_with_a_traceback_in_the_log(server: ToyServer) -> None:
    answer = server.ask("/fail", X_Request_ID="the-failing-one")
    assert answer.status == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json == {
        "type": "/problems/internal_error",
        "title": "A defect in the service",
        "status": 500,
        "detail": answer.json["detail"],
        "code": "internal_error",
        "request_id": "the-failing-one",
        "retry": "same_key",
    }
    assert b"secret" not in answer.body
    server.wait_for("RuntimeError: the secret of the second line")
    assert server.said("request the-failing-one")


def test_a_request_id_with_quotes_leaves_the_problem_readable(server: ToyServer) -> None:
    assert json.loads(server.ask("/fail", X_Request_ID='a"\\b').body)["request_id"] == 'a"\\b'


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("nonsense\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: toy\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: toy\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n" + "X: 1\r\n" * 200 + "\r\n", 431),
        ("GET / HTTP/1.1\r\nX: " + "x" * 200_000 + "\r\n\r\n", 431),
        ("GET /" + "x" * 70_000 + " HTTP/1.1\r\n\r\n", 414),
    ],
)
def test_a_head_that_is_malformed_or_too_large_is_refused(server: ToyServer, head: str, status: int) -> None:
    assert answer_on(server.send(head.encode())).status == status
