"""Which cores the worker processes run on."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]
import pytest

from tests.http.server_process import ToyServer, running
from tests.services.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process choose its cores")


@pytest.fixture
def two_cores() -> Iterator[set[int]]:
    """The cores that this thread, and so what it starts, is left with."""
    all_cores = os.sched_getaffinity(0)
    if len(all_cores) == 1:
        pytest.skip("this machine has one core")
    cores = set(sorted(all_cores)[:2])
    os.sched_setaffinity(0, cores)
    yield cores
    os.sched_setaffinity(0, all_cores)


def worker_cores(server: ToyServer) -> dict[int, set[int]]:
    """Tell where each worker's threads that run the application may run, by its process id."""
    found = {}
    for worker in psutil.Process(server.process.pid).children():
        try:
            is_worker = "tests.http.toy_service" in worker.cmdline()
            cores = [os.sched_getaffinity(thread.id) for thread in worker.threads() if thread.id != worker.pid]
        except (psutil.NoSuchProcess, ProcessLookupError):
            continue  # It has just ended.
        if is_worker and cores:
            found[worker.pid] = min(cores, key=len)
    return found


def spread(server: ToyServer) -> list[set[int]]:
    """Give the cores of all workers, in order."""
    return sorted(worker_cores(server).values(), key=sorted)


def test_processes_that_are_as_many_as_the_cores_have_one_each(tmp_path: Path, two_cores: set[int]) -> None:
    with running(tmp_path, threads=2, processes=2) as server:
        wait_until(lambda: server.said("OPENED") == 2, 10, "both are open")
        wait_until(lambda: spread(server) == [{core} for core in sorted(two_cores)], 10, "each has its own")


def test_who_replaces_a_killed_process_gets_its_core(tmp_path: Path, two_cores: set[int]) -> None:
    with running(tmp_path, threads=2, processes=2) as server:
        wait_until(lambda: spread(server) == [{core} for core in sorted(two_cores)], 10, "each has its own")
        killed = next(iter(worker_cores(server)))
        os.kill(killed, signal.SIGKILL)
        wait_until(
            lambda: killed not in worker_cores(server) and spread(server) == [{core} for core in sorted(two_cores)],
            20,
            "the core is used again",
        )


def test_more_processes_than_cores_share_them(tmp_path: Path, two_cores: set[int]) -> None:
    with running(tmp_path, threads=2, processes=3) as server:
        expected = sorted([*({core} for core in two_cores), two_cores], key=sorted)
        wait_until(lambda: spread(server) == expected, 10, "two have a core each, the third may run on both")


def test_fewer_processes_than_cores_run_where_the_system_wants_them(tmp_path: Path, two_cores: set[int]) -> None:
    with running(tmp_path, threads=2, processes=1) as server:
        wait_until(lambda: server.ask("/").status == 200, 10, "it answers")
        assert spread(server) == [two_cores]
