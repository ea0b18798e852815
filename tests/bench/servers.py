"""Starts the servers that are compared, each in front of the same small Flask service, and measures them."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psutil  # type: ignore[import-untyped, unused-ignore]

from tests.bench.checkouts import HERE, Checkout, environment
from tests.bench.load import Load, LoadReport, always, post, run_load
from tests.services.tcp import LOOPBACK, check_listening, free_port
from tests.services.unusable import ServerUnusable
from tests.services.waiting import wait_until

ORDER = b'{"customer_id":"c1","lines":[{"sku":"WIDGET","quantity":1},{"sku":"GADGET","quantity":2}]}'
STARTING_SECONDS = 20
FACTORY = "tests.bench.noop:make_app"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A server: `command` makes the words after `python -m` from a port."""

    name: str
    command: Callable[[int], list[str]]

    @property
    def is_installed(self) -> bool:
        """Tell whether its module can be run here."""
        return importlib.util.find_spec(self.command(0)[0]) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningServer:
    """A server that listens."""

    process: psutil.Process
    port: int

    def cpu_seconds(self) -> float:
        """Give what the server's processes have used so far."""
        family = [self.process, *self.process.children(recursive=True)]
        return float(sum(sum(member.cpu_times()[:2]) for member in family))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A load's report, and the CPU time of all the server's processes for one answer (infinite without any)."""

    report: LoadReport
    cpu_us: float


def plain_granian(processes: int, threads: int) -> Candidate:
    """Give granian with its own WSGI interface: the measure of the others."""
    options = f"--interface wsgi --http 1 --no-ws --factory --workers {processes} --blocking-threads {threads}"
    return _candidate("granian, its own wsgi", lambda port: f"granian {options} --port {port} {FACTORY}")


def ours(**options: Any) -> Candidate:
    """Give the server of this repository, with ServerOptions."""

    def command(port: int) -> list[str]:
        return ["tests.bench.noop", json.dumps({**options, "port": port})]

    return Candidate(name="granian rsgi + the bridge", command=command)


def gunicorn(processes: int, threads: int) -> Candidate:
    """Give gunicorn with threads."""
    options = f"--no-control-socket -k gthread -w {processes} --threads {threads}"
    return _candidate("gunicorn gthread", lambda port: f"gunicorn {options} -b {LOOPBACK}:{port} {FACTORY}()")


def waitress(threads: int) -> Candidate:
    """Give waitress, which has one process only."""
    return _candidate(
        "waitress, 1 process", lambda port: f"waitress --threads {threads} --listen {LOOPBACK}:{port} --call {FACTORY}"
    )


def _candidate(name: str, words: Callable[[int], str]) -> Candidate:
    return Candidate(name=name, command=lambda port: words(port).split())


@contextlib.contextmanager
def running(candidate: Candidate, checkout: Checkout = HERE) -> Iterator[RunningServer]:
    """Run the server, as a checkout has it, on a free port until the block ends."""
    port = free_port()
    process = subprocess.Popen(
        [checkout.python, "-m", *candidate.command(port)],
        cwd=checkout.folder,
        env=environment({}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _listens(port), STARTING_SECONDS, f"{candidate.name} listens")
        yield RunningServer(process=psutil.Process(process.pid), port=port)
    finally:
        process.terminate()
        process.wait()


def measure(server: RunningServer, path: str, *, connections: int, seconds: float) -> Measured:
    """Post a small order to `path` over and over."""
    load = Load(
        host=LOOPBACK,
        port=server.port,
        make_request=always(post(path, ORDER)),
        connections=connections,
        seconds=seconds,
    )
    before = server.cpu_seconds()
    report = run_load(load)
    used = server.cpu_seconds() - before
    answers = report.rate * (load.seconds + load.warm_up_seconds)
    return Measured(report=report, cpu_us=used / answers * 1_000_000 if answers else math.inf)


def _listens(port: int) -> bool:
    try:
        check_listening(f"tcp://{LOOPBACK}:{port}")
    except ServerUnusable:
        return False
    return True
