"""Measures what the load generators cost: the same no-op under each, in turns, over 64 connections.

`python -m tests.bench.bench_generators`: what a generator takes of two cores is not left to the service.
"""

from __future__ import annotations

import os
import resource
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench.checkouts import HERE
from tests.bench.contenders import running_noop
from tests.bench.generators import GENERATORS, VARIABLE, Target, generator, send_orders
from tests.bench.options import options
from tests.bench.orders import two_line_orders
from tests.bench.results import Column, Results, ResultTable

CONNECTIONS = 64
COLUMNS = (
    Column(name="load generator"),
    Column(name="answers/s", form="{:,.0f}"),
    Column(name="generator's CPU us", form="{:.1f}"),
    Column(name="service's CPU us", form="{:.0f}"),
)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    given = options(__doc__, seconds=3, rounds=3).parse_args(argv)
    figures: defaultdict[str, list[tuple[float, float, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder, running_noop(HERE, two_line_orders(Path(folder))) as target:
        for _ in range(given.rounds):
            for name in GENERATORS:
                with chosen(name):
                    if generator() == name:
                        figures[name].append(measure(target, round(given.seconds)))
    rows = [[name, *(list(column) for column in zip(*found, strict=True))] for name, found in figures.items()]
    table = ResultTable(title=f"Load on a no-op, {CONNECTIONS} connections", columns=COLUMNS, rows=rows)
    Results(command="python -m tests.bench.bench_generators", tables={"generators": table}).give(given.json)


def measure(target: Target, seconds: int) -> tuple[float, float, float]:
    """Load the no-op; answers a second, and the microseconds of the generator and of the service for one."""
    before = _seconds_of_children()
    loaded = send_orders(target, connections=CONNECTIONS, seconds=seconds)
    spent = _seconds_of_children() - before
    return loaded.report.rate, spent / loaded.report.overall.answers * 1e6, loaded.cpu_us


@contextmanager
def chosen(name: str) -> Iterator[None]:
    """Have a generator taken where it is installed."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = name
    try:
        yield
    finally:
        del os.environ[VARIABLE]
        if before is not None:
            os.environ[VARIABLE] = before


def _seconds_of_children() -> float:
    """Give what processes have used that this one had started and that have ended: the generators."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
