"""Times `oms audit` of many orders of two lines on PostgreSQL, beside a statement that reads the same rows once.

`python -m tests.bench.bench_audit`; four of five orders have left or been cancelled, so an order has 3.6 ledger rows.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from oms_core import Oms, Settings
from tests.bench.options import options_of_rounds
from tests.bench.postgresql import postgresql_server
from tests.bench.results import Column, Results, ResultTable
from tests.services.postgresql import connected

OMS = str(Path(sys.executable).with_name("oms"))
FILL = Path(__file__).with_name("audit_fill.sql")
FLOOR = """SELECT (SELECT sum(reserved_delta + on_hand_delta) FROM stock_movements),
  (SELECT sum(quantity) FROM order_lines), (SELECT count(status) FROM orders)"""


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = options_of_rounds(__doc__, rounds=3)
    parser.add_argument("--orders", type=int, default=500_000, help="in the database (%(default)s)")
    given = parser.parse_args(argv)
    with postgresql_server() as server, server.database() as url:
        fill(url, given.orders)
        rounds = [(seconds_of_audit(url), seconds_of_floor(url)) for _ in range(given.rounds)]
    names = ("oms audit", "all rows read once")
    rows = [
        [name, list(seconds), [given.orders / each for each in seconds]]
        for name, seconds in zip(names, zip(*rounds, strict=True), strict=True)
    ]
    columns = (Column(name=""), Column(name="seconds", form="{:,.1f}"), Column(name="orders/s", form="{:,.0f}"))
    table = ResultTable(title=f"Audit of {given.orders:,} orders", columns=columns, rows=rows)
    command = f"python -m tests.bench.bench_audit --orders {given.orders}"
    Results(command=command, tables={"audit": table}).give(given.json)


def fill(url: str, orders: int) -> None:
    """Make the schema, fill it, and let the planner know."""
    with Oms.open(Settings(database_url=url)) as oms:
        oms.schema.upgrade()
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(FILL.read_text(), {"orders": orders})
        cursor.execute("VACUUM ANALYZE")


def seconds_of_audit(url: str) -> float:
    """Run the command; the books must agree."""
    begun = time.perf_counter()
    subprocess.run((OMS, "--database-url", url, "audit"), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def seconds_of_floor(url: str) -> float:
    """Run a statement that reads the rows that an audit compares."""
    with connected(url) as connection, connection.cursor() as cursor:
        begun = time.perf_counter()
        cursor.execute(FLOOR)
        return time.perf_counter() - begun


if __name__ == "__main__":
    main()
