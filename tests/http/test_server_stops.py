"""A stop that is announced: who is told, what is still answered, and what cuts it short."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]
import pytest

from tests.http.server_process import (
    ANSWER_SECONDS,
    STOPPING_SECONDS,
    THREADS_AND_BATCHES,
    ToyServer,
    answer_on,
    begin,
    request,
    running,
)
from tests.services.waiting import wait_until

LONG_SECONDS = 3 * STOPPING_SECONDS  # No test waits for its end.
ANNOUNCED = "a stop was asked for"


def terminate(server: ToyServer) -> None:
    server.process.terminate()


def terminate_all(server: ToyServer) -> None:
    """Do as systemd does with KillMode=control-group."""
    for worker in psutil.Process(server.process.pid).children():
        worker.terminate()
    server.process.terminate()


def told_to_stop(server: ToyServer, processes: int, stop: Callable[[ToyServer], None] = terminate) -> None:
    server.wait_for("OPENED", times=processes)
    stop(server)
    server.wait_for(ANNOUNCED, times=processes)


@pytest.mark.parametrize("stop", [terminate, terminate_all])
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("opens", THREADS_AND_BATCHES)
def test_requests_are_taken_for_a_while_after_a_stop_was_asked_for(
    tmp_path: Path, stop: Callable[[ToyServer], None], processes: int, opens: str
) -> None:
    with running(tmp_path, threads=2, processes=processes, opens=opens, lame_duck_seconds=LONG_SECONDS) as server:
        kept = server.send(request("/"))
        assert answer_on(kept).json["oms.draining"] is False
        told_to_stop(server, processes, stop)
        for _ in range(20):
            answer = server.ask("/")
            assert (answer.status, answer.json["oms.draining"]) == (200, True)
        kept.sendall(request("/"))
        assert answer_on(kept).headers["connection"] == "close"
        assert kept.recv(1) == b"", "so its client comes back on a connection that the balancer chooses"
        assert not server.said("CLOSED")
        server.process.terminate()
        assert server.process.wait(STOPPING_SECONDS) == 0
        assert server.said("CLOSED") == processes


def test_the_port_closes_when_the_time_is_over_and_what_is_in_flight_is_finished(tmp_path: Path) -> None:
    with running(tmp_path, threads=2, lame_duck_seconds=1) as server:
        told_to_stop(server, 1)
        held = server.send(request("/?hold"))
        gate = begin(server, "/gate")
        server.wait_for("HELD")
        wait_until(server.is_refusing, STOPPING_SECONDS, "new connections are refused")
        gate.sendall(b"x")
        assert (answer_on(gate).status, answer_on(held).status) == (200, 200)
        assert server.process.wait(STOPPING_SECONDS) == 0
        assert server.said("CLOSED") == 1


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("processes", [1, 2])
def test_a_second_signal_cuts_the_time_short(tmp_path: Path, second: signal.Signals, processes: int) -> None:
    with running(tmp_path, threads=2, processes=processes, lame_duck_seconds=LONG_SECONDS) as server:
        told_to_stop(server, processes)
        server.process.send_signal(second)
        assert server.process.wait(STOPPING_SECONDS) == 0
        assert server.said("CLOSED") == processes


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGHUP])
def test_a_person_who_stops_it_does_not_wait(tmp_path: Path, stop: signal.Signals) -> None:
    with running(tmp_path, threads=2, processes=2, lame_duck_seconds=LONG_SECONDS) as server:
        server.wait_for("OPENED", times=2)
        server.process.send_signal(stop)
        assert server.process.wait(STOPPING_SECONDS) == 0
        assert not server.said(ANNOUNCED)


def test_processes_whose_parent_was_killed_announce_nothing(tmp_path: Path) -> None:
    with running(tmp_path, threads=1, processes=2, lame_duck_seconds=LONG_SECONDS) as server:
        server.wait_for("OPENED", times=2)
        server.process.kill()
        wait_until(server.is_refusing, ANSWER_SECONDS, "the port is free for a successor")
        wait_until(lambda: server.said("CLOSED") == 2, STOPPING_SECONDS, "both processes have closed")
