"""Loads POST /v1/orders of the embedded service: SQLite, one process, full durability, 1 to 64 connections.

`python -m tests.bench.bench_sqlite`: orders as in bench_connections.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.bench.checkouts import SKUS, STOCK, checkouts, sku
from tests.bench.contenders import COLUMNS, Contender, figures_of, serving, take_turns
from tests.bench.generators import generator
from tests.bench.options import options_of_comparison
from tests.bench.orders import two_line_orders
from tests.bench.results import Column, Results, ResultTable

CONNECTIONS = (1, 16, 64)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    given = options_of_comparison(__doc__, seconds=3, rounds=3).parse_args(argv)
    contenders = [Contender(name="SQLite", checkout=each, settings={}) for each in checkouts(given.base)]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as ending:
        orders = two_line_orders(Path(folder))
        targets = {}
        for number, contender in enumerate(contenders):
            url = f"sqlite:///{folder}/{number}.db"
            contender.checkout.stock(url, {sku(number): STOCK for number in range(1, SKUS + 1)})
            ending.callback(contender.checkout.check_books, url)
            targets[contender.key] = ending.enter_context(serving(contender, url, orders))
        rounds = take_turns(targets, connections=CONNECTIONS, seconds=given.seconds, rounds=given.rounds)
    columns = (Column(name="database"), Column(name="connections", form="{:,}"), *COLUMNS)
    rows = [
        [key, number, *figures_of([each[key, number] for each in rounds])] for key in targets for number in CONNECTIONS
    ]
    table = ResultTable(title="POST /v1/orders on SQLite, 1 process", columns=columns, rows=rows)
    command, setting = "python -m tests.bench.bench_sqlite", {"load generator": generator()}
    Results(command=command, tables={"sqlite": table}, setting=setting).give(given.json)


if __name__ == "__main__":
    main()
