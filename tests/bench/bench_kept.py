"""What placing costs beside another checkout: rates, the database's processor time, and WAL, as ratios of one run.

`python -m tests.bench.bench_kept --base CHECKOUT`: batches of a hot product and one of 10,000, and of two of 10,000, in
one process and in two; then POST over 64 and 192 connections. In each round both checkouts do the same, one after the
other, in an order that is drawn. Without --base there is nothing to compare. The books of each must be right.
"""

from __future__ import annotations

import random
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]

from tests.bench.bench_growth import figures
from tests.bench.checkouts import Checkout, checkouts
from tests.bench.contenders import Contender, running, take_turns
from tests.bench.generators import Loaded, generator
from tests.bench.options import options_of_comparison
from tests.bench.orders import two_line_orders
from tests.bench.postgresql import postgresql_server
from tests.bench.results import Column, Results, ResultTable
from tests.services.databases import PostgresqlServer
from tests.services.postgresql import connected

WAYS = [
    (f"batches of {orders}, {'hot' if hot else 'spread'}, {processes} process{'es' * (processes > 1)}", call)
    for orders, hot, processes in ((1, True, 1), (20, True, 1), (500, True, 1), (500, True, 2), (500, False, 1))
    for call in [
        f"bench_placing.rate({{url!r}}, {{seconds}}, orders={orders}, hot={hot})"
        if processes == 1
        else f"bench_placing.rate_of_processes({{url!r}}, {{seconds}}, orders={orders}, hot={hot}, processes=2)"
    ]
]
CONNECTIONS = (64, 192)
BATCHES_TITLE = "Placing in batches, now to before"
POST_TITLE = "POST /v1/orders, now to before"
BATCHES = (
    Column(name=""),
    Column(name="orders/s", form="{:,.0f}"),
    Column(name="rate", form="{:.2f}x"),
    Column(name="PostgreSQL's us an order", form="{:,.0f}"),
    Column(name="its processor time", form="{:.2f}x"),
    Column(name="WAL bytes an order", form="{:,.0f}"),
    Column(name="WAL", form="{:.3f}x"),
)
POST = (
    Column(name="connections", form="{:,}"),
    Column(name="orders/s", form="{:,.0f}"),
    Column(name="rate", form="{:.2f}x"),
    Column(name="CPU us", form="{:,.0f}"),
    Column(name="processor time", form="{:.2f}x"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What placing for some seconds gave and took."""

    rate: float
    server_us: float
    wal_bytes: float


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = options_of_comparison(__doc__, seconds=3, rounds=6)
    given = parser.parse_args(argv)
    compared = checkouts(given.base)
    with postgresql_server() as server:
        batches = in_batches(compared, server, given.seconds, given.rounds)
        loads = over_http(compared, server, given.seconds, given.rounds)
    Results(
        command="python -m tests.bench.bench_kept --base CHECKOUT",
        tables={"batches": table_of_batches(batches, compared), "post": table_of_loads(loads, compared)},
        setting={"load generator": generator()},
    ).give(given.json)


def in_batches(
    compared: Sequence[Checkout], server: PostgresqlServer, seconds: float, rounds: int
) -> dict[tuple[str, str], list[Placed]]:
    """Let all place in turns; what each did by way and checkout."""
    done: dict[tuple[str, str], list[Placed]] = {(way, each.name): [] for way, _ in WAYS for each in compared}
    with ExitStack() as ending:
        urls = {each: ending.enter_context(each.database(server)) for each in compared}
        for _ in range(rounds):
            for way, call in WAYS:
                for each in random.sample(compared, len(compared)):
                    done[way, each.name].append(placed(each, urls[each], call, seconds))
    return done


def placed(checkout: Checkout, url: str, call: str, seconds: float) -> Placed:
    """Let a checkout place for some seconds, and see what it took of the server."""
    wal, _, orders = figures(url)
    before = server_seconds(url)
    rate = checkout.call(call.format(url=url, seconds=seconds))
    used = server_seconds(url) - before
    wal_after, _, orders_after = figures(url)
    return Placed(
        rate=rate,
        server_us=used * 1e6 / (orders_after - orders),
        wal_bytes=(wal_after - wal) / (orders_after - orders),
    )


def server_seconds(url: str) -> float:
    """Add up the processor time of the server with all its backends, those that have ended included (Linux)."""
    with connected(url) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone() or (0,)
        head = psutil.Process(pid).parent()
        times = [] if head is None else [each.cpu_times() for each in (head, *head.children())]
    ended = [times[0].children_user, times[0].children_system] if times else []
    return float(sum([*ended, *(each.user + each.system for each in times)]))


def over_http(
    compared: Sequence[Checkout], server: PostgresqlServer, seconds: float, rounds: int
) -> list[dict[tuple[str, int], Loaded]]:
    """Load the services of all in turns."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as ending:
        orders = two_line_orders(Path(folder))
        contenders = [Contender(name="orders", checkout=each, settings={}) for each in compared]
        targets = {each.key: ending.enter_context(running(each, server, orders)) for each in contenders}
        return take_turns(targets, connections=CONNECTIONS, seconds=seconds, rounds=rounds)


def table_of_batches(done: Mapping[tuple[str, str], list[Placed]], compared: Sequence[Checkout]) -> ResultTable:
    """Make the table of batches; a ratio is of the medians."""
    last = compared[-1].name
    rows = []
    for way, _ in WAYS:
        now, before = done[way, ""], done[way, last]
        row: list[str | float | list[float]] = [way]
        for field in ("rate", "server_us", "wal_bytes"):
            mine, others = ([getattr(each, field) for each in these] for these in (now, before))
            row += [mine, statistics.median(mine) / statistics.median(others)]
        rows.append(row)
    return ResultTable(title=BATCHES_TITLE, columns=BATCHES, rows=rows)


def table_of_loads(rounds: Sequence[Mapping[tuple[str, int], Loaded]], compared: Sequence[Checkout]) -> ResultTable:
    """Make the table of POST; a ratio is of the medians."""
    last = Contender(name="orders", checkout=compared[-1], settings={}).key
    rows = []
    for number in CONNECTIONS:
        row: list[str | float | list[float]] = [number]
        now, before = ([each[key, number] for each in rounds] for key in ("orders", last))
        for mine, others in (
            ([each.report.rate for each in now], [each.report.rate for each in before]),
            ([each.cpu_us for each in now], [each.cpu_us for each in before]),
        ):
            row += [mine, statistics.median(mine) / statistics.median(others)]
        rows.append(row)
    return ResultTable(title=POST_TITLE, columns=POST, rows=rows)


if __name__ == "__main__":
    main()
