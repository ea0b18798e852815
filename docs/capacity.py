"""Draw production/capacity.md: what an order costs, and what so many a day need, by what `make bench` has measured.

python docs/capacity.py        writes the page, between `<!-- drawn: NAME -->` and `<!-- end -->`
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.goals import FOLDER
from tests.bench.results import read_results

PAGE = Path(__file__).with_name("production") / "capacity.md"
DRAWN = re.compile(r"(<!-- drawn: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)
ORDERS_A_DAY = (10_000, 100_000, 1_000_000, 10_000_000)
SECONDS_A_DAY = 86_400
# How much busier the busiest second is than the day's average; a sale is busier still.
PEAK_TO_AVERAGE = 10
CONNECTIONS, BATCH = 64, 50
DAYS_A_YEAR = 365
_UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What an order of two lines costs: bytes, and microseconds of the service's processor time."""

    disk_bytes: float
    wal_bytes: float
    alone_us: float
    shared_us: float
    batch_us: float


def measured_cost() -> Cost:
    """Read it from the measurements: medians of all rounds, at 5,000,000 orders where the size matters."""
    growth = read_results(FOLDER / "growth.json").tables["growth"]
    orders = read_results(FOLDER / "connections.json").tables["orders"]
    requests = read_results(FOLDER / "request.json").tables["requests"]
    largest = max(int(str(row[0])) for row in growth.rows)
    in_batch = requests.figures("us of processor time", row=f"POST, a batch of {BATCH} orders of 2 lines")
    return Cost(
        disk_bytes=statistics.median(growth.figures("bytes on disk an order", row=largest)),
        wal_bytes=statistics.median(growth.figures("WAL bytes an order", row=largest)),
        alone_us=statistics.median(orders.figures("CPU us", row=1)),
        shared_us=statistics.median(orders.figures("CPU us", row=CONNECTIONS)),
        batch_us=statistics.median(in_batch) / BATCH,
    )


def draw_capacity() -> str:
    """Return the page as it is, but for what is drawn."""
    return DRAWN.sub(lambda found: f"{found[1]}\n{_PARTS[found[2]](measured_cost())}\n\n{found[3]}", PAGE.read_text())


def _picture(cost: Cost) -> str:
    return "\n".join(
        [
            "```mermaid",
            "flowchart LR",
            '  order["an order<br>of two lines"] --> service["service<br>'
            f'{cost.alone_us:,.0f} us alone, {cost.shared_us:,.0f} us among {CONNECTIONS}"]',
            f'  service --> wal["WAL<br>{cost.wal_bytes:,.0f} bytes"]',
            f'  wal --> disk[("tables and indexes<br>{cost.disk_bytes:,.0f} bytes")]',
            '  wal --> archive["archive and standbys<br>the same WAL"]',
            "```",
        ]
    )


def _costs(cost: Cost) -> str:
    rows = (
        ("tables and indexes, when it is placed", f"{cost.disk_bytes:,.0f} bytes"),
        ("WAL, when it is placed", f"{cost.wal_bytes:,.0f} bytes"),
        ("service's processor time, one order at a time", f"{cost.alone_us:,.0f} us"),
        (f"the same, {CONNECTIONS} connections", f"{cost.shared_us:,.0f} us"),
        (f"the same, in a batch of {BATCH}, before the database", f"{cost.batch_us:,.0f} us"),
    )
    return "\n".join(["| an order of two lines | |", "|---|---:|", *(f"| {what} | {value} |" for what, value in rows)])


def _needs(cost: Cost) -> str:
    service = ("cores of the service, an order at a time", f"cores, {CONNECTIONS} connections")
    titles = ("orders a day", "at the peak", *service, "WAL a day", "disk a year", "a billion after")
    lines = [f"| {' | '.join(titles)} |", f"|{'---:|' * len(titles)}"]
    return "\n".join([*lines, *(_need(cost, orders) for orders in ORDERS_A_DAY)])


def _need(cost: Cost, orders: int) -> str:
    peak = orders / SECONDS_A_DAY * PEAK_TO_AVERAGE
    cells = (
        f"{orders:,}",
        f"{peak:,.0f}/s",
        f"{peak * cost.alone_us / 1e6:.3f}",
        f"{peak * cost.shared_us / 1e6:.3f}",
        _bytes(orders * cost.wal_bytes),
        _bytes(orders * cost.disk_bytes * DAYS_A_YEAR),
        f"{1e9 / orders / DAYS_A_YEAR:,.1f} years",
    )
    return f"| {' | '.join(cells)} |"


def _bytes(number: float) -> str:
    """Return a number of bytes in its largest unit, two digits of it."""
    unit, name = next((size, name) for size, name in _UNITS if number >= size or name == "MB")
    return f"{number / unit:,.1f} {name}" if number < 10 * unit else f"{number / unit:,.0f} {name}"


_PARTS: Mapping[str, Callable[[Cost], str]] = {"picture": _picture, "costs": _costs, "needs": _needs}


if __name__ == "__main__":
    PAGE.write_text(draw_capacity())
