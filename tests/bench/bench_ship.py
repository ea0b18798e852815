"""Shipping many orders from a partner's file: a CSV of a row for each, on PostgreSQL.

`python -m tests.bench.bench_ship`: in each round --orders orders of two lines, over 1,000 products, are placed and then
shipped by one import of a CSV file with their tracking numbers. In turns with it, 200 are shipped one by one. One
order of 200 lines is shipped too, in one transaction. Then the books are audited.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Sequence
from uuid import UUID

from oms_core import (
    ALL_SCOPES,
    Caller,
    CreateShipment,
    ImportShipments,
    Oms,
    OrderLine,
    PlaceOrder,
    SetStock,
    Settings,
)
from oms_core.domain.limits import BATCH_ORDERS_MAX
from tests.bench.options import options_of_rounds
from tests.bench.postgresql import postgresql_server
from tests.bench.results import Cell, Column, Results, ResultTable

CALLER = Caller(name="bench", scopes=ALL_SCOPES)
PRODUCTS = 1_000
ALONE = 200
LINES = 200


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = options_of_rounds(__doc__, rounds=3)
    parser.add_argument("--orders", type=int, default=10_000, help="that are shipped from the file (%(default)s)")
    given = parser.parse_args(argv)
    alone = min(ALONE, given.orders)
    of_file, one_by_one, of_lines = [], [], []
    with postgresql_server() as server, server.database() as url, Oms.open(Settings(database_url=url)) as oms:
        oms.schema.upgrade()
        for number in range(PRODUCTS):
            oms.stock.set(SetStock(sku=sku(number), on_hand=10_000_000), caller=CALLER)
        for _ in range(given.rounds):
            of_file.append(given.orders / seconds_of_file(oms, place(oms, given.orders)))
            one_by_one.append(alone / seconds_one_by_one(oms, place(oms, alone)))
            of_lines.append(1_000 * seconds_one_by_one(oms, place(oms, 1, lines=LINES)))
        if oms.audit(caller=CALLER).discrepancies:
            sys.exit("the books are wrong")
    ratios = [many / each for many, each in zip(of_file, one_by_one, strict=True)]
    rows: list[list[Cell]] = [
        [f"{given.orders:,} orders from a file", of_file, ratios],
        [f"{alone:,} orders one by one", one_by_one, [1.0] * given.rounds],
    ]
    table = ResultTable(title="Orders of two lines are shipped", columns=COLUMNS, rows=rows)
    large = ResultTable(
        title=f"An order of {LINES} lines is shipped", columns=LARGE_COLUMNS, rows=[["one transaction", of_lines]]
    )
    command = f"python -m tests.bench.bench_ship --orders {given.orders}"
    Results(command=command, tables={"ship": table, "lines": large}).give(given.json)


COLUMNS = (
    Column(name=""),
    Column(name="orders/s", form="{:,.0f}"),
    Column(name="to one by one", form="{:.1f}x"),
)
LARGE_COLUMNS = (Column(name=""), Column(name="milliseconds", form="{:,.0f}"))


def sku(number: int) -> str:
    """Name a product."""
    return f"SKU-{number % PRODUCTS:04d}"


def place(oms: Oms, orders: int, *, lines: int = 2) -> list[UUID]:
    """Place so many orders; return their ids."""
    commands = [
        PlaceOrder(
            customer_id="C1",
            lines=[OrderLine(sku=sku(number + 7 * line), quantity=1 + line % 3) for line in range(lines)],
        )
        for number in range(orders)
    ]
    placed = []
    for start in range(0, orders, BATCH_ORDERS_MAX):
        outcomes = oms.orders.place_many(commands[start : start + BATCH_ORDERS_MAX], caller=CALLER)
        placed += [outcome.order.id for outcome in outcomes if hasattr(outcome, "order")]
    return placed


def seconds_of_file(oms: Oms, order_ids: Sequence[UUID]) -> float:
    """Time how orders are shipped from a file."""
    rows = [f"{order_id},DHL,T-{order_id}\n" for order_id in order_ids]
    file = io.BytesIO("".join(["order_id,carrier,tracking_number\n", *rows]).encode())
    began_at = time.perf_counter()
    report = oms.imports.shipments(ImportShipments(), file, caller=CALLER)
    if report.made != len(order_ids):
        sys.exit(f"not all were shipped: {report}")
    return time.perf_counter() - began_at


def seconds_one_by_one(oms: Oms, order_ids: Sequence[UUID]) -> float:
    """Time how orders are shipped in a call each."""
    began_at = time.perf_counter()
    for order_id in order_ids:
        oms.shipments.create(CreateShipment(order_id=order_id), caller=CALLER)
    return time.perf_counter() - began_at


if __name__ == "__main__":
    main()
