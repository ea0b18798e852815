"""Compares POST /v1/orders answered 202 and placed by a worker with the same answered 201, on PostgreSQL and RabbitMQ.

`python -m tests.bench.bench_accept`: one hot SKU, `oms serve` and `oms worker` as they are, the latter publishing the
events of both. The two alternate, on fresh databases; only ratios of one round mean anything. First 64 connections that
wait for their answers show the rate; then half of the lower rate, sent at its own pace, shows what an answer costs its
caller. Afterwards every order must be placed once and the books be right, or the figures are worth nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from oms_core import ALL_SCOPES, Caller, Oms, SetStock, Settings
from tests.bench.load import Load, always, post, run_load
from tests.bench.open_load import OpenLoad, run_open_load
from tests.bench.postgresql import postgresql_server
from tests.bench.rabbitmq import own_names, rabbitmq_server
from tests.bench.served import START_SECONDS_MAX, Served, served
from tests.bench.working import working
from tests.services.databases import PostgresqlServer
from tests.services.postgresql import connected
from tests.services.waiting import wait_until

CREATED, ACCEPTED = 201, 202
STOCK = 1_000_000_000
DRAIN_SECONDS_MAX = 300
ORDER = json.dumps({"customer_id": "C1", "lines": [{"sku": "HOT", "quantity": 1, "unit_price": "9.99"}]}).encode()
REQUESTS = {
    CREATED: post("/v1/orders", ORDER),
    ACCEPTED: post("/v1/orders", ORDER, headers={"Prefer": "respond-async"}),
}
AUDITOR = Caller(name="bench", scopes=ALL_SCOPES)
PLACED = "SELECT count(*) FROM orders WHERE status = 'pending'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Answers a second; the share of them that was placed by the time the load ended."""

    rate: float
    placed_share: float


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each load (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    options = parser.parse_args()
    with postgresql_server() as postgresql, rabbitmq_server() as rabbitmq_url:
        bench = Bench(postgresql, rabbitmq_url, options.seconds)
        rounds = [(bench.saturate(CREATED), bench.saturate(ACCEPTED)) for _ in range(options.rounds)]
        pace = min(measured.rate for pair in rounds for measured in pair) / 2
        latencies = [(bench.p99_ms(CREATED, pace), bench.p99_ms(ACCEPTED, pace)) for _ in range(options.rounds)]
    console = Console(width=120)
    console.print(table_of(rounds, latencies, pace))


class Bench:
    """Runs a load against a fresh service on a fresh database."""

    def __init__(self, postgresql: PostgresqlServer, rabbitmq_url: str, seconds: float) -> None:
        self._postgresql = postgresql
        self._rabbitmq_url = rabbitmq_url
        self._seconds = seconds

    def saturate(self, status: int) -> Measured:
        """Load with 64 connections that wait for their answers."""
        with self._deployed() as (url, service):
            load = Load(
                host=service.host,
                port=service.port,
                make_request=always(REQUESTS[status]),
                seconds=self._seconds,
                warm_up_seconds=1.0,
            )
            report = run_load(load)
            placed = count_placed(url)
            answered = check_books(url, set(report.statuses), status)
        return Measured(rate=report.rate_of(status), placed_share=placed / answered)

    def p99_ms(self, status: int, per_second: float) -> float:
        """Send at its own pace."""
        with self._deployed() as (url, service):
            load = OpenLoad(
                host=service.host,
                port=service.port,
                request=REQUESTS[status],
                per_second=per_second,
                seconds=self._seconds,
            )
            report = run_open_load(load)
            check_books(url, set(report.by_status), status)
        return report.by_status[status].p99_ms

    @contextmanager
    def _deployed(self) -> Iterator[tuple[str, Served]]:
        """Serve and work on a new database, with names of its own at the broker and more stock than is asked for."""
        with (
            self._postgresql.database() as url,
            own_names(self._rabbitmq_url, url) as broker,
            tempfile.TemporaryDirectory() as folder,
        ):
            with Oms.open(Settings(database_url=url)) as oms:
                oms.schema.upgrade()
                oms.stock.set(SetStock(sku="HOT", on_hand=STOCK), caller=AUDITOR)
            settings = {"OMS_DATABASE_URL": url, "OMS_QUEUE_URL": broker.url, "OMS_QUEUE_PREFIX": broker.prefix}
            with served(Path(folder), settings) as service, working(settings):
                wait_until(lambda: has_worker(service), START_SECONDS_MAX, "the worker is there")
                yield url, service


def has_worker(service: Served) -> bool:
    """Tell whether a worker shows itself."""
    return bool(json.loads(service.ask("GET", "/v1/queue")[1])["workers"])


def check_books(url: str, statuses: set[int], status: int) -> int:
    """Wait until all is placed; end the run when units and orders do not agree. Give the number of orders."""
    with connected(url) as connection, connection.cursor() as cursor:

        def is_drained() -> bool:
            cursor.execute("SELECT NOT EXISTS (SELECT FROM orders WHERE status = 'queued')")
            return bool(cursor.fetchone()[0])

        wait_until(is_drained, DRAIN_SECONDS_MAX, "every order is placed")
    with Oms.open(Settings(database_url=url)) as oms:
        audited = oms.audit(caller=AUDITOR)
        reserved = oms.stock.get("HOT", caller=AUDITOR).reserved
    if audited.discrepancies or reserved != audited.orders or statuses != {status}:
        sys.exit(f"the books are wrong: {audited}, reserved {reserved}, answers {statuses}")
    return audited.orders


def count_placed(url: str) -> int:
    """Count the orders that are placed now."""
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(PLACED)
        return int(cursor.fetchone()[0])


def table_of(
    rounds: Sequence[tuple[Measured, Measured]], latencies: Sequence[tuple[float, float]], pace: float
) -> Table:
    """Show medians, and the medians of the rounds' ratios."""
    table = Table(title=f"POST /v1/orders on one hot SKU, {len(rounds)} rounds")
    for column in ("answer", "orders/s, 64 connections", "placed meanwhile", f"p99 ms at {pace:,.0f}/s"):
        table.add_column(column, justify="right" if column != "answer" else "left")
    for index, name in enumerate(("201", "202 and a worker")):
        rate = statistics.median(pair[index].rate for pair in rounds)
        share = statistics.median(pair[index].placed_share for pair in rounds)
        p99 = statistics.median(pair[index] for pair in latencies)
        table.add_row(name, f"{rate:,.0f}", f"{share:.0%}", f"{p99:.1f}")
    rates = statistics.median(later.rate / at_once.rate for at_once, later in rounds)
    p99s = statistics.median(later / at_once for at_once, later in latencies)
    table.add_row("202 to 201", f"{rates:.2f}x", "", f"{p99s:.2f}x", style="bold")
    return table


if __name__ == "__main__":
    main()
