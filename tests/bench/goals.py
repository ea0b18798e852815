"""What was to be reached, beside what was: each row is taken from the results of the parts.

`python -m tests.bench.goals` prints it; `make bench` does at its end, and `make docs` draws it.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tests.bench.results import Cell, Column, Results, ResultTable, read_results
from tests.services.wheels import ROOT

FOLDER = ROOT / "docs" / "measurements"
NOW, BEFORE = "", "before"
TO_NOOP = "to the no-op"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A row: which figure of a part (`part`), how it is shown, what it must reach, and what would be more than asked.

    `figures` takes the part's results and the name of a checkout, and gives the rounds' figures, or none. A goal of
    `most` is reached from above.
    """

    row: str
    part: str
    figures: Callable[[Results, str], list[float]]
    form: str
    least: float | None = None
    most: float | None = None
    moonshot: float | None = None

    def is_reached(self, figure: float) -> bool:
        """Tell whether a figure is as good as was asked for."""
        return figure >= self.least if self.least is not None else figure <= (self.most or 0)

    def cells(self, results: Results | None) -> list[Cell]:
        """Lay the row out."""
        column = Column(name="", form=self.form)
        before, now = (self.figures(results, checkout) if results else [] for checkout in (BEFORE, NOW))
        wanted = self.least if self.least is not None else self.most
        shown = [
            column.show(before),
            column.show(now),
            column.show(wanted or 0),
            column.show("" if self.moonshot is None else self.moonshot),
        ]
        reached = ("yes" if self.is_reached(statistics.median(now)) else "no") if now else "not measured"
        return [self.row, *shown, reached]


def goal_table(folder: Path = FOLDER) -> ResultTable:
    """Make the table from the results that are in a folder."""
    results: dict[str, Results | None] = {}
    for goal in GOALS:
        path = folder / f"{goal.part}.json"
        results[goal.part] = read_results(path) if path.exists() else None
    names = ("", "before", "now", "to reach", "moonshot", "reached")
    rows = [goal.cells(results[goal.part]) for goal in GOALS]
    return ResultTable(title="To reach", columns=[Column(name=name) for name in names], rows=rows)


def _connections(column: str, connections: int) -> Callable[[Results, str], list[float]]:
    return lambda results, checkout: _table(results, _key("orders", checkout)).figures(column, row=connections)


def _group_commit(column: str) -> Callable[[Results, str], list[float]]:
    return lambda results, checkout: results.tables["ratios"].figures(column, row=checkout or "now")


def _accept(results: Results, checkout: str) -> list[float]:
    return results.tables["ratios"].figures("orders/s", row=checkout or "now")


def _batches(name: str) -> Callable[[Results, str], list[float]]:
    return lambda results, checkout: results.tables["hot"].figures("ratio", row=_key(name, checkout))


def _growth(table: str, column: str) -> Callable[[Results, str], list[float]]:
    """Return the figures at 5,000,000 orders, which are of this checkout alone."""
    return lambda results, checkout: [] if checkout else results.tables[table].figures(column, row=5_000_000)


def _small_batches(results: Results, checkout: str) -> list[float]:
    small, large = (_batches(f"batches of {orders}")(results, checkout) for orders in (20, 500))
    return [one / other for one, other in zip(small, large, strict=True)]


def _key(name: str, checkout: str) -> str:
    return f"{name}, {checkout}" if checkout else name


def _table(results: Results, name: str) -> ResultTable:
    return results.tables.get(name) or ResultTable(title="", columns=results.tables["orders"].columns, rows=[])


GOALS = (
    *(
        Goal(
            row=f"POST to a no-op on the same server, {connections} connections",
            part="connections",
            figures=_connections(TO_NOOP, connections),
            form="{:.0%}",
            least=least,
            moonshot=0.5,
        )
        for connections, least in ((64, 0.38), (192, 0.45))
    ),
    Goal(
        row="service's processor time a POST, 64 connections",
        part="connections",
        figures=_connections("CPU us", 64),
        form="{:,.0f} us",
        most=380,
        moonshot=300,
    ),
    Goal(
        row="voluntary context switches a POST, 64 connections",
        part="connections",
        figures=_connections("voluntary switches", 64),
        form="{:.1f}",
        most=4,
        moonshot=2,
    ),
    Goal(
        row="one connection, p50",
        part="connections",
        figures=_connections("p50 ms", 1),
        form="{:.1f} ms",
        most=1.6,
        moonshot=1.2,
    ),
    Goal(
        row="one connection, processor time a POST",
        part="connections",
        figures=_connections("CPU us", 1),
        form="{:,.0f} us",
        most=700,
    ),
    Goal(
        row="to group commit off, hot product, 64 connections",
        part="group_commit",
        figures=_group_commit("orders/s"),
        form="{:.1f}x",
        least=5,
        moonshot=6,
    ),
    Goal(
        row="its p99 to group commit off's",
        part="group_commit",
        figures=_group_commit("p99 ms"),
        form="{:.2f}x",
        most=0.2,
    ),
    Goal(
        row="batches of 20 to batches of 500",
        part="placing",
        figures=_small_batches,
        form="{:.2f}x",
        least=0.75,
        moonshot=0.85,
    ),
    Goal(
        row="batches of 500 to pgbench, hot product, 1 process",
        part="placing",
        figures=_batches("batches of 500"),
        form="{:.1f}x",
        least=5.5,
        moonshot=10,
    ),
    Goal(
        row="the same, 2 processes",
        part="placing",
        figures=_batches("batches of 500, 2 processes"),
        form="{:.1f}x",
        least=9,
        moonshot=10,
    ),
    Goal(
        row="processor time of a page of 500 orders",
        part="pages",
        figures=lambda results, checkout: results.tables["pages"].figures(
            "service's CPU ms", row=_key("/v1/orders?limit=500", checkout)
        ),
        form="{:,.0f} ms",
        most=150,
        moonshot=80,
    ),
    Goal(
        row="oms --help above the interpreter",
        part="start",
        figures=lambda results, checkout: results.tables["start"].figures(
            "ms above python -c pass", row=_key("oms --help", checkout)
        ),
        form="{:,.0f} ms",
        most=120,
        moonshot=80,
    ),
    Goal(
        row="orders a second at 5,000,000 orders to an empty database",
        part="growth",
        figures=_growth("growth", "to an empty one"),
        form="{:.0%}",
        least=0.9,
        moonshot=0.95,
    ),
    Goal(
        row="page 10,000 of orders to page 1, at 5,000,000",
        part="growth",
        figures=_growth("reading", "all: deep"),
        form="{:.2f}x",
        most=1.2,
    ),
    Goal(
        row="audit of 5,000,000 orders",
        part="growth",
        figures=_growth("reading", "audit, s"),
        form="{:.0f} s",
        most=60,
        moonshot=30,
    ),
    Goal(
        row="orders shipped from a CSV with tracking numbers, a second",
        part="ship",
        figures=lambda results, checkout: (
            [] if checkout else results.tables["ship"].figures("orders/s", row="10,000 orders from a file")
        ),
        form="{:,.0f}",
        least=2_000,
    ),
    Goal(row="202 to 201", part="accept", figures=_accept, form="{:.2f}x", least=1, moonshot=1.2),
)


if __name__ == "__main__":
    Console(width=150).print(goal_table().for_terminal())
