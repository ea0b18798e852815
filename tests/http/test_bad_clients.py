"""Clients that are slow, half-open, or too many, over TCP and TLS: the others are answered, and these are cut off."""

from __future__ import annotations

import contextlib
import resource
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped, unused-ignore]
import pytest

from tests.http.server_process import ToyServer, answer_on, request, running
from tests.services.certificates import Certificate
from tests.services.waiting import wait_until

AT_ONCE_SECONDS = 1.0
CUT_OFF_SECONDS = 20.0
HALF_HEAD = b"POST / HTTP/1.1\r\nHost: to"
HALF_BODY = b"POST / HTTP/1.1\r\nHost: toy\r\nContent-Length: 10\r\n\r\nhalf"
BAD_EACH = 40
HELD = 20

Start = Callable[..., ToyServer]


@pytest.fixture(params=["tcp", "tls"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    """Start toy services with options, once over plain TCP and once over TLS."""
    given = {"tls": request.getfixturevalue("certificate")} if request.param == "tls" else {}
    with contextlib.ExitStack() as servers:

        def start(**options: Any) -> ToyServer:
            return servers.enter_context(running(tmp_path, **given, **options))

        yield start


def is_cut_off(connection: socket.socket) -> bool:
    """Tell whether the server has ended a connection, reading away what it said before."""
    connection.setblocking(False)
    try:
        while connection.recv(65_536):
            pass
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True
    return True


def check_that_it_answers(server: ToyServer) -> None:
    started = time.monotonic()
    assert [server.ask("/", method="POST", body=b"whole").status for _ in range(10)] == [200] * 10
    assert time.monotonic() - started < AT_ONCE_SECONDS


def test_slow_heads_and_bodies_stop_nobody_and_are_cut_off(start: Start) -> None:
    server = start(threads=2, head_timeout_seconds=3, body_timeout_seconds=3)
    with contextlib.ExitStack() as connections:
        bad = [connections.enter_context(server.send(half)) for half in [HALF_HEAD, HALF_BODY, b""] * BAD_EACH]
        check_that_it_answers(server)
        wait_until(lambda: all(map(is_cut_off, bad)), CUT_OFF_SECONDS, "the deadline has cut all of them off")
    check_that_it_answers(server)


@pytest.mark.parametrize("sent", [HALF_HEAD + b"y\r\nX-Slow: ", HALF_BODY[:-4]], ids=["head", "body"])
def test_a_byte_now_and_then_does_not_move_the_deadline(start: Start, sent: bytes) -> None:
    server = start(threads=1, head_timeout_seconds=2, body_timeout_seconds=2)
    with server.send(sent) as slow:
        started = time.monotonic()

        def is_over() -> bool:
            with contextlib.suppress(OSError):
                slow.setblocking(True)
                slow.send(b"x") if time.monotonic() - started < CUT_OFF_SECONDS / 2 else None
            return is_cut_off(slow)

        slow.settimeout(CUT_OFF_SECONDS)
        wait_until(is_over, CUT_OFF_SECONDS, "it is cut off while it still sends")
        assert time.monotonic() - started < CUT_OFF_SECONDS / 2
    check_that_it_answers(server)


def test_half_handshakes_stop_nobody_and_are_cut_off(certificate: Certificate, tmp_path: Path) -> None:
    with running(tmp_path, tls=certificate, threads=2) as server, contextlib.ExitStack() as connections:
        hello = first_bytes_of_a_handshake()
        bad = []
        for sent in [b"", hello[:1], hello[:-1], hello] * BAD_EACH:
            connection = connections.enter_context(server.reach())
            connection.sendall(sent)
            bad.append(connection)
        check_that_it_answers(server)
        wait_until(lambda: all(map(is_cut_off, bad)), CUT_OFF_SECONDS, "granian's 10 s for a handshake are over")
        check_that_it_answers(server)


def first_bytes_of_a_handshake() -> bytes:
    outgoing = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/1.1\r\nHost: toy\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 100, b"\0" * 9000]
)
def test_what_is_no_tls_is_turned_away(certificate: Certificate, tmp_path: Path, sent: bytes) -> None:
    with running(tmp_path, tls=certificate, threads=2) as server:
        with server.reach() as connection:
            connection.sendall(sent)
            wait_until(lambda: is_cut_off(connection), CUT_OFF_SECONDS, "it is cut off")
        check_that_it_answers(server)


def test_a_client_that_sends_on_and_on_without_reading_holds_no_thread(start: Start) -> None:
    server = start(threads=1, send_timeout_seconds=1)
    with server.connect() as greedy:
        greedy.settimeout(1.0)
        with contextlib.suppress(OSError):  # Until neither side takes any more.
            while True:
                greedy.sendall(request("/stream?1") * 100)
        check_that_it_answers(server)
        process = psutil.Process(server.ask("/").json["pid"])
        wait_until(lambda: not connections(process, server), CUT_OFF_SECONDS, "who takes nothing is cut off")
    check_that_it_answers(server)


def connections(process: psutil.Process, server: ToyServer) -> list[Any]:
    """List the connections that the service holds open, seen from its side."""
    return [one for one in process.net_connections(kind="tcp") if one.laddr.port == server.port and one.raddr]


def test_connections_past_the_bound_wait_until_others_end(tmp_path: Path) -> None:
    with running(tmp_path, threads=2, connections_max=HELD) as server, contextlib.ExitStack() as connections:
        held = [connections.enter_context(server.connect()) for _ in range(HELD)]
        late = connections.enter_context(server.send(request("/")))
        late.settimeout(AT_ONCE_SECONDS)
        with pytest.raises(TimeoutError):
            late.recv(1, socket.MSG_PEEK)
        held[0].close()
        late.settimeout(CUT_OFF_SECONDS)
        assert answer_on(late).status == 200


def test_who_holds_all_connections_and_asks_nothing_loses_them(start: Start) -> None:
    server = start(threads=2, connections_max=HELD, head_timeout_seconds=2)
    with contextlib.ExitStack() as connections:
        held = [connections.enter_context(server.connect()) for _ in range(HELD)]
        check_that_one_is_answered(server)
        wait_until(lambda: all(map(is_cut_off, held)), CUT_OFF_SECONDS, "the deadline has cut all of them off")
        check_that_it_answers(server)


def check_that_one_is_answered(server: ToyServer) -> None:
    with server.connect() as connection:
        connection.sendall(request("/"))
        assert answer_on(connection).status == 200


def test_over_tls_a_process_takes_all_the_files_that_it_may(certificate: Certificate, tmp_path: Path) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with running(tmp_path, tls=certificate, threads=2, connections_max=50, files_max=hard // 2) as server:
        worker = psutil.Process(server.ask("/").json["pid"])
        assert worker.rlimit(psutil.RLIMIT_NOFILE) == (hard, hard), "nothing else bounds the handshakes"
