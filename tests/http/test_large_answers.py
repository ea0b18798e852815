"""Large answers to slow readers: what they hold is bounded, in no file, and freed when the reader has gone."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]
import pytest

from tests.http.server_process import THREADS_AND_BATCHES, ToyServer, answer_on, request, running
from tests.services.waiting import wait_until

MEBIBYTE = 1024 * 1024
# More than the kernel takes for a reader that takes nothing.
LARGE = 8 * MEBIBYTE

Start = Callable[..., ToyServer]


@pytest.fixture(params=THREADS_AND_BATCHES)
def start(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Start]:
    with contextlib.ExitStack() as servers:
        yield lambda **options: servers.enter_context(running(tmp_path, opens=request.param, **options))


@contextlib.contextmanager
def slow_readers(server: ToyServer, path: str, count: int) -> Iterator[list[socket.socket]]:
    """Ask so often for something large, and take nothing but the first bytes of each answer."""
    with contextlib.ExitStack() as connections:
        readers = [connections.enter_context(server.send(request(path))) for _ in range(count)]
        for reader in readers:
            assert reader.recv(9) == b"HTTP/1.1 "
        yield readers


def process_of(server: ToyServer) -> psutil.Process:
    return psutil.Process(server.ask("/").json["pid"])


def temporary_files(server: ToyServer) -> list[str]:
    """Give the files without a name that the server has open."""
    links = []
    for link in Path(f"/proc/{process_of(server).pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            links.append(str(link.readlink()))
    return [link for link in links if link.endswith(" (deleted)")]


def test_static_answers_to_slow_readers_cost_no_file_and_little_memory(start: Start) -> None:
    server = start(threads=1)
    assert server.ask("/kept").status == 200
    before = process_of(server).memory_info().rss
    with slow_readers(server, "/kept", 40):
        assert not temporary_files(server)
        assert process_of(server).memory_info().rss - before < 40 * MEBIBYTE
    answer = server.ask("/kept")
    assert (answer.body, answer.headers["content-length"]) == (bytes(LARGE), str(LARGE))
    assert server.ask("/kept", method="HEAD").body == b""


def test_only_so_many_static_answers_are_sent_at_a_time(start: Start) -> None:
    server = start(threads=1, static_answers_max=2)
    with slow_readers(server, "/kept", 2):
        refused = server.ask("/kept")
        assert (refused.status, refused.json["code"], refused.headers["retry-after"]) == (503, "overloaded", "7")
        assert server.ask("/").status == 200
    wait_until(lambda: server.ask("/kept").status == 200, 5, "the places are free")
    assert all(server.ask("/kept").body == bytes(LARGE) for _ in range(4))


def test_what_large_answers_hold_together_is_bounded_and_freed_with_their_readers(start: Start) -> None:
    server = start(threads=4, answers_bytes_max=3 * LARGE, answer_wait_seconds=0.1)
    with slow_readers(server, "/stream?8", 3):
        for method, code in (("GET", "overloaded"), ("POST", "outcome_unknown")):
            refused = server.ask("/stream?8", method=method)
            assert (refused.status, refused.json["code"]) == (503, code)
            assert "retry-after" in refused.headers
        assert not temporary_files(server)
        assert server.ask("/").status == 200
    wait_until(lambda: server.ask("/stream?8").status == 200, 5, "there is room again")
    with slow_readers(server, "/stream?8", 3):
        assert server.ask("/stream?8").status == 503


def test_the_number_of_large_answers_is_bounded(start: Start) -> None:
    server = start(threads=2, answers_max=2, answer_wait_seconds=0.1)
    with slow_readers(server, "/stream?8", 2):
        assert server.ask("/stream?1").status == 503
    wait_until(lambda: server.ask("/stream?1").status == 200, 5, "the places are free")


def test_files_to_slow_readers_cost_no_memory_and_are_gone_with_their_readers(start: Start) -> None:
    server = start(threads=1, answer_files_max=30, answer_wait_seconds=0.1)
    assert server.ask("/file").body == bytes(LARGE)
    before = anonymous(server)
    with slow_readers(server, "/file", 30):
        assert len(mapped_files(server)) == 30
        assert anonymous(server) - before < 20 * MEBIBYTE, "30 answers are 240 MiB"
        refused = server.ask("/file")
        assert (refused.status, refused.json["code"]) == (503, "overloaded")
        assert server.ask("/stream?8").status == 200, "other large answers have a room of their own"
    wait_until(lambda: not mapped_files(server), 5, "the files are gone")
    assert server.ask("/file").body == bytes(LARGE)


def anonymous(server: ToyServer) -> int:
    """Give the memory that is no page of a file, in bytes."""
    status = Path(f"/proc/{process_of(server).pid}/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) * 1024


def mapped_files(server: ToyServer) -> list[str]:
    """Give the mappings of files without a name."""
    maps = Path(f"/proc/{process_of(server).pid}/maps").read_text().splitlines()
    return [line for line in maps if line.endswith("(deleted)") and "/tmp" in line]


def test_a_reader_that_takes_nothing_is_cut_off_and_holds_no_place(start: Start) -> None:
    server = start(threads=1, static_answers_max=1, send_timeout_seconds=0.3)
    with slow_readers(server, "/kept", 1) as (reader,):
        wait_until(lambda: server.ask("/kept").status == 200, 5, "the place is free")
        with contextlib.suppress(ConnectionResetError):
            received = sum(map(len, iter(lambda: reader.recv(MEBIBYTE), b"")))
            assert received < LARGE


def test_a_connection_is_kept_after_a_large_answer(start: Start) -> None:
    server = start(threads=1)
    with server.connect() as connection:
        for path in ("/stream?1", "/kept", "/stream?2", "/"):
            connection.sendall(request(path))
            assert answer_on(connection).status == 200


def test_no_file_stays_open_after_large_answers(start: Start) -> None:
    server = start(threads=1)
    server.ask("/stream?1")
    before = process_of(server).num_fds()
    for _ in range(20):
        server.ask("/stream?1")
        with slow_readers(server, "/kept", 2):
            pass
    wait_until(lambda: process_of(server).num_fds() <= before, 5, "the pipes are closed")


def test_a_stop_does_not_wait_for_ever_for_a_slow_reader(start: Start) -> None:
    server = start(threads=1, graceful_timeout_seconds=1)
    with slow_readers(server, "/stream?8", 1):
        assert server.stop() == 0
