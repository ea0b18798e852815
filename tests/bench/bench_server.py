"""Compares HTTP servers in front of one small Flask route, and ours under slow clients and overload.

`python -m tests.bench.bench_server`; only ratios of one run mean anything. docs/server.md explains the tables.
gunicorn and waitress take part where they are installed.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence

from oms_http.server import ServerOptions
from tests.bench import servers
from tests.bench.load import Latency, post
from tests.bench.noop import HOLD, NOOP, WAIT, WAIT_SECONDS
from tests.bench.options import options
from tests.bench.results import Cell, Column, Results, ResultTable
from tests.bench.servers import Measured, RunningServer, measure, running
from tests.services.tcp import LOOPBACK

CONNECTIONS = 64
CROWD = 640
IN_FLIGHT_MAX = ServerOptions().in_flight_max
HALF_HEAD = b"POST /noop HTTP/1.1\r\nHost: be"
RATE, P50, P99 = (
    Column(name="answers/s", form="{:,.0f}"),
    Column(name="p50 ms", form="{:,.1f}"),
    Column(name="p99 ms", form="{:,.1f}"),
)
COMPARED = (
    Column(name="server"),
    RATE,
    Column(name="to plain granian", form="{:.0%}"),
    P50,
    P99,
    Column(name="server's CPU us", form="{:,.0f}"),
)
SLOW = (Column(name="server"), Column(name="half-sent"), RATE, P99, Column(name="of 64 never answered", form="{:,}"))
REFUSED = tuple(
    Column(name=name, form="{:,.2f}") for name in ("refused/s", "refused p50 ms", "refused p99 ms", "refused max ms")
)
OVERLOADED = (
    Column(name="in-flight limit", form="{:,}"),
    RATE,
    P99,
    *REFUSED[:3],
    Column(name="reconnects", form="{:,}"),
)
HALF_BODY = b"POST /noop HTTP/1.1\r\nHost: bench\r\nContent-Length: 100\r\n\r\n{"


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = options(__doc__, seconds=3, rounds=3)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=32)
    given = parser.parse_args(argv)
    tables = {
        "servers": compare(given.processes, given.threads, given.rounds, given.seconds),
        "slow clients": slow_clients(given.processes, given.threads, given.seconds),
        "refusals": time_to_refusal(given.threads, given.seconds),
        "overload": overload(given.threads, given.seconds),
    }
    setting = {"load generator": "python"}
    Results(command="python -m tests.bench.bench_server", tables=tables, setting=setting).give(given.json)


def compare(processes: int, threads: int, rounds: int, seconds: float) -> ResultTable:
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
    rows: list[list[Cell]] = []
    for name, runs in measured.items():
        ratios = [mine.report.rate / its.report.rate for mine, its in zip(runs, measured[plain.name], strict=True)]
        overall = [run.report.overall for run in runs]
        rows.append(
            [name, [run.report.rate for run in runs], ratios, *figures_of(overall), [run.cpu_us for run in runs]]
        )
    return ResultTable(title=title, columns=COMPARED, rows=rows)


def figures_of(latencies: Sequence[Latency]) -> list[Cell]:
    """Give the p50 and the p99 of each round."""
    return [[each.p50_ms for each in latencies], [each.p99_ms for each in latencies]]


def slow_clients(processes: int, threads: int, seconds: float) -> ResultTable:
    """Show what half-sent requests, held open, do to the others."""
    rows: list[list[Cell]] = []
    for candidate in (servers.plain_granian(processes, threads), servers.ours(processes=processes, threads=threads)):
        for name, half, count in (("none", b"", 0), ("100 heads", HALF_HEAD, 100), ("100 bodies", HALF_BODY, 100)):
            with running(candidate) as server, contextlib.ExitStack() as held:
                for _ in range(count):
                    held.enter_context(_send(server, half))
                report = measure(server, NOOP, connections=CONNECTIONS, seconds=seconds).report
            rows.append([candidate.name, name, report.rate, report.overall.p99_ms, report.silent])
    return ResultTable(title="Half-sent requests held open, the same load beside them", columns=SLOW, rows=rows)


def time_to_refusal(threads: int, seconds: float) -> ResultTable:
    """Time one refusal after another, while every place of the process is taken by requests that wait."""
    candidate = servers.ours(threads=threads, in_flight_max=IN_FLIGHT_MAX, graceful_timeout_seconds=1)
    with running(candidate) as server, contextlib.ExitStack() as held:
        for _ in range(IN_FLIGHT_MAX):
            held.enter_context(_send(server, post(HOLD, servers.ORDER)))
        report = measure(server, NOOP, connections=1, seconds=seconds).report
    refused = report.by_status[503]
    row: list[Cell] = [report.rate, refused.p50_ms, refused.p99_ms, refused.max_ms]
    return ResultTable(title="A request while all places are taken", columns=REFUSED, rows=[row])


def overload(threads: int, seconds: float) -> ResultTable:
    """Show what a longer queue buys and costs, with 20 connections a thread whose clients come back at once.

    The last limit is never reached: all are queued.
    """
    title = f"{CROWD} connections on 1 process x {threads} threads, {WAIT_SECONDS * 1000:g} ms and more each"
    rows: list[list[Cell]] = []
    for limit in (threads, threads * 2, threads * 4, threads * 8, CROWD):
        with running(servers.ours(threads=threads, in_flight_max=limit)) as server:
            report = measure(server, WAIT, connections=CROWD, seconds=seconds).report
        answered, refused = report.by_status[201], report.by_status.get(503)
        row: list[Cell] = [limit, report.rate_of(201), answered.p99_ms, report.rate_of(503)]
        row += [refused.p50_ms, refused.p99_ms] if refused else ["", ""]
        rows.append([*row, report.reconnects + report.broken])
    return ResultTable(title=title, columns=OVERLOADED, rows=rows)


def _send(server: RunningServer, data: bytes) -> socket.socket:
    connection = socket.create_connection((LOOPBACK, server.port))
    connection.sendall(data)
    return connection


if __name__ == "__main__":
    main()
