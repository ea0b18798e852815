"""Cancelling many orders of one hot product: in calls of 1,000, and one by one.

`python -m tests.bench.bench_cancel`: in each round --orders orders of one unit are placed and cancelled, once each way,
in drawn turns and by one thread on PostgreSQL. Then the books are audited.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence
from uuid import UUID

from oms_core import (
    ALL_SCOPES,
    Caller,
    ChangeOrderStatuses,
    Oms,
    Order,
    OrderLine,
    OrderStatus,
    PlaceOrder,
    SetStock,
    Settings,
)
from oms_core.domain.limits import BATCH_ORDERS_MAX
from tests.bench.options import options_of_rounds
from tests.bench.postgresql import postgresql_server
from tests.bench.results import Cell, Column, Results, ResultTable

CALLER = Caller(name="bench", scopes=ALL_SCOPES)
HOT = "HOT"

Cancel = Callable[[Oms, Sequence[UUID]], None]


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = options_of_rounds(__doc__, rounds=3)
    parser.add_argument("--orders", type=int, default=1_000, help="that are cancelled (%(default)s)")
    given = parser.parse_args(argv)
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    with postgresql_server() as server, server.database() as url, Oms.open(Settings(database_url=url)) as oms:
        oms.schema.upgrade()
        oms.stock.set(SetStock(sku=HOT, on_hand=given.orders), caller=CALLER)
        for _ in range(given.rounds):
            for name in random.sample(sorted(WAYS), len(WAYS)):
                seconds[name].append(seconds_of(oms, WAYS[name], given.orders))
        if oms.audit(caller=CALLER).discrepancies or oms.stock.get(HOT, caller=CALLER).reserved:
            sys.exit("the books are wrong")
    one_by_one = seconds[ONE_BY_ONE]
    rows: list[list[Cell]] = [
        [
            name,
            taken,
            [given.orders / each for each in taken],
            [slow / fast for slow, fast in zip(one_by_one, taken, strict=True)],
        ]
        for name, taken in seconds.items()
    ]
    table = ResultTable(title=f"{given.orders:,} orders of one hot product are cancelled", columns=COLUMNS, rows=rows)
    command = f"python -m tests.bench.bench_cancel --orders {given.orders}"
    Results(command=command, tables={"cancel": table}).give(given.json)


COLUMNS = (
    Column(name=""),
    Column(name="seconds", form="{:,.2f}"),
    Column(name="orders/s", form="{:,.0f}"),
    Column(name="to one by one", form="{:.1f}x"),
)


def seconds_of(oms: Oms, cancel: Cancel, orders: int) -> float:
    """Place so many orders, and time how they are cancelled."""
    order_ids = [order_id for start in range(0, orders, BATCH_ORDERS_MAX) for order_id in place(oms, orders - start)]
    began_at = time.perf_counter()
    cancel(oms, order_ids)
    return time.perf_counter() - began_at


def place(oms: Oms, left: int) -> list[UUID]:
    """Place a batch, of those that are left, and return the ids."""
    lines = [OrderLine(sku=HOT, quantity=1)]
    commands = [PlaceOrder(customer_id="C1", lines=lines) for _ in range(min(left, BATCH_ORDERS_MAX))]
    return [outcome.order.id for outcome in oms.orders.place_many(commands, caller=CALLER) if hasattr(outcome, "order")]


def cancel_together(oms: Oms, order_ids: Sequence[UUID]) -> None:
    """Cancel them in as few calls as there may be."""
    for start in range(0, len(order_ids), BATCH_ORDERS_MAX):
        part = order_ids[start : start + BATCH_ORDERS_MAX]
        command = ChangeOrderStatuses(order_ids=part, status=OrderStatus.CANCELLED)
        moved = oms.orders.change_many(command, caller=CALLER)
        if not all(isinstance(each, Order) for each in moved):
            sys.exit("an order was not cancelled")


def cancel_one_by_one(oms: Oms, order_ids: Sequence[UUID]) -> None:
    """Cancel each in a call of its own."""
    for order_id in order_ids:
        oms.orders.cancel(order_id, caller=CALLER)


ONE_BY_ONE = "one by one"
WAYS: dict[str, Cancel] = {"together": cancel_together, ONE_BY_ONE: cancel_one_by_one}

if __name__ == "__main__":
    main()
