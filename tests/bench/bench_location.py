"""How long it takes to find the open orders that a location serves, of many that are open.

`python -m tests.bench.bench_location`: of --orders open orders one in --every is served by another location, whose open
orders are listed page by page. Beside it the first page of all orders.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from oms_core import ALL_SCOPES, Caller, Oms, Order, OrderLine, Page, PlaceOrder, SetStock, Settings
from oms_core.domain.limits import BATCH_ORDERS_MAX, COUNT_MAX
from tests.bench.options import options_of_rounds
from tests.bench.postgresql import postgresql_server
from tests.bench.results import Cell, Column, Results, ResultTable

CALLER = Caller(name="bench", scopes=ALL_SCOPES)
HERE, THERE = "HERE", "THERE"
LIMIT = 50
MILLISECONDS = 1_000


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = options_of_rounds(__doc__, rounds=5)
    parser.add_argument("--orders", type=int, default=100_000, help="that are open (%(default)s)")
    parser.add_argument("--every", type=int, default=1_000, help="one of so many is served elsewhere (%(default)s)")
    given = parser.parse_args(argv)
    with postgresql_server() as server, server.database() as url, Oms.open(Settings(database_url=url)) as oms:
        oms.schema.upgrade()
        oms.stock.set(SetStock(sku=HERE, on_hand=COUNT_MAX), caller=CALLER)
        oms.stock.set(SetStock(sku=THERE, on_hand=COUNT_MAX, location="north"), caller=CALLER)
        place(oms, given.orders, given.every)
        rows: list[list[Cell]] = [
            ["a page of all", 1, *timed(lambda: [oms.orders.list(caller=CALLER, limit=LIMIT)], given.rounds)],
            ["the first page there", 1, *timed(lambda: [of_north(oms, None)], given.rounds)],
        ]
        found = all_of_north(oms)
        rows.append(["all pages there", len(found), *timed(lambda: all_of_north(oms), given.rounds)])
    command = f"python -m tests.bench.bench_location --orders {given.orders} --every {given.every}"
    title = f"Of {given.orders:,} open orders those that a location serves, one in {given.every:,}"
    Results(command=command, tables={"location": ResultTable(title=title, columns=COLUMNS, rows=rows)}).give(given.json)


COLUMNS = (
    Column(name=""),
    Column(name="pages", form="{:,}"),
    Column(name="ms", form="{:,.1f}"),
    Column(name="orders found", form="{:,.0f}"),
)


def place(oms: Oms, orders: int, every: int) -> None:
    """Place orders of which some are served elsewhere."""
    for start in range(0, orders, BATCH_ORDERS_MAX):
        numbers = range(start, min(orders, start + BATCH_ORDERS_MAX))
        lines = [[OrderLine(sku=HERE if number % every else THERE, quantity=1)] for number in numbers]
        oms.orders.place_many([PlaceOrder(customer_id="C1", lines=each) for each in lines], caller=CALLER)


def timed(work: Callable[[], Sequence[Page[Order]]], rounds: int) -> tuple[list[float], int]:
    """Return the milliseconds of each round, and how many orders were found."""
    taken = []
    for _ in range(rounds):
        began_at = time.perf_counter()
        pages = work()
        taken.append((time.perf_counter() - began_at) * MILLISECONDS)
    return taken, sum(len(page.items) for page in pages)


def of_north(oms: Oms, cursor: str | None) -> Page[Order]:
    """Read a page of what the other location serves."""
    return oms.orders.list(caller=CALLER, location="north", cursor=cursor, limit=LIMIT)


def all_of_north(oms: Oms) -> list[Page[Order]]:
    """Read all its pages."""
    pages = [of_north(oms, None)]
    while pages[-1].next is not None:
        pages.append(of_north(oms, pages[-1].next))
    return pages


if __name__ == "__main__":
    main()
