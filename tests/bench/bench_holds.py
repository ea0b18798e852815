"""Holds that run out together: how fast their stock is free again, and what 64 buyers wait meanwhile.

`python -m tests.bench.bench_holds`: --holds orders are held until the same second, each of --skus products by turns.
A process of its own sweeps, as `oms worker` does, while 64 threads place orders; then the books are audited. The same
buyers are timed before, alone.
"""

from __future__ import annotations

import multiprocessing
import sys
import threading
import time
from collections.abc import Sequence

import psycopg2

from oms_core import Oms, OrderLine, PlaceOrder, Settings
from oms_core.domain.limits import BATCH_ORDERS_MAX
from tests.bench.bench_archive import BUYERS, CALLER, after, bought_until, figures, p99
from tests.bench.bench_audit import fill
from tests.bench.bench_growth import RECOMMENDED, private_server
from tests.bench.options import options
from tests.bench.results import Column, Results, ResultTable

HOLD_SECONDS = 86_400
LEAD_SECONDS = 3.0
LOOK_SECONDS = 0.05
# By the database's clock, for all of them alike.
_DUE = """WITH due AS (
    UPDATE waiting_orders SET due_at = now() + make_interval(secs => %s) WHERE waits_for = 'confirm'
    RETURNING order_id, due_at)
UPDATE orders SET hold_until = due.due_at FROM due WHERE orders.id = due.order_id"""


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = options(__doc__, seconds=15, rounds=1)
    parser.add_argument("--holds", type=int, default=10_000, help="that run out together (%(default)s)")
    parser.add_argument("--skus", type=int, default=10_000, help="that they hold; 1 is one hot product (%(default)s)")
    parser.add_argument("--orders", type=int, default=20_000, help="in the database before (%(default)s)")
    given = parser.parse_args(argv)
    with private_server(RECOMMENDED) as server, server.database() as url:
        fill(url, given.orders)
        with Oms.open(Settings(database_url=url)) as oms:
            hold(oms, given.holds, given.skus)
            alone = bought_until(oms, after(given.seconds))
            sweeping = multiprocessing.get_context("spawn").Process(target=sweep, args=(url,), daemon=True)
            sweeping.start()
            let_run_out(url)
            due_at = time.perf_counter() + LEAD_SECONDS
            threading.Event().wait(LEAD_SECONDS)
            beside = bought_until(oms, lambda: is_swept(oms))
            seconds = time.perf_counter() - due_at
            sweeping.terminate()
            sweeping.join()
            if oms.audit(caller=CALLER).discrepancies:
                sys.exit("the books are wrong")
    rows = [
        ["buyers alone", *figures(alone), 1.0, "", ""],
        ["while holds run out", *figures(beside), p99(beside) / p99(alone), seconds, given.holds / seconds],
    ]
    command = f"python -m tests.bench.bench_holds --holds {given.holds} --skus {given.skus}"
    title = f"{given.holds:,} holds of {given.skus:,} products that run out together, beside {BUYERS} buyers"
    Results(command=command, tables={"holds": ResultTable(title=title, columns=COLUMNS, rows=rows)}).give(given.json)


COLUMNS = (
    Column(name=""),
    Column(name="orders/s", form="{:,.0f}"),
    Column(name="p50 ms", form="{:,.1f}"),
    Column(name="p99 ms", form="{:,.1f}"),
    Column(name="p99, to alone", form="{:.2f}x"),
    Column(name="all free after s", form="{:,.1f}"),
    Column(name="expired/s", form="{:,.0f}"),
)


def hold(oms: Oms, holds: int, skus: int) -> None:
    """Place orders that are held for a day."""
    for start in range(0, holds, BATCH_ORDERS_MAX):
        numbers = range(start, min(holds, start + BATCH_ORDERS_MAX))
        lines = [[OrderLine(sku=f"SKU-{number % skus:05}", quantity=1)] for number in numbers]
        commands = [PlaceOrder(customer_id="C1", lines=each, hold_seconds=HOLD_SECONDS) for each in lines]
        oms.orders.place_many(commands, caller=CALLER)


def let_run_out(url: str) -> None:
    """Let all holds run out at once, in a few seconds."""
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(_DUE, (LEAD_SECONDS,))
    connection.close()


def is_swept(oms: Oms) -> bool:
    """Return whether no hold is overdue; looking costs the buyers a little."""
    threading.Event().wait(LOOK_SECONDS)
    return not oms._ports.storage.holds.count_overdue()


def sweep(url: str) -> None:
    """Expire what is overdue until this process is ended."""
    with Oms.open(Settings(database_url=url)) as oms:
        oms.run_hold_sweep(threading.Event())


if __name__ == "__main__":
    main()
