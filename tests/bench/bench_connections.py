"""Loads POST /v1/orders over 1 to 512 connections: as it is, with its variants, and against a no-op on its server.

`python -m tests.bench.bench_connections`: PostgreSQL, two processes; orders of one hot product and one of 10,000, each
under a key of its own. All contenders run all the time, and take turns at each number of connections, so that a ratio
is of two loads that followed each other. Afterwards the books of each must be right, or the figures are worth nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.bench.checkouts import checkouts
from tests.bench.contenders import COLUMNS, PROCESSES, Contender, figures_of, noop, running, take_turns, variants
from tests.bench.generators import Loaded, generator
from tests.bench.options import options_of_comparison
from tests.bench.orders import two_line_orders
from tests.bench.postgresql import postgresql_server
from tests.bench.results import Column, Results, ResultTable

CONNECTIONS = (1, 8, 16, 64, 192, 512)
TO_NOOP = "to the no-op"


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = options_of_comparison(__doc__, seconds=3, rounds=3)
    parser.add_argument("--connections", type=int, nargs="+", default=CONNECTIONS, help="(%(default)s)")
    given = parser.parse_args(argv)
    contenders = [each for checkout in checkouts(given.base) for each in (*variants(checkout), noop(checkout))]
    with postgresql_server() as server, tempfile.TemporaryDirectory() as folder, ExitStack() as ending:
        orders = two_line_orders(Path(folder))
        targets = {each.key: ending.enter_context(running(each, server, orders)) for each in contenders}
        rounds = take_turns(targets, connections=given.connections, seconds=given.seconds, rounds=given.rounds)
    Results(
        command="python -m tests.bench.bench_connections",
        tables={each.key: table_of(each, rounds, given.connections) for each in contenders},
        setting={"load generator": generator()},
    ).give(given.json)


def table_of(
    contender: Contender, rounds: Sequence[Mapping[tuple[str, int], Loaded]], connections: Sequence[int]
) -> ResultTable:
    """Make the table of a contender; its ratios are to the no-op of its own checkout."""
    floor = noop(contender.checkout).key
    rows = []
    for number in connections:
        loads = [each[contender.key, number] for each in rounds]
        ratios = [each[contender.key, number].report.rate / each[floor, number].report.rate for each in rounds]
        rows.append([number, ratios, *figures_of(loads)])
    columns = (Column(name="connections", form="{:,}"), Column(name=TO_NOOP, form="{:.0%}"), *COLUMNS)
    return ResultTable(title=f"POST, {contender.key}, {PROCESSES} processes", columns=columns, rows=rows)


if __name__ == "__main__":
    main()
