"""Draw the plots of measurements.md from what `make bench` has measured.

python docs/plots.py        writes docs/measurements/*.svg
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Mapping
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pictures import SOFT, STYLE, svg

from tests.bench.goals import FOLDER
from tests.bench.results import Cell, Results, ResultTable, read_results

COLOURS = ("#2b5d9b", "#2a7f3f", "#b5482f", "#8a6d1d", "#6a4c93", "#222222")
WIDE, BAR_INCHES = 10, 0.5


class Line(NamedTuple):
    """A line of a plot: the rows of a table, by the figures of a column."""

    name: str
    table: ResultTable
    column: str
    colour: str
    dashes: str = "-"


PERCENTILES = (("p50 ms", "-"), ("p99 ms", "--"), ("p99.9 ms", ":"))


def draw_connections() -> str:
    """Return the answers a second of every contender by connections, and the latencies of orders, now and before."""
    tables = _results("connections").tables
    colours = dict(zip(tables, COLOURS, strict=False))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDE, 8), layout="constrained")
        rates, latencies = figure.subplots(2)
        for name, table in tables.items():
            _line(rates, Line(name, table, "answers/s", colours[name]))
            for column, dashes in PERCENTILES if name.startswith("orders") else ():
                _line(latencies, Line(f"{name}, {column.split()[0]}", table, column, colours[name], dashes))
        for axes, title in ((rates, "answers a second"), (latencies, "milliseconds")):
            axes.set_xscale("log", base=2)
            axes.xaxis.set_major_formatter("{x:,.0f}")
            axes.set_xlabel("connections")
            axes.set_ylabel(title)
        latencies.set_yscale("log")
        latencies.yaxis.set_major_formatter("{x:,g}")
        rates.set_ylim(0, None)
        return _drawn(figure)


def draw_placing() -> str:
    """Return the orders a second by the size of a batch, and pgbench's, which places one a transaction."""
    tables = _results("placing").tables
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDE, 4.3), layout="constrained")
        axes = figure.subplots()
        for colour, (name, table) in zip(COLOURS, tables.items(), strict=False):
            rows = [(_batch(str(row[0])), row[1]) for row in table.rows]
            points = [(size, _median(rate)) for size, rate in rows if size]
            axes.plot(*zip(*points, strict=True), marker="o", color=colour, label=NAMES_OF_PLACING[name])
            if name != "sqlite":
                axes.axhline(
                    _median(table.rows[0][1]), color=colour, linestyle=":", linewidth=1, label=f"pgbench, {name}"
                )
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set(xlabel="orders in a transaction", ylabel="orders a second", ylim=(0, None))
        return _drawn(figure)


def draw_sell_out() -> str:
    """Return what each tenth of a second of a sale brought, and what was left."""
    table = _results("sell_out").plotted["tenths"]
    seconds, sold, refused, left = zip(*table.rows, strict=True)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDE, 4.3), layout="constrained")
        rates, stock = figure.subplots(2, sharex=True)
        rates.step(seconds, sold, where="post", color=COLOURS[1], label="sold a second")
        rates.step(seconds, refused, where="post", color=COLOURS[2], label="refused a second")
        stock.step(seconds, left, where="post", color=COLOURS[0], label="units left")
        rates.set(ylim=(0, None), title=table.title)
        stock.set(xlabel="seconds since the first order was sent", ylim=(0, None))
        return _drawn(figure)


def draw_growth() -> str:
    """Return how the rate of placing stands to that of a new database, and the audit, as the tables fill."""
    tables = _results("growth").tables
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDE, 3.6), layout="constrained")
        for axes, (name, column), times in zip(figure.subplots(1, 2), GROWTH, (100, 1), strict=True):
            table = tables[name]
            at = [each.name for each in table.columns].index(column)
            points = [(_median(row[0]) / 1e6, _median(row[at]) * times) for row in table.rows]
            axes.plot(*zip(*points, strict=True), marker="o", color=COLOURS[0])
            axes.set(xlabel="millions of orders", ylabel=column, ylim=(0, None))
        return _drawn(figure)


def bars(part: str, table: str, column: str) -> str:
    """Return a column as bars, a row each, with the least and the most of the rounds."""
    measured = _results(part).tables[table]
    at = [each.name for each in measured.columns].index(column)
    rows = [row for row in measured.rows if not isinstance(row[at], str)]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDE, 0.9 + BAR_INCHES * len(rows)), layout="constrained")
        axes = figure.subplots()
        middles, ends = [_median(row[at]) for row in rows], [_ends(row[at]) for row in rows]
        errors = [[abs(middle - end[side]) for middle, end in zip(middles, ends, strict=True)] for side in (0, 1)]
        names = [str(row[0]) for row in rows]
        axes.barh(names, middles, xerr=errors, color=COLOURS[0], ecolor=SOFT, height=0.6)
        axes.invert_yaxis()
        axes.xaxis.set_major_formatter("{x:,g}")
        axes.set_xlabel(column)
        return _drawn(figure)


NAMES_OF_PLACING = {
    "hot": "PostgreSQL, one hot product",
    "spread": "PostgreSQL, two of 10,000 products",
    "sqlite": "SQLite",
}
# Table and column; a share is drawn in per cent.
GROWTH = (("growth", "to an empty one"), ("reading", "audit, s"))
# By part: what draws its plot.
PLOTS: Mapping[str, Callable[[], str]] = {
    "connections": draw_connections,
    "placing": draw_placing,
    "sell_out": draw_sell_out,
    "growth": draw_growth,
    "group_commit": lambda: bars("group_commit", "loads", "answers/s"),
    "lines": lambda: bars("lines", "lines", "lines/s"),
    "accept": lambda: bars("accept", "answers", "orders/s"),
    "drain": lambda: bars("drain", "drain", "orders/s"),
    "import": lambda: bars("import", "import", "rows/s"),
    "overload": lambda: bars("overload", "overload", "goodput"),
}


def _results(part: str) -> Results:
    return read_results(FOLDER / f"{part}.json")


def _line(axes: Axes, line: Line) -> None:
    at = [each.name for each in line.table.columns].index(line.column)
    x = [_median(row[0]) for row in line.table.rows]
    y = [_median(row[at]) for row in line.table.rows]
    axes.plot(x, y, marker="o", markersize=3, color=line.colour, linestyle=line.dashes, label=line.name)
    low, high = zip(*(_ends(row[at]) for row in line.table.rows), strict=True)
    axes.fill_between(x, low, high, color=line.colour, alpha=0.15, linewidth=0)


def _median(cell: Cell) -> float:
    return statistics.median(cell) if isinstance(cell, list) else float(cell)


def _ends(cell: Cell) -> tuple[float, float]:
    return (min(cell), max(cell)) if isinstance(cell, list) else (float(cell), float(cell))


def _batch(name: str) -> int:
    """Give the orders of a transaction of this checkout in one process; 0 for another contender."""
    if name == "1 order a transaction":
        return 1
    found = re.fullmatch(r"batches of (\d+)", name)
    return int(found[1]) if found else 0


def _drawn(figure: Figure) -> str:
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, fontsize=8, ncols=2)
    return svg(figure)


if __name__ == "__main__":
    for part, draw in PLOTS.items():
        if (FOLDER / f"{part}.json").exists():
            (FOLDER / f"{part}.svg").write_text(draw(), encoding="utf-8")
