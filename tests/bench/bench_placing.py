"""Compares placing in batches with one order per transaction, which pgbench does with the same rows.

`python -m tests.bench.bench_placing`: each round measures everything on a fresh database, one after the other, and only
ratios of one round mean anything. SQLite is compared with itself. Preparing the orders is not counted: request threads
do it while a batch is being committed. Afterwards the books must be right, or the figures are worth nothing.
"""

from __future__ import annotations

import argparse
import random
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from oms_core import ALL_SCOPES, Caller, OrderLine, PlaceOrder, SetStock, Settings
from oms_core.bootstrap import open_ports
from oms_core.domain.orders.placement import Placed, Placement, PlacementView, Verdict, decide_placement
from oms_core.ports.clock import SystemClock
from oms_core.use_cases.orders.prepare_placement import prepare_placement
from oms_core.use_cases.stock import Stock
from tests.bench.postgresql import postgresql_server
from tests.services.postgresql import connected

CALLER = Caller(name="bench", scopes=ALL_SCOPES)
CLOCK = SystemClock()
SKUS = 10_000
PRICE = Decimal("1.00")
HERE = Path(__file__).parent
PGBENCH = ["pgbench", "--no-vacuum", "--protocol", "prepared", "--client=8", "--jobs=2"]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    options = parser.parse_args()
    console = Console(width=120)
    for hot in (True, False):
        rounds = [on_postgresql(options.seconds, hot=hot) for _ in range(options.rounds)]
        skus = "one hot SKU and one of 10,000" if hot else "two SKUs of 10,000"
        console.print(table_of(f"PostgreSQL, orders of {skus}", rounds))
    console.print(table_of("SQLite, synchronous=FULL", [on_sqlite(options.seconds) for _ in range(options.rounds)]))


def on_postgresql(seconds: float, *, hot: bool) -> dict[str, float]:
    """Measure pgbench and batches on one new database; orders a second by contender, the floor first."""
    with postgresql_server() as server, server.database() as url:
        with closing(open_ports(Settings(database_url=url)).storage) as storage, connected(url) as connection:
            storage.schema.upgrade()
            connection.cursor().execute((HERE / "one_order_setup.sql").read_text())
        rates = {
            "pgbench, 1 order a transaction, 8 clients": rate_of_pgbench(url, seconds, hot=hot),
            "batches of 500, 1 process": rate(url, seconds, orders=500, hot=hot),
            "batches of 500, 2 processes": rate_of_processes(url, seconds, orders=500, hot=hot, processes=2),
            "batches of 20, 1 process": rate(url, seconds, orders=20, hot=hot),
            "1 order a transaction, 1 process": rate(url, seconds, orders=1, hot=hot),
        }
        with connected(url) as connection, connection.cursor() as cursor:
            check_books(cursor)
    return rates


def on_sqlite(seconds: float) -> dict[str, float]:
    """Measure one order a transaction and batches on one new file; orders a second by contender, the floor first."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.db"
        with closing(open_ports(Settings(database_url=url)).storage) as storage:
            stock = Stock(storage=storage, clock=CLOCK, default_location="main")
            for number in range(1, 101):
                stock.set(SetStock(sku=sku(number), on_hand=1_000_000_000), caller=CALLER)
        rates = {
            f"{orders} orders a transaction": rate(url, seconds, orders=orders, hot=True, skus=100)
            for orders in (1, 20, 100, 500)
        }
        with closing(sqlite3.connect(f"{folder}/bench.db")) as connection:
            check_books(connection.cursor())
    return rates


def rate(url: str, seconds: float, *, orders: int, hot: bool, skus: int = SKUS) -> float:
    """Place batch after batch in this process; orders a second, without the time to prepare them."""
    placed, placing_seconds = 0, 0.0
    with closing(open_ports(Settings(database_url=url)).storage) as storage:
        storage.orders.place([prepared(hot=hot, skus=skus)], decide)  # Connects and prepares statements.
        ends_at = time.perf_counter() + seconds
        while time.perf_counter() < ends_at:
            batch = [prepared(hot=hot, skus=skus) for _ in range(orders)]
            began_at = time.perf_counter()
            outcomes = storage.orders.place(batch, decide)
            placing_seconds += time.perf_counter() - began_at
            placed += sum(isinstance(outcome, Placed) for outcome in outcomes)
    return placed / placing_seconds


def rate_of_processes(url: str, seconds: float, *, orders: int, hot: bool, processes: int) -> float:
    """Place in several processes at once; orders a second together."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        rates = [pool.submit(rate, url, seconds, orders=orders, hot=hot) for _ in range(processes)]
        return sum(each.result() for each in rates)


def rate_of_pgbench(url: str, seconds: float, *, hot: bool) -> float:
    """Run pgbench; transactions a second."""
    script = str(HERE / "one_order.sql")
    command = [*PGBENCH, "--define", f"hot={int(hot)}", "--time", str(round(seconds)), "--file", script, url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
    if not found:
        sys.exit(f"pgbench failed: {done.stderr}")
    return float(found[1])


def prepared(*, hot: bool, skus: int) -> Placement:
    """Make an order of two lines."""
    lines = [1 if hot else random.randint(1, skus), random.randint(2, skus)]
    command = PlaceOrder(
        customer_id=f"C{random.randrange(100_000)}",
        lines=[OrderLine(sku=sku(number), quantity=1, unit_price=PRICE) for number in lines],
        idempotency_key=f"{random.getrandbits(60):x}",
    )
    return prepare_placement(command, caller=CALLER, clock=CLOCK, currency="EUR")


def sku(number: int) -> str:
    """Name a product."""
    return f"SKU-{number:06}"


def decide(placements: Sequence[Placement], view: PlacementView) -> list[Verdict]:
    """Decide as the core does."""
    return decide_placement(placements, view, ("main",))


def check_books(cursor: Any) -> None:
    """End the run when the units reserved are not those of the orders and of the ledger."""
    cursor.execute("SELECT sum(reserved) FROM stock_levels")
    (reserved,) = cursor.fetchone()
    for other in ("SELECT sum(quantity) FROM order_lines", "SELECT sum(reserved_delta) FROM stock_movements"):
        cursor.execute(other)
        if cursor.fetchone() != (reserved,):
            sys.exit(f"the books are wrong: {reserved} reserved, but {other} differs")


def table_of(title: str, rounds: Sequence[Mapping[str, float]]) -> Table:
    """Show medians, and the medians of the rounds' ratios to the first contender."""
    table = Table(title=f"{title} ({len(rounds)} rounds)")
    for column in ("", "orders/s", "ratio"):
        table.add_column(column, justify="right" if column else "left")
    floor = next(iter(rounds[0]))
    for name in rounds[0]:
        ratio = statistics.median(each[name] / each[floor] for each in rounds)
        table.add_row(name, f"{statistics.median(each[name] for each in rounds):,.0f}", f"{ratio:.1f}x")
    return table


if __name__ == "__main__":
    main()
