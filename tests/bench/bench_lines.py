"""Compares orders of 2 lines with orders of 21, made ones and, where its files are, a real retailer's.

`python -m tests.bench.bench_lines`: POST /v1/orders over 64 connections, PostgreSQL, two processes, in turns.
docs/online-retail.md says where the files come from; OMS_TEST_ONLINE_RETAIL names their folder.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.bench.checkouts import HERE, STOCK
from tests.bench.contenders import COLUMNS, Contender, figures_of, serving, take_turns
from tests.bench.generators import generator
from tests.bench.options import options
from tests.bench.orders import long_orders, real_orders, real_sales, skus_of, two_line_orders
from tests.bench.postgresql import postgresql_server
from tests.bench.results import Cell, Column, Results, ResultTable

CONNECTIONS = 64


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    given = options(__doc__, seconds=4, rounds=3).parse_args(argv)
    contender = Contender(name="orders", checkout=HERE, settings={})
    with postgresql_server() as server, tempfile.TemporaryDirectory() as folder, ExitStack() as ending:
        files = {"made, 2 lines": two_line_orders(Path(folder)), "made, 21 lines": long_orders(Path(folder))}
        stocked = dict.fromkeys(files)
        if sales := real_sales():
            files["real"] = real_orders(Path(folder), sales)
            stocked["real"] = dict.fromkeys(skus_of(sales), STOCK)
        targets = {}
        for name, orders in files.items():
            url = ending.enter_context(HERE.database(server, stocked[name]))
            targets[name] = ending.enter_context(serving(contender, url, orders))
        rounds = take_turns(targets, connections=[CONNECTIONS], seconds=given.seconds, rounds=given.rounds)
        rows: list[list[Cell]] = []
        for name, orders in files.items():
            lines, loads = lines_of(orders), [each[name, CONNECTIONS] for each in rounds]
            rows.append([name, lines, [each.report.rate * lines for each in loads], *figures_of(loads)])
    columns = (Column(name="orders"), Column(name="lines", form="{:.1f}"), Column(name="lines/s", form="{:,.0f}"))
    table = ResultTable(
        title=f"POST /v1/orders, {CONNECTIONS} connections, by lines", columns=(*columns, *COLUMNS), rows=rows
    )
    command, setting = "python -m tests.bench.bench_lines", {"load generator": generator()}
    Results(command=command, tables={"lines": table}, setting=setting).give(given.json)


def lines_of(orders: Path) -> float:
    """Count the lines of an order, on average."""
    return statistics.mean(len(json.loads(order)["lines"]) for order in orders.read_text().splitlines())


if __name__ == "__main__":
    main()
