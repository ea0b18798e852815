"""Compares POST /v1/orders with group commit on and off: PostgreSQL, one hot SKU, 64 connections, `oms serve` as it is.

`python -m tests.bench.bench_group_commit`; the two alternate, and only ratios of one round mean anything. Afterwards
the books must be right to the unit, or the figures are worth nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from oms_core import ALL_SCOPES, Caller, Oms, Settings
from tests.bench.load import Load, LoadReport, always, post, run_load
from tests.bench.postgresql import postgresql_server
from tests.bench.served import served
from tests.services.databases import PostgresqlServer

CREATED = 201
STOCK = 1_000_000_000
ORDER = {"customer_id": "C1", "lines": [{"sku": "HOT", "quantity": 1, "unit_price": "9.99"}]}
AUDITOR = Caller(name="bench", scopes=ALL_SCOPES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What to measure."""

    connections: int
    seconds: float
    processes: int


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each load (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of on and off in turn (%(default)s)")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    given = Given(connections=options.connections, seconds=options.seconds, processes=options.processes)
    with postgresql_server() as server:
        rounds = [(measure(server, given, "on"), measure(server, given, "off")) for _ in range(options.rounds)]
    Console(width=120).print(table_of(rounds, given))


def measure(server: PostgresqlServer, given: Given, group_commit: str) -> LoadReport:
    """Load a fresh service on a fresh database, and audit what it wrote."""
    with server.database() as url, tempfile.TemporaryDirectory() as folder:
        with Oms.open(Settings(database_url=url)) as oms:
            oms.schema.upgrade()
        settings = {
            "OMS_DATABASE_URL": url,
            "OMS_GROUP_COMMIT": group_commit,
            "OMS_HTTP_PROCESSES": str(given.processes),
        }
        with served(Path(folder), settings) as service:
            service.ask("PUT", "/v1/inventory/HOT", {"on_hand": STOCK})
            report = run_load(
                Load(
                    host=service.host,
                    port=service.port,
                    make_request=always(post("/v1/orders", json.dumps(ORDER).encode())),
                    connections=given.connections,
                    seconds=given.seconds,
                    warm_up_seconds=1.0,
                )
            )
        check_books(url, report)
    return report


def check_books(url: str, report: LoadReport) -> None:
    """End the run when units and orders do not agree, or when anything but 201 was answered."""
    with Oms.open(Settings(database_url=url)) as oms:
        audited = oms.audit(caller=AUDITOR)
        reserved = oms.stock.get("HOT", caller=AUDITOR).reserved
    if audited.discrepancies or reserved != audited.orders or set(report.statuses) != {CREATED}:
        sys.exit(f"the books are wrong: {audited}, reserved {reserved}, answers {dict(report.statuses)}")


def table_of(rounds: list[tuple[LoadReport, LoadReport]], given: Given) -> Table:
    """Show medians, and the median of the rounds' ratios."""
    table = Table(
        title=f"POST /v1/orders, one hot SKU, {given.connections} connections, {given.processes} processes, "
        f"{len(rounds)} rounds"
    )
    for column in ("group commit", "orders/s", "p50 ms", "p99 ms"):
        table.add_column(column, justify="right")
    for name, reports in zip(("on", "off"), zip(*rounds, strict=True), strict=True):
        rate = statistics.median(report.rate_of(CREATED) for report in reports)
        p50 = statistics.median(report.overall.p50_ms for report in reports)
        p99 = statistics.median(report.overall.p99_ms for report in reports)
        table.add_row(name, f"{rate:,.0f}", f"{p50:.1f}", f"{p99:.1f}")
    rates = statistics.median(on.rate_of(CREATED) / off.rate_of(CREATED) for on, off in rounds)
    latencies = statistics.median(on.overall.p99_ms / off.overall.p99_ms for on, off in rounds)
    table.add_row("on to off", f"{rates:.1f}x", "", f"{latencies:.2f}x", style="bold")
    return table


if __name__ == "__main__":
    main()
