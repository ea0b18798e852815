"""Overloads placing: a proxy makes PostgreSQL slow, and ten times what it can place is ordered, answered or not.

`python -m tests.bench.bench_overload`. The capacity is measured in the same run by clients that wait for their answers.
In "paced" the proxy lets so many bytes a second through as some 300 orders need, whatever the batch; in "delayed" it
holds back each answer so long that as many requests as the service admits place some 300 a second. Afterwards the
books must be right to the unit, or the figures are worth nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from oms_core import ALL_SCOPES, Caller, Oms, Settings
from oms_http.settings import HttpSettings
from tests.bench.latency_proxy import LatencyProxy, latency_proxy
from tests.bench.load import Load, always, post, run_load
from tests.bench.open_load import OpenLoad, OpenReport, run_open_load
from tests.bench.postgresql import postgresql_server
from tests.bench.results import Cell, Column, Results, ResultTable
from tests.bench.served import Served, served
from tests.services.databases import PostgresqlServer

CREATED, UNAVAILABLE = 201, 503
STOCK = 1_000_000_000
ORDER = {"customer_id": "C1", "lines": [{"sku": "HOT", "quantity": 1, "unit_price": "9.99"}]}
REQUEST = post("/v1/orders", json.dumps(ORDER).encode())
AUDITOR = Caller(name="bench", scopes=ALL_SCOPES)
ORDER_BYTES_GUESSED = 700
ANSWERS_PER_BATCH = 3
COLUMNS = (
    Column(name="the database"),
    Column(name="capacity/s", form="{:,.0f}"),
    Column(name="confirmed/s", form="{:,.0f}"),
    Column(name="goodput", form="{:.0%}"),
    Column(name="p50 ms", form="{:,.0f}"),
    Column(name="p99 ms", form="{:,.0f}"),
    Column(name="refused p50 ms", form="{:,.1f}"),
    Column(name="refused p99 ms", form="{:,.1f}"),
    Column(name="refused/s", form="{:,.0f}"),
    Column(name="unanswered", form="{:,}"),
    Column(name="sender late p99 ms", form="{:.1f}"),
    Column(name="Retry-After"),
    Column(name="falls short in"),
)
GOODPUT_LEAST, REFUSAL_MS_MOST, CONFIRMED_MS_MOST = 0.8, 50.0, 2_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What to measure; `waiting` clients keep the service full when its capacity is measured."""

    capacity: float
    times: float
    seconds: float
    target_ms: int
    delay_ms: float
    capacity_seconds: float
    waiting: int = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One way of being slow: what was placed without overload, and what became of the overload."""

    name: str
    capacity: float
    report: OpenReport

    @property
    def goodput_share(self) -> float:
        """Give what was confirmed a second under overload, as a share of the capacity."""
        return self.report.answered.get(CREATED, 0) / self.report.seconds / self.capacity

    @property
    def shortfalls(self) -> list[str]:
        """Name what was promised and not kept."""
        refused, confirmed = (self.report.by_status.get(status) for status in (UNAVAILABLE, CREATED))
        kept = {
            "goodput": self.goodput_share >= GOODPUT_LEAST,
            "refusals": refused is not None and refused.p50_ms < REFUSAL_MS_MOST,
            "p99": confirmed is not None and confirmed.p99_ms < CONFIRMED_MS_MOST,
            "every request answered": not self.report.unanswered,
        }
        return [name for name, is_kept in kept.items() if not is_kept]


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table and a verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--capacity", type=float, default=300.0, help="orders/s to hold placing to (%(default)s)")
    parser.add_argument("--times", type=float, default=10.0, help="the overload (%(default)s)")
    parser.add_argument("--seconds", type=float, default=15.0, help="of it (%(default)s)")
    parser.add_argument("--target-ms", type=int, default=HttpSettings().http_latency_target_ms, help="(%(default)s)")
    parser.add_argument(
        "--delay-ms", type=float, default=0.0, help="hold answers back so long; 0: as the capacity needs (%(default)s)"
    )
    parser.add_argument("--capacity-seconds", type=float, default=8.0, help="of measuring the capacity (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the tables there too")
    options = vars(parser.parse_args(argv))
    path = options.pop("json")
    given = Given(**options)
    with postgresql_server() as server:
        measured = [measure_paced(server, given), measure_delayed(server, given)]
    Results(
        command="python -m tests.bench.bench_overload",
        tables={"overload": table_of(measured, given)},
        setting={"load generator": "python"},
    ).give(path)


def measure_paced(server: PostgresqlServer, given: Given) -> Measured:
    """Let the proxy take so many bytes a second as the capacity needs."""
    with service_behind_proxy(server, given) as (service, proxy):
        pace = given.capacity * ORDER_BYTES_GUESSED
        proxy.set_pace(answer_seconds=0, bytes_per_second=pace)
        pace *= given.capacity / capacity_of(service, given, connections=64)
        proxy.set_pace(answer_seconds=0, bytes_per_second=pace)
        return overloaded("paced", service, given, capacity=capacity_of(service, given, connections=64))


def measure_delayed(server: PostgresqlServer, given: Given) -> Measured:
    """Let the proxy hold back answers so long that a full service places the capacity."""
    with service_behind_proxy(server, given) as (service, proxy):
        delay = given.delay_ms / 1_000 or given.waiting / 2 / given.capacity / ANSWERS_PER_BATCH
        for _ in range(0 if given.delay_ms else 2):
            proxy.set_pace(answer_seconds=delay, bytes_per_second=0)
            delay *= capacity_of(service, given, connections=given.waiting) / given.capacity
        proxy.set_pace(answer_seconds=delay, bytes_per_second=0)
        name = f"delayed {delay * 1000:.0f} ms an answer"
        return overloaded(name, service, given, capacity=capacity_of(service, given, connections=given.waiting))


@contextmanager
def service_behind_proxy(server: PostgresqlServer, given: Given) -> Iterator[tuple[Served, LatencyProxy]]:
    """Run the service on a fresh database behind a proxy, and audit what it wrote."""
    with server.database() as url, latency_proxy(url) as proxy, tempfile.TemporaryDirectory() as folder:
        with Oms.open(Settings(database_url=url)) as oms:
            oms.schema.upgrade()
        settings = {"OMS_DATABASE_URL": proxy.url, "OMS_HTTP_LATENCY_TARGET_MS": str(given.target_ms)}
        with served(Path(folder), settings) as service:
            service.ask("PUT", "/v1/inventory/HOT", {"on_hand": STOCK})
            yield service, proxy
        with Oms.open(Settings(database_url=url)) as oms:
            audited = oms.audit(caller=AUDITOR)
            reserved = oms.stock.get("HOT", caller=AUDITOR).reserved
        if audited.discrepancies or reserved != audited.orders:
            sys.exit(f"the books are wrong: {audited}, reserved {reserved}")


def capacity_of(service: Served, given: Given, *, connections: int) -> float:
    """Give the orders a second that clients get who wait for their answers."""
    load = Load(
        host=service.host,
        port=service.port,
        make_request=always(REQUEST),
        connections=connections,
        seconds=given.capacity_seconds,
        warm_up_seconds=3 / 8 * given.capacity_seconds,
    )
    return run_load(load).rate_of(CREATED)


def overloaded(name: str, service: Served, given: Given, *, capacity: float) -> Measured:
    """Overload the service."""
    load = OpenLoad(
        host=service.host,
        port=service.port,
        request=REQUEST,
        per_second=given.times * given.capacity,
        seconds=given.seconds,
    )
    return Measured(name=name, capacity=capacity, report=run_open_load(load))


def table_of(measured: Sequence[Measured], given: Given) -> ResultTable:
    """Show what was promised, and what of it was not kept."""
    title = f"POST /v1/orders at {given.times * given.capacity:,.0f}/s, target {given.target_ms} ms"
    return ResultTable(title=title, columns=COLUMNS, rows=[row_of(each) for each in measured])


def row_of(measured: Measured) -> list[Cell]:
    """Give the figures of COLUMNS."""
    report = measured.report
    confirmed, refused = (report.by_status.get(status) for status in (CREATED, UNAVAILABLE))
    return [
        measured.name,
        measured.capacity,
        report.answered.get(CREATED, 0) / report.seconds,
        measured.goodput_share,
        *([confirmed.p50_ms, confirmed.p99_ms] if confirmed else ["", ""]),
        *([refused.p50_ms, refused.p99_ms] if refused else ["", ""]),
        report.answered.get(UNAVAILABLE, 0) / report.seconds,
        report.unanswered,
        report.late_p99_ms,
        ", ".join(f"{seconds} s: {count:,}" for seconds, count in sorted(report.retry_after.items())),
        ", ".join(measured.shortfalls) or "nothing",
    ]


if __name__ == "__main__":
    main()
