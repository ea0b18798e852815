"""What sends orders as fast as they are answered: wrk where it is installed, else the load generator of ours.

wrk (https://github.com/wg/wrk) costs the machine less than ours does (bench_generators), so more is left to the service
on the same cores. `OMS_BENCH_GENERATOR=python` takes ours all the same.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from tests.bench.load import Latency, Load, LoadReport, post, run_load
from tests.bench.usage import Usage, usage_of

SCRIPT = Path(__file__).with_name("orders.lua")
VARIABLE = "OMS_BENCH_GENERATOR"
GENERATORS = ("wrk", "python")
REPORT = "REPORT "


class LoadFailed(Exception):
    """Something else than was expected came back, so that the figures mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A service under load: where its processes are, and the orders that it gets, a JSON document a line.

    `headers` are sent beside Content-Type and an idempotency key of each order's own; all answers must have `status`.
    """

    host: str
    port: int
    pid: int
    path: str
    orders: Path
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 201


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What came back, and what an answer cost the service."""

    report: LoadReport
    used: Usage

    @property
    def cpu_us(self) -> float:
        """Give the processor time an answer, of all the service's processes."""
        return self.used.cpu_seconds / self.report.overall.answers * 1e6

    @property
    def voluntary(self) -> float:
        """Give the voluntary context switches an answer."""
        return self.used.voluntary / self.report.overall.answers

    @property
    def forced(self) -> float:
        """Give the forced context switches an answer."""
        return self.used.forced / self.report.overall.answers


def generator() -> str:
    """Name the generator that is used."""
    return "wrk" if shutil.which("wrk") and os.environ.get(VARIABLE) != "python" else "python"


def send_orders(target: Target, *, connections: int, seconds: int) -> Loaded:
    """Load a service over so many connections, each with one order under way. Raise LoadFailed."""
    send = _send_with_wrk if generator() == "wrk" else _send_with_python
    before = usage_of(target.pid)
    report = send(target, connections, seconds)
    used = usage_of(target.pid).since(before)
    if set(report.statuses) != {target.status} or not report.overall.answers or report.broken:
        answers = f"{dict(report.statuses)}, {report.broken} without an answer"
        raise LoadFailed(f"{target.path} over {connections} connections gave {answers}")
    return Loaded(report=report, used=used)


def load_of(target: Target, *, connections: int, seconds: float) -> Load:
    """Make a load of our generator."""
    return Load(
        host=target.host,
        port=target.port,
        make_request=partial(
            _order, target.path, str(target.orders), secrets.token_hex(6), tuple(target.headers.items())
        ),
        connections=connections,
        seconds=seconds,
        warm_up_seconds=0,
    )


def _send_with_wrk(target: Target, connections: int, seconds: int) -> LoadReport:
    fields = "".join(f"{name}: {value}\r\n" for name, value in target.headers.items())
    command = ["wrk", "--threads=1", f"--connections={connections}", f"--duration={seconds}s", "--timeout=30s"]
    command += [f"--script={SCRIPT}", f"http://{target.host}:{target.port}", "--"]
    command += [target.path, str(target.orders), secrets.token_hex(6), fields]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith(REPORT)), None)
    if line is None:
        raise LoadFailed(f"wrk failed: {done.stdout}{done.stderr}")
    found = json.loads(line.removeprefix(REPORT))
    answers, refused, lost, taken = (found.pop(name) for name in ("answers", "refused", "lost", "seconds"))
    latency = Latency(answers=answers, **found)
    by_status = {target.status: latency} | ({0: latency} if refused else {})
    return LoadReport(seconds=taken, overall=latency, by_status=by_status, reconnects=0, broken=lost, silent=0)


def _send_with_python(target: Target, connections: int, seconds: int) -> LoadReport:
    return run_load(load_of(target, connections=connections, seconds=seconds))


def _order(path: str, file: str, run: str, headers: tuple[tuple[str, str], ...], number: int) -> bytes:
    bodies = _bodies(file)
    key = {"Idempotency-Key": f'"{run}-{number}"'}
    return post(path, bodies[number % len(bodies)], headers=dict(headers) | key)


@cache
def _bodies(file: str) -> list[bytes]:
    return Path(file).read_bytes().splitlines()
