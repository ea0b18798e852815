"""Compares placing in batches with one order per transaction, which pgbench does with the same rows.

`python -m tests.bench.bench_placing`: each round measures everything on a fresh database, one after the other, and only
ratios of one round mean anything. SQLite is compared with itself. Preparing the orders is not counted: request threads
do it while a batch is being committed. Afterwards the books must be right, or the figures are worth nothing.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path

from oms_core import ALL_SCOPES, Caller, OrderLine, PlaceOrder, Settings
from oms_core.bootstrap import open_ports
from oms_core.domain.orders.placement import Placed, Placement, PlacementView, Verdict, decide_placement
from oms_core.ports.clock import SystemClock
from oms_core.use_cases.orders.prepare_placement import prepare_placement
from tests.bench.checkouts import HERE, SKUS, STOCK, Checkout, check_sums, checkouts, sku
from tests.bench.options import options_of_comparison
from tests.bench.postgresql import postgresql_server
from tests.bench.results import Column, Results, ResultTable
from tests.services.databases import PostgresqlServer
from tests.services.postgresql import connected

CALLER = Caller(name="bench", scopes=ALL_SCOPES)
CLOCK = SystemClock()
PRICE = Decimal("1.00")
SCRIPT = Path(__file__).with_name("one_order.sql")
BATCHES = (1, 2, 5, 10, 20, 50, 100, 200, 500)
BATCHES_OF_OTHERS = (20, 500)
PGBENCH_NAME = "pgbench, 1 order a transaction, 8 clients"
COLUMNS = (Column(name=""), Column(name="orders/s", form="{:,.0f}"), Column(name="ratio", form="{:.2f}x"))
PGBENCH = ["pgbench", "--no-vacuum", "--protocol", "prepared", "--client=8", "--jobs=2"]


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = options_of_comparison(__doc__, seconds=2, rounds=3)
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES, help="on PostgreSQL (%(default)s)")
    given = parser.parse_args(argv)
    compared = checkouts(given.base)
    tables = {}
    for hot, skus in ((True, "one hot product and one of 10,000"), (False, "two of 10,000 products")):
        batches = given.batches if hot else BATCHES_OF_OTHERS
        rounds = [on_postgresql(compared, given.seconds, batches, hot=hot) for _ in range(given.rounds)]
        tables["hot" if hot else "spread"] = table_of(f"PostgreSQL, orders of {skus}", rounds)
    rounds = [on_sqlite(compared, given.seconds) for _ in range(given.rounds)]
    tables["sqlite"] = table_of("SQLite, synchronous=FULL", rounds)
    Results(command="python -m tests.bench.bench_placing", tables=tables).give(given.json)


def on_postgresql(
    compared: Sequence[Checkout], seconds: float, batches: Sequence[int], *, hot: bool
) -> dict[str, float]:
    """Measure pgbench and batches, each checkout on a new database; orders a second by contender, the floor first."""
    with ExitStack() as ending, postgresql_server() as server:
        urls = {each: ending.enter_context(prepared_database(server, each)) for each in compared}
        measured = {PGBENCH_NAME: rate_of_pgbench(urls[HERE], seconds * 2, hot=hot)}
        for orders in batches:
            for checkout, url in urls.items():
                call = f"bench_placing.rate({url!r}, {seconds}, orders={orders}, hot={hot})"
                measured[name_of(checkout, orders)] = checkout.call(call)
        for checkout, url in urls.items():
            call = f"bench_placing.rate_of_processes({url!r}, {seconds * 2}, orders=500, hot={hot}, processes=2)"
            measured[name_of(checkout, 500, processes=2)] = checkout.call(call)
    return measured


def name_of(checkout: Checkout, orders: int, *, processes: int = 1) -> str:
    """Name a contender."""
    words = ["1 order a transaction" if orders == 1 else f"batches of {orders}"]
    words += [f"{processes} processes"] if processes > 1 else []
    return ", ".join([*words, checkout.name] if checkout.name else words)


@contextmanager
def prepared_database(server: PostgresqlServer, checkout: Checkout) -> Iterator[str]:
    """Give a new database with what pgbench needs; check its books at the end."""
    with server.database() as url:
        checkout.oms("db", "upgrade", url=url)
        with connected(url) as connection:
            connection.cursor().execute((checkout.folder / "tests" / "bench" / "one_order_setup.sql").read_text())
        yield url
        with connected(url) as connection, connection.cursor() as cursor:
            check_sums(cursor)


def on_sqlite(compared: Sequence[Checkout], seconds: float) -> dict[str, float]:
    """Measure one order a transaction and batches on new files; orders a second by contender, the floor first."""
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        urls = {each: f"sqlite:///{folder}/{number}.db" for number, each in enumerate(compared)}
        for checkout, url in urls.items():
            checkout.stock(url, {sku(number): STOCK for number in range(1, 101)})
        for orders in (1, 20, 100, 500):
            for checkout, url in urls.items():
                call = f"bench_placing.rate({url!r}, {seconds}, orders={orders}, hot=True, skus=100)"
                measured[name_of(checkout, orders)] = checkout.call(call)
        for checkout, url in urls.items():
            checkout.check_books(url)
    return measured


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
    command = [*PGBENCH, "--define", f"hot={int(hot)}", "--time", str(round(seconds)), "--file", str(SCRIPT), url]
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


def decide(placements: Sequence[Placement], view: PlacementView) -> list[Verdict]:
    """Decide as the core does."""
    return decide_placement(placements, view, ("main",))


def table_of(title: str, rounds: Sequence[Mapping[str, float]]) -> ResultTable:
    """Make a table of every round's rates and their ratios to the first contender's."""
    floor = next(iter(rounds[0]))
    rows = [
        [name, [each[name] for each in rounds], [each[name] / each[floor] for each in rounds]] for name in rounds[0]
    ]
    return ResultTable(title=f"{title}, {len(rounds)} rounds", columns=COLUMNS, rows=rows)


if __name__ == "__main__":
    main()
