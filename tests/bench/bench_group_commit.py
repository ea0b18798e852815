"""Compares POST /v1/orders with group commit on and off: PostgreSQL, one hot product, 64 connections.

`python -m tests.bench.bench_group_commit`; the two take turns, and only ratios of one round mean anything. Afterwards
the books must be right to the unit, or the figures are worth nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.bench.checkouts import Checkout, checkouts
from tests.bench.contenders import COLUMNS, P99, Contender, figures_of, running, take_turns
from tests.bench.generators import Loaded, generator
from tests.bench.options import options_of_comparison
from tests.bench.orders import hot_orders
from tests.bench.postgresql import postgresql_server
from tests.bench.results import Cell, Column, Results, ResultTable

SWITCHED = ("on", "off")
RATIO = "on to off"


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = options_of_comparison(__doc__, seconds=4, rounds=5)
    parser.add_argument("--connections", type=int, default=64)
    given = parser.parse_args(argv)
    compared = checkouts(given.base)
    contenders = [of(checkout, switched) for checkout in compared for switched in SWITCHED]
    with postgresql_server() as server, tempfile.TemporaryDirectory() as folder, ExitStack() as ending:
        orders = hot_orders(Path(folder))
        targets = {each.key: ending.enter_context(running(each, server, orders)) for each in contenders}
        rounds = take_turns(targets, connections=[given.connections], seconds=given.seconds, rounds=given.rounds)
    loads = {key: [each[key, given.connections] for each in rounds] for key in targets}
    rows: list[list[Cell]] = []
    for checkout in compared:
        on, off = (of(checkout, switched).key for switched in SWITCHED)
        rows += [[on, *figures_of(loads[on])], [off, *figures_of(loads[off])]]
    ratios = [ratio_of(checkout, loads) for checkout in compared]
    title = f"POST /v1/orders, one hot product, {given.connections} connections"
    Results(
        command="python -m tests.bench.bench_group_commit",
        tables={
            "loads": ResultTable(title=title, columns=(Column(name="group commit"), *COLUMNS), rows=rows),
            "ratios": ResultTable(title="On to off", columns=RATIO_COLUMNS, rows=ratios),
        },
        setting={"load generator": generator()},
    ).give(given.json)


RATIO_COLUMNS = (Column(name=RATIO), Column(name="orders/s", form="{:.1f}x"), Column(name=P99, form="{:.2f}x"))


def of(checkout: Checkout, switched: str) -> Contender:
    """Give the service with group commit on or off."""
    return Contender(name=switched, checkout=checkout, settings={"OMS_GROUP_COMMIT": switched})


def ratio_of(checkout: Checkout, loads: dict[str, list[Loaded]]) -> list[Cell]:
    """Compare the rounds of a checkout."""
    pairs = list(zip(*(loads[of(checkout, switched).key] for switched in SWITCHED), strict=True))
    rates = [on.report.rate / off.report.rate for on, off in pairs]
    return [checkout.name or "now", rates, [on.report.overall.p99_ms / off.report.overall.p99_ms for on, off in pairs]]


if __name__ == "__main__":
    main()
