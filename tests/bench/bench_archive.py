"""Archiving beside buyers: what 64 of them wait while finished orders leave the database, and how fast these leave.

`python -m tests.bench.bench_archive`: four fifths of the orders are finished, and leave as fast as --per-second lets
them, while 64 threads place orders; then the books are audited. The same buyers are timed before, alone.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

from oms_core import ALL_SCOPES, Caller, Oms, OrderLine, PlaceOrder, Settings
from tests.bench.bench_audit import OMS, fill
from tests.bench.bench_growth import RECOMMENDED, private_server
from tests.bench.options import options
from tests.bench.results import Column, Results, ResultTable

BUYERS = 64
CALLER = Caller(name="bench", scopes=ALL_SCOPES)
MILLISECONDS = 1_000


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = options(__doc__, seconds=15, rounds=1)
    parser.add_argument("--orders", type=int, default=250_000, help="in the database (%(default)s)")
    parser.add_argument("--per-second", type=int, default=2_000, help="how many may leave a second (%(default)s)")
    given = parser.parse_args(argv)
    with private_server(RECOMMENDED) as server, server.database() as url, tempfile.TemporaryDirectory() as folder:
        fill(url, given.orders)
        file = Path(folder) / "orders.jsonl.gz"
        with Oms.open(Settings(database_url=url)) as oms:
            alone = bought_until(oms, after(given.seconds))
            archiving = subprocess.Popen(
                (OMS, "--database-url", url, *words_of(file, given.per_second)),
                stdout=subprocess.DEVNULL,
            )
            began_at = time.perf_counter()
            beside = bought_until(oms, lambda: archiving.poll() is not None)
            seconds = time.perf_counter() - began_at
            left = sum(1 for _ in oms.archive.list(file, caller=CALLER))
            if archiving.returncode or oms.audit(caller=CALLER).discrepancies:
                sys.exit("the orders did not leave, or the books are wrong")
        bytes_an_order = file.stat().st_size / left
    rows = [
        ["buyers alone", *figures(alone), 1.0, "", ""],
        ["while orders leave", *figures(beside), p99(beside) / p99(alone), left / seconds, bytes_an_order],
    ]
    command = f"python -m tests.bench.bench_archive --orders {given.orders} --per-second {given.per_second}"
    title = f"{left:,} of {given.orders:,} orders archived beside {BUYERS} buyers"
    Results(command=command, tables={"archive": ResultTable(title=title, columns=COLUMNS, rows=rows)}).give(given.json)


COLUMNS = (
    Column(name=""),
    Column(name="orders/s", form="{:,.0f}"),
    Column(name="p50 ms", form="{:,.1f}"),
    Column(name="p99 ms", form="{:,.1f}"),
    Column(name="p99, to alone", form="{:.2f}x"),
    Column(name="archived/s", form="{:,.0f}"),
    Column(name="bytes an order in the file", form="{:,.0f}"),
)


def words_of(file: Path, per_second: int) -> tuple[str, ...]:
    """Return the command that archives all that is finished."""
    return "orders", "archive", str(file), "--older-than", "1s", "--per-second", str(per_second)


def after(seconds: float) -> Callable[[], bool]:
    """Return what says whether so many seconds have passed."""
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() >= end


def bought_until(oms: Oms, is_over: Callable[[], bool]) -> list[float]:
    """Let the buyers place one order after the other, and return the seconds of each order."""
    seconds: list[float] = []
    numbers = count()
    over = threading.Event()

    def buy() -> None:
        while not over.is_set():
            number = next(numbers)
            lines = [OrderLine(sku=f"SKU-{(number * 7919 + each) % 10_000:05}", quantity=1) for each in range(2)]
            began_at = time.perf_counter()
            oms.orders.place(PlaceOrder(customer_id="C1", lines=lines), caller=CALLER)
            seconds.append(time.perf_counter() - began_at)

    buyers = [threading.Thread(target=buy) for _ in range(BUYERS)]
    for buyer in buyers:
        buyer.start()
    while not is_over():
        over.wait(0.1)
    over.set()
    for buyer in buyers:
        buyer.join()
    return seconds


def figures(seconds: Sequence[float]) -> list[float]:
    """Return orders a second as the buyers met them, and the median and the 99th percentile in milliseconds."""
    return [BUYERS / statistics.mean(seconds), statistics.median(seconds) * MILLISECONDS, p99(seconds)]


def p99(seconds: Sequence[float]) -> float:
    """Return the 99th percentile in milliseconds."""
    return statistics.quantiles(seconds, n=100)[98] * MILLISECONDS


if __name__ == "__main__":
    main()
