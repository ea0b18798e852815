"""The server's life: ready, draining, stopped, crashed, orphaned, and started where another one listens."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]
import pytest

from tests.http.server_process import (
    STOPPING_SECONDS,
    THREADS_AND_BATCHES,
    answer_on,
    begin,
    end,
    launch,
    request,
    running,
)
from tests.services.tcp import LOOPBACK
from tests.services.waiting import wait_until


@pytest.mark.parametrize(
    ("stop", "processes"), [(signal.SIGTERM, 1), (signal.SIGTERM, 2), (signal.SIGINT, 1), (signal.SIGHUP, 1)]
)
@pytest.mark.parametrize("opens", THREADS_AND_BATCHES)
def test_a_stop_finishes_what_is_in_flight_then_closes(
    tmp_path: Path, stop: signal.Signals, processes: int, opens: str
) -> None:
    with running(tmp_path, threads=2, processes=processes, opens=opens) as server:
        server.wait_for("OPENED", times=processes)
        idle = server.send(request("/"))
        answer_on(idle)
        gates = [begin(server, "/gate") for _ in range(8)]
        held = server.send(request("/?hold"))
        server.wait_for("HELD")
        server.process.send_signal(stop)
        wait_until(server.is_refusing, STOPPING_SECONDS, "new connections are refused")
        assert idle.recv(1) == b"", "an idle connection is closed at once"
        assert server.said("CLOSED") < processes
        for gate in gates:
            gate.sendall(b"x")
            assert answer_on(gate).json["oms.draining"] is True
        assert answer_on(held).status == 200
        assert server.process.wait(STOPPING_SECONDS) == 0
        assert server.said("OPENED") == server.said("CLOSED") == processes


def test_a_stop_that_comes_while_a_process_starts_is_heard_once_it_has_started(tmp_path: Path) -> None:
    server = launch(tmp_path, threads=2, opens="while stopping")
    try:
        wait_until(lambda: server.said("CLOSED"), STOPPING_SECONDS, "what was opened is closed")
    finally:
        end(server)
    assert server.said("OPENED") == server.said("CLOSED")


def test_a_stop_gives_up_on_a_half_sent_head_and_still_closes(tmp_path: Path) -> None:
    with running(tmp_path, threads=1, graceful_timeout_seconds=1) as server:
        half = server.send(b"GET / HT")
        assert server.ask("/").status == 200, "so the connection before this one has been accepted"
        assert server.stop() == 0
        assert server.said("CLOSED") == 1
        assert half.recv(1) == b""
        assert server.said("connections were still open after 1 seconds")


def test_what_a_client_left_behind_is_finished_before_the_service_closes(tmp_path: Path) -> None:
    with running(tmp_path, threads=2) as server:
        gate = begin(server, "/gate")
        server.send(request("/?hold")).close()
        server.wait_for("HELD")
        server.process.terminate()
        gate.sendall(b"x")
        assert answer_on(gate).status == 200
        assert server.process.wait(STOPPING_SECONDS) == 0
        assert not server.said("still busy")


def test_two_processes_share_the_port(tmp_path: Path) -> None:
    with running(tmp_path, threads=1, processes=2) as server:
        server.wait_for("OPENED", times=2)
        seen: set[int] = set()

        def both_answered() -> bool:
            seen.add(server.ask("/").json["pid"])
            return len(seen) == 2

        wait_until(both_answered, 10, "both processes answer")
        assert server.ask("/").json["wsgi.multiprocess"] is True


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_processes_can_be_forked_or_spawned(tmp_path: Path, start_method: str) -> None:
    with running(tmp_path, threads=1, start_method=start_method) as server:
        assert server.ask("/").status == 200


def test_a_process_that_dies_is_replaced_and_a_quick_second_death_ends_the_server(tmp_path: Path) -> None:
    with running(tmp_path, threads=1) as server:
        assert server.send(request("/exit")).recv(1) == b""
        server.wait_for("OPENED", times=2)
        wait_until(lambda: not server.is_refusing(), 10, "the replacement listens")
        assert server.send(request("/exit")).recv(1) == b""
        assert server.process.wait(STOPPING_SECONDS) == 1
        assert server.said("Unexpected exit from worker-1") == 2


def test_a_service_that_does_not_open_ends_the_server_with_its_traceback(tmp_path: Path) -> None:
    server = launch(tmp_path, opens="never")
    assert server.process.wait(STOPPING_SECONDS) == 1
    assert server.said("RuntimeError: this service does not open")
    assert not server.said("READY")


def test_processes_stop_when_their_parent_is_killed(tmp_path: Path) -> None:
    with running(tmp_path, threads=1, processes=2) as server:
        workers = psutil.Process(server.process.pid).children()
        assert len(workers) >= 2
        server.process.kill()
        wait_until(server.is_refusing, 10, "nothing listens any more")
        wait_until(lambda: not any(worker.is_running() for worker in workers), 10, "the processes are gone")
        assert server.said("CLOSED") == 2


def test_a_taken_port_is_an_error_that_names_it(tmp_path: Path) -> None:
    with running(tmp_path, threads=1) as first:
        second = launch(tmp_path, port=first.port, threads=1)
        assert second.process.wait(STOPPING_SECONDS) == 1
        assert second.said(f"cannot listen on 127.0.0.1:{first.port}: Address already in use")
        assert second.said("OPENED") == 1, "only the first one's: the second has opened nothing"


@pytest.mark.parametrize("host", ["localhost", "0.0.0.0"])
def test_a_name_and_a_wildcard_can_be_listened_on(tmp_path: Path, host: str) -> None:
    with running(tmp_path, threads=1, host=host) as server:
        assert server.said(f"READY http://{LOOPBACK}:{server.port}")
        assert server.ask("/").status == 200


def test_a_host_that_is_not_ours_is_an_error_that_names_it(tmp_path: Path) -> None:
    server = launch(tmp_path, host="192.0.2.1")
    assert server.process.wait(STOPPING_SECONDS) == 1
    assert server.said(f"cannot listen on 192.0.2.1:{server.port}")
