"""Compares HTTP servers in front of one small Flask route, and ours under slow clients and overload.

`python -m tests.bench.bench_server`; only ratios of one run mean anything. docs/server.md explains the tables.
gunicorn and waitress take part where they are installed.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import statistics

from rich.console import Console
from rich.table import Table

from oms_http.server import ServerOptions
from tests.bench import servers
from tests.bench.load import LoadReport, post
from tests.bench.noop import HOLD, NOOP, WAIT, WAIT_SECONDS
from tests.bench.servers import Measured, RunningServer, measure, running
from tests.services.tcp import LOOPBACK

CONNECTIONS = 64
CROWD = 640
IN_FLIGHT_MAX = ServerOptions().in_flight_max
HALF_HEAD = b"POST /noop HTTP/1.1\r\nHost: be"
HALF_BODY = b"POST /noop HTTP/1.1\r\nHost: bench\r\nContent-Length: 100\r\n\r\n{"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each load (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of the comparison, candidates alternating (%(default)s)")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=32)
    given = parser.parse_args()
    console = Console(width=120)  # Off a terminal Rich would cut the tables at 80.
    console.print(compare(given.processes, given.threads, given.rounds, given.seconds))
    console.print(slow_clients(given.processes, given.threads, given.seconds))
    console.print(time_to_refusal(given.threads, given.seconds))
    console.print(overload(given.threads, given.seconds))


def compare(processes: int, threads: int, rounds: int, seconds: float) -> Table:
    """Measure every candidate in every round; show medians, also of the ratio to plain granian in the same round."""
    plain = servers.plain_granian(processes, threads)
    ours = servers.ours(processes=processes, threads=threads)
    others = [servers.gunicorn(processes, threads), servers.waitress(threads)]
    candidates = [plain, ours, *(candidate for candidate in others if candidate.is_installed)]
    measured: dict[str, list[Measured]] = {candidate.name: [] for candidate in candidates}
    for _ in range(rounds):
        for candidate in candidates:
            with running(candidate) as server:
                measured[candidate.name].append(measure(server, NOOP, connections=CONNECTIONS, seconds=seconds))
    title = f"No-op POST, {CONNECTIONS} connections, {processes} processes x {threads} threads, {rounds} rounds"
    table = _table(title, "server", "answers/s", "to plain granian", "p50 ms", "p99 ms", "server CPU µs/answer")
    for name, runs in measured.items():
        ratios = [mine.report.rate / its.report.rate for mine, its in zip(runs, measured[plain.name], strict=True)]
        table.add_row(name, f"{_median_rate(runs):,.0f}", f"{statistics.median(ratios):.0%}", *_medians(runs))
    return table


def slow_clients(processes: int, threads: int, seconds: float) -> Table:
    """Show what half-sent requests, held open, do to the others."""
    table = _table(
        "Half-sent requests held open, the same load beside them",
        "server",
        "half-sent",
        "answers/s",
        "p99 ms",
        "of 64 never answered",
    )
    for candidate in (servers.plain_granian(processes, threads), servers.ours(processes=processes, threads=threads)):
        for name, half, count in (("none", b"", 0), ("100 heads", HALF_HEAD, 100), ("100 bodies", HALF_BODY, 100)):
            with running(candidate) as server, contextlib.ExitStack() as held:
                for _ in range(count):
                    held.enter_context(_send(server, half))
                report = measure(server, NOOP, connections=CONNECTIONS, seconds=seconds).report
            table.add_row(
                candidate.name, name, f"{report.rate:,.0f}", f"{report.overall.p99_ms:.1f}", str(report.silent)
            )
    return table


def time_to_refusal(threads: int, seconds: float) -> Table:
    """Time one refusal after another, while every place of the process is taken by requests that wait."""
    table = _table("A request while all places are taken", "refused/s", "p50 ms", "p99 ms", "max ms")
    candidate = servers.ours(threads=threads, in_flight_max=IN_FLIGHT_MAX, graceful_timeout_seconds=1)
    with running(candidate) as server, contextlib.ExitStack() as held:
        for _ in range(IN_FLIGHT_MAX):
            held.enter_context(_send(server, post(HOLD, servers.ORDER)))
        report = measure(server, NOOP, connections=1, seconds=seconds).report
    refused = report.by_status[503]
    table.add_row(*(f"{figure:,.2f}" for figure in (report.rate, refused.p50_ms, refused.p99_ms, refused.max_ms)))
    return table


def overload(threads: int, seconds: float) -> Table:
    """Show what a longer queue buys and costs, with 20 connections a thread whose clients come back at once.

    The last limit is never reached: all are queued.
    """
    title = f"{CROWD} connections on 1 process x {threads} threads, {WAIT_SECONDS * 1000:g} ms and more each"
    table = _table(
        title, "in-flight limit", "answered/s", "p99 ms", "refused/s", "refused p50 ms", "p99 ms", "reconnects"
    )
    for limit in (threads, threads * 2, threads * 4, threads * 8, CROWD):
        with running(servers.ours(threads=threads, in_flight_max=limit)) as server:
            report = measure(server, WAIT, connections=CROWD, seconds=seconds).report
        table.add_row(str(limit), *_answered_and_refused(report), str(report.reconnects + report.broken))
    return table


def _send(server: RunningServer, data: bytes) -> socket.socket:
    connection = socket.create_connection((LOOPBACK, server.port))
    connection.sendall(data)
    return connection


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="left" if column in ("server", "half-sent") else "right")
    return table


def _median_rate(runs: list[Measured]) -> float:
    return statistics.median(run.report.rate for run in runs)


def _medians(runs: list[Measured]) -> list[str]:
    p50 = statistics.median(run.report.overall.p50_ms for run in runs)
    p99 = statistics.median(run.report.overall.p99_ms for run in runs)
    return [f"{p50:.1f}", f"{p99:.1f}", f"{statistics.median(run.cpu_us for run in runs):.0f}"]


def _answered_and_refused(report: LoadReport) -> list[str]:
    answered = report.by_status[201]
    refused = report.by_status.get(503)
    row = [f"{report.rate_of(201):,.0f}", f"{answered.p99_ms:.1f}", f"{report.rate_of(503):,.0f}"]
    return [*row, *([f"{refused.p50_ms:.1f}", f"{refused.p99_ms:.1f}"] if refused else ["-", "-"])]


if __name__ == "__main__":
    main()
