"""Sells a hot product out: 64 connections ask for it until long after the last unit, tenth of a second by tenth.

`python -m tests.bench.bench_sell_out`: PostgreSQL, two processes. What is answered meanwhile is recorded; afterwards
exactly the stock must be sold, whoever was refused must have been told so, and the books must be right.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.checkouts import HERE, HOT, BooksWrong
from tests.bench.contenders import Contender, serving
from tests.bench.generators import load_of
from tests.bench.load import LoadReport, run_load
from tests.bench.options import options
from tests.bench.orders import hot_orders
from tests.bench.postgresql import postgresql_server
from tests.bench.results import Cell, Column, Results, ResultTable

CREATED, REFUSED = 201, 409
CONNECTIONS = 64
SUMMARY = (
    Column(name="units", form="{:,}"),
    Column(name="sold", form="{:,}"),
    Column(name="oversold", form="{:,}"),
    Column(name="refused", form="{:,}"),
    Column(name="sold out after s", form="{:.1f}"),
    Column(name="sold p99 ms", form="{:,.1f}"),
    Column(name="refused p99 ms", form="{:,.1f}"),
)
TENTHS = (
    Column(name="second", form="{:.1f}"),
    Column(name="sold/s", form="{:,}"),
    Column(name="refused/s", form="{:,}"),
    Column(name="left", form="{:,}"),
)


def main(argv: Sequence[str] | None = None) -> None:
    """Print what became of the sale."""
    parser = options(__doc__, seconds=10, rounds=1)
    parser.add_argument("--units", type=int, default=15_000, help="in stock (%(default)s)")
    given = parser.parse_args(argv)
    with (
        postgresql_server() as server,
        tempfile.TemporaryDirectory() as folder,
        HERE.database(server, {HOT: given.units}) as url,
    ):
        contender = Contender(name="orders", checkout=HERE, settings={})
        with serving(contender, url, hot_orders(Path(folder))) as target:
            report = run_load(load_of(target, connections=CONNECTIONS, seconds=given.seconds))
        orders = HERE.check_books(url)
    if set(report.statuses) != {CREATED, REFUSED} or orders != given.units:
        raise BooksWrong(f"{orders} orders for {given.units} units, answers {dict(report.statuses)}")
    title = f"{given.units:,} units of one product, {CONNECTIONS} connections"
    summary = ResultTable(title=title, columns=SUMMARY, rows=[summary_of(report, given.units, orders)])
    Results(
        command="python -m tests.bench.bench_sell_out",
        tables={"sale": summary},
        plotted={"tenths": ResultTable(title=title, columns=TENTHS, rows=list(tenths_of(report, given.units)))},
        setting={"load generator": "python"},
    ).give(given.json)


def summary_of(report: LoadReport, units: int, orders: int) -> list[Cell]:
    """Give the figures of the whole sale."""
    sold, refused = (report.by_status[status] for status in (CREATED, REFUSED))
    ended = (max(report.by_tenth[CREATED]) + 1) / 10
    return [units, sold.answers, max(0, orders - units), refused.answers, ended, sold.p99_ms, refused.p99_ms]


def tenths_of(report: LoadReport, units: int) -> Iterator[list[Cell]]:
    """Give what each tenth of a second brought, as of a second, and what was left at its end."""
    left = units
    for tenth in range(round(report.seconds * 10)):
        sold, refused = (report.by_tenth[status].get(tenth, 0) for status in (CREATED, REFUSED))
        left -= sold
        yield [tenth / 10, sold * 10, refused * 10, left]


if __name__ == "__main__":
    main()
