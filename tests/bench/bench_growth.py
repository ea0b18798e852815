"""What an order costs as the tables fill: orders a second, pages of lists, and the audit, from 0 to 5,000,000 orders.

`python -m tests.bench.bench_growth`: one database is filled step by step with the rows that placing writes. At each
size batches of 500 are placed into it and, in turns, into one that was empty at the start of the step: only their ratio
means much. A deep page begins where 10,000 others of 50 orders end. The audit has to agree. The server is private, with
the settings that docs/running.md recommends; --defaults leaves it its own.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from oms_core import ALL_SCOPES, Caller, Oms, Settings
from oms_core.bootstrap import open_ports
from oms_core.domain.orders.order import OrderFilter
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.ports.storage import Storage
from tests.bench.bench_placing import rate
from tests.bench.growth_looks import look_seconds
from tests.bench.machine import server_binaries
from tests.bench.options import options
from tests.bench.results import Cell, Column, Results, ResultTable
from tests.services.databases import PostgresqlServer
from tests.services.postgresql import PrivatePostgresql, connected
from tests.services.run import new_run

HERE = Path(__file__).parent
SIZES = (0, 1_000_000, 2_000_000, 5_000_000)
BATCH = 500
FILL_CHUNK = 100_000
RECOMMENDED = {
    "shared_buffers": "2GB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "30min",
    "wal_compression": "lz4",
}
PAGE = 50
READINGS = 100
AUDITOR = Caller(name="bench", scopes=ALL_SCOPES)
LISTS = {"all": OrderFilter(), "status=pending": OrderFilter(statuses=frozenset({OrderStatus.PENDING}))}
# Bytes of WAL written so far, of the database on the disk, and events, of which each order placed has one.
FIGURES = """SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint,
  pg_database_size(current_database()), coalesce((SELECT last_value FROM events_id_seq WHERE is_called), 0)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What was measured at one size: a figure of each round; seconds of a page by list, the first and the later one."""

    size: int
    orders: int
    rates: list[float]
    rates_of_new: list[float]
    wal_bytes: list[float]
    bytes_an_order: float
    pages: dict[str, tuple[float, float]]
    looks: dict[str, tuple[float, float]]
    audit_seconds: float


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = options(__doc__, seconds=10, rounds=5)
    parser.add_argument("--orders", type=int, nargs="+", default=SIZES, help="sizes to measure at (%(default)s)")
    parser.add_argument("--deep", type=int, default=10_000, help="pages before the deep one (%(default)s)")
    parser.add_argument("--defaults", action="store_true", help="leave PostgreSQL its own settings")
    given = parser.parse_args(argv)
    settings = {} if given.defaults else RECOMMENDED
    with private_server(settings) as server:
        steps = [*measured(server, sorted(given.orders), given)]
    command = "python -m tests.bench.bench_growth"
    tables = {"growth": rate_table(steps), "looks": look_table(steps), "reading": reading_table(steps)}
    Results(command=command, tables=tables, setting=settings).give(given.json)


@contextmanager
def private_server(settings: Mapping[str, str]) -> Iterator[PostgresqlServer]:
    """Start a server that writes durably, and discard it with all that it has."""
    with new_run() as run:
        server = PrivatePostgresql(run, server_binaries(), settings=settings)
        server.start()
        try:
            yield PostgresqlServer(url=server.url, run=run)
        finally:
            server.discard()


def measured(server: PostgresqlServer, sizes: Sequence[int], given: argparse.Namespace) -> Iterator[Step]:
    """Fill a database to one size after the other, and measure at each beside a new database."""
    with new_shop(server) as grown:
        empty_bytes = figures(grown)[1]
        for size in sizes:
            fill(grown, size, of=max(sizes))
            with new_shop(server) as new:
                pairs = [measure_rates(grown, new, given.seconds) for _ in range(given.rounds)]
                looks = look_seconds(grown, new)
            _, now_bytes, orders = figures(grown)
            yield Step(
                size=size,
                orders=orders,
                rates=[pair[0] for pair in pairs],
                rates_of_new=[pair[1] for pair in pairs],
                wal_bytes=[pair[2] for pair in pairs],
                bytes_an_order=(now_bytes - empty_bytes) / max(1, orders),
                pages=measure_pages(grown, orders, deep=given.deep),
                looks=looks,
                audit_seconds=measure_audit(grown),
            )


@contextmanager
def new_shop(server: PostgresqlServer) -> Iterator[str]:
    """Make a database with 10,000 products; give its URL; drop it."""
    with server.database() as url:
        with Oms.open(Settings(database_url=url)) as oms:
            oms.schema.upgrade()
        run_sql(url, (HERE / "one_order_setup.sql").read_text())
        yield url


def fill(url: str, orders: int, *, of: int) -> None:
    """Place past orders until there are so many, and let the server settle as it would have over the years."""
    sql = (HERE / "past_orders.sql").read_text()
    first, last = figures(url)[2] + 1, orders
    for begin in range(first, last + 1, FILL_CHUNK):
        run_sql(url, sql, {"first": begin, "last": min(begin + FILL_CHUNK - 1, last), "all": max(of, last)})
    run_sql(url, "VACUUM (ANALYZE)")
    run_sql(url, "CHECKPOINT")


def measure_rates(grown: str, new: str, seconds: float) -> tuple[float, float, float]:
    """Place into both for so many seconds; orders a second, and the WAL of one in the grown database."""
    wal, _, orders = figures(grown)
    grown_rate = rate(grown, seconds, orders=BATCH, hot=False)
    wal_after, _, orders_after = figures(grown)
    new_rate = rate(new, seconds, orders=BATCH, hot=False)
    return grown_rate, new_rate, (wal_after - wal) / (orders_after - orders)


def measure_pages(url: str, orders: int, *, deep: int) -> dict[str, tuple[float, float]]:
    """Read the first page and a deep one in turns, of each list; the median seconds of either."""
    if orders <= PAGE * (deep + 1):
        return {}
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id::text FROM orders ORDER BY id DESC OFFSET %s LIMIT 1", (PAGE * deep - 1,))
        (after,) = cursor.fetchone() or ("",)
    with closing(open_ports(Settings(database_url=url)).storage) as storage:
        return {name: page_seconds(storage, wanted, UUID(after)) for name, wanted in LISTS.items()}


def page_seconds(storage: Storage, wanted: OrderFilter, after: UUID) -> tuple[float, float]:
    """Read the first page and the one behind `after` in turns; the median seconds of either."""
    read = partial(storage.orders.find, wanted, limit=PAGE)
    pairs = [(seconds_of(partial(read, after=None)), seconds_of(partial(read, after=after))) for _ in range(READINGS)]
    first, later = zip(*pairs, strict=True)
    return statistics.median(first), statistics.median(later)


def seconds_of(work: Callable[[], Sequence[Any]]) -> float:
    """Time a page, which has to be full."""
    began_at = time.perf_counter()
    if len(work()) != PAGE:
        sys.exit("a page was not full")
    return time.perf_counter() - began_at


def measure_audit(url: str) -> float:
    """Audit the books; the seconds it took. Ends the run where they do not agree."""
    with Oms.open(Settings(database_url=url)) as oms:
        began_at = time.perf_counter()
        audited = oms.audit(caller=AUDITOR)
    if audited.discrepancies:
        sys.exit(f"the books are wrong: {audited}")
    return time.perf_counter() - began_at


def rate_table(steps: Iterable[Step]) -> ResultTable:
    """Lay out what placing costs, a row for each size."""
    columns = [
        Column(name="orders", form="{:,}"),
        Column(name="orders/s", form="{:,.0f}"),
        Column(name="to an empty one", form="{:.0%}"),
        Column(name="WAL bytes an order", form="{:,.0f}"),
        Column(name="bytes on disk an order", form="{:,.0f}"),
    ]
    rows: list[list[Cell]] = []
    for step in steps:
        ratios = [grown / new for grown, new in zip(step.rates, step.rates_of_new, strict=True)]
        on_disk = step.bytes_an_order if step.orders > FILL_CHUNK else ""
        rows.append([step.size, step.rates, ratios, step.wal_bytes, on_disk])
    return ResultTable(title="Growth, batches of 500", columns=columns, rows=rows)


def look_table(steps: Iterable[Step]) -> ResultTable:
    """Lay out what a look at one thing takes, to the same look at a database that is new, a row for each size."""
    steps = list(steps)
    columns = [Column(name="orders", form="{:,}")]
    for name in steps[0].looks:
        columns += [Column(name=f"{name}, ms", form="{:.2f}"), Column(name=f"{name}: to a new one", form="{:.2f}x")]
    rows: list[list[Cell]] = []
    for step in steps:
        figures = [(grown * 1_000, grown / new) for grown, new in step.looks.values()]
        rows.append([step.size, *(cell for pair in figures for cell in pair)])
    return ResultTable(title="A look at one thing", columns=columns, rows=rows)


def reading_table(steps: Iterable[Step]) -> ResultTable:
    """Lay out what pages and the audit take, a row for each size."""
    columns = [Column(name="orders", form="{:,}"), Column(name="audit, s", form="{:.1f}")]
    for name in LISTS:
        columns += [Column(name=f"{name}: page 1, ms", form="{:.2f}"), Column(name=f"{name}: deep", form="{:.2f}x")]
    rows: list[list[Cell]] = []
    for step in steps:
        row: list[Cell] = [step.size, step.audit_seconds]
        for name in LISTS:
            first, later = step.pages.get(name, (0.0, 0.0))
            row += [first * 1_000, later / first] if first else ["", ""]
        rows.append(row)
    title = f"Pages of {PAGE} orders, the first and one far behind it, and the audit"
    return ResultTable(title=title, columns=columns, rows=rows)


def figures(url: str) -> tuple[int, int, int]:
    """Give the bytes of WAL written so far, the bytes of the database, and its orders."""
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(FIGURES)
        wal, on_disk, orders = cursor.fetchone() or (0, 0, 0)
    return wal, on_disk, orders


def run_sql(url: str, sql: str, parameters: dict[str, int] | None = None) -> None:
    """Run SQL outside of any transaction of ours."""
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(sql, parameters)


if __name__ == "__main__":
    main()
