"""Which cores the worker processes run on."""

from __future__ import annotations

import math
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]
import pytest

from oms_http.server.cores import granted_cpus, is_worth_it
from tests.http.server_process import ToyServer, running
from tests.services.waiting import wait_until

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process choose its cores")


@pytest.mark.parametrize(
    ("cores", "processes", "granted", "worth"),
    [
        (2, 2, math.inf, True),
        (2, 3, math.inf, True),
        (2, 2, 2.0, True),
        (2, 2, 1.5, False),  # A quota of the cgroup.
        (64, 2, 2.0, False),
        (1, 1, math.inf, False),
        (1, 2, math.inf, False),
        (4, 2, math.inf, False),  # Another server might choose the same ones.
    ],
)
def test_a_core_each_is_worth_it_where_every_core_has_a_process_and_all_of_it_is_granted(
    cores: int, processes: int, granted: float, worth: bool
) -> None:
    assert is_worth_it(range(cores), processes=processes, granted=granted) is worth


@pytest.mark.parametrize(
    ("membership", "files", "granted"),
    [
        ("0::/\n", {}, math.inf),
        ("0::/\n", {"cpu.max": "max 100000\n"}, math.inf),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/a/b\n", {"a/cpu.max": "100000 100000\n", "a/b/cpu.max": "max 100000\n"}, 1.0),
        ("0::/a\n", {"b/cpu.max": "100000 100000\n"}, math.inf),
        ("4:cpu,cpuacct:/a\n", {"cpu/a/cpu.cfs_quota_us": "50000", "cpu/a/cpu.cfs_period_us": "100000"}, 0.5),
        ("4:cpu:/a\n", {"cpu/a/cpu.cfs_quota_us": "-1", "cpu/a/cpu.cfs_period_us": "100000"}, math.inf),
        ("4:cpu:/docker/x\n", {"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2.0),
        ("4:memory:/a\n", {"cpu/a/cpu.cfs_quota_us": "50000", "cpu/a/cpu.cfs_period_us": "100000"}, math.inf),
    ],
)
def test_quotas_are_read_from_the_groups_of_the_process_and_those_above(
    membership: str, files: dict[str, str], granted: float, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert granted_cpus(membership, tmp_path) == granted


@pytest.fixture
def two_cores() -> Iterator[set[int]]:
    """The cores that this thread, and so what it starts, is left with."""
    all_cores = os.sched_getaffinity(0)
    if len(all_cores) == 1 or granted_cpus(Path("/proc/self/cgroup").read_text(), Path("/sys/fs/cgroup")) < 2:
        pytest.skip("this machine has one core for us")
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


@on_linux
def test_processes_that_are_as_many_as_the_cores_have_one_each(tmp_path: Path, two_cores: set[int]) -> None:
    with running(tmp_path, threads=2, processes=2) as server:
        wait_until(lambda: server.said("OPENED") == 2, 10, "both are open")
        wait_until(lambda: spread(server) == [{core} for core in sorted(two_cores)], 10, "each has its own")


@on_linux
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


@on_linux
def test_more_processes_than_cores_share_them(tmp_path: Path, two_cores: set[int]) -> None:
    with running(tmp_path, threads=2, processes=3) as server:
        expected = sorted([*({core} for core in two_cores), two_cores], key=sorted)
        wait_until(lambda: spread(server) == expected, 10, "two have a core each, the third may run on both")


@on_linux
def test_fewer_processes_than_cores_run_where_the_system_wants_them(tmp_path: Path, two_cores: set[int]) -> None:
    with running(tmp_path, threads=2, processes=1) as server:
        wait_until(lambda: server.ask("/").status == 200, 10, "it answers")
        assert spread(server) == [two_cores]
