"""What a measurement gives: tables whose figures keep every round, for a terminal, for a page and for a plot.

A part of `make bench` writes one JSON file: how it was measured, and its tables by name. `make docs` draws from it.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

Cell = str | int | float | list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of figures; `form` shows one of them, as str.format does."""

    name: str
    form: str = "{}"

    def show(self, cell: Cell) -> str:
        """Show a figure; of several rounds the median, with the least and the most in brackets."""
        if isinstance(cell, str):
            return cell
        if not isinstance(cell, list):
            return self.form.format(cell)
        if not cell:
            return ""
        middle, *ends = (self.form.format(each) for each in (statistics.median(cell), min(cell), max(cell)))
        return middle if len(set(ends)) == 1 else f"{middle} ({' to '.join(ends)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultTable:
    """A table: a cell is text, a figure, or a list of figures, one of each round."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]

    def shown(self) -> Iterator[list[str]]:
        """Show the cells row by row."""
        for row in self.rows:
            yield [column.show(cell) for column, cell in zip(self.columns, row, strict=True)]

    def for_terminal(self) -> Table:
        """Lay it out for a terminal."""
        table = Table(title=self.title, title_justify="left")
        for column in self.columns:
            table.add_column(column.name, justify="left" if column.form == "{}" else "right")
        for row in self.shown():
            table.add_row(*row)
        return table

    def for_page(self) -> str:
        """Write it as Markdown, without its title."""
        rules = ["---" if column.form == "{}" else "---:" for column in self.columns]
        lines = [f"| {' | '.join(column.name for column in self.columns)} |", f"|{'|'.join(rules)}|"]
        return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in self.shown())])

    def figures(self, column: str, *, row: str | int) -> list[float]:
        """Give the rounds' figures in a column of the row that begins with `row`; none where there is no such row."""
        at = [each.name for each in self.columns].index(column)
        for cells in self.rows:
            if cells[0] == row and not isinstance(cells[at], str):
                cell = cells[at]
                return cell if isinstance(cell, list) else [float(cell)]
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What a part has measured; `command` measures it again, `setting` says on what and with what.

    `plotted` is too long to be read, and only drawn.
    """

    command: str
    tables: Mapping[str, ResultTable]
    plotted: Mapping[str, ResultTable] = field(default_factory=dict)
    setting: Mapping[str, str] = field(default_factory=dict)

    def give(self, path: Path | None) -> None:
        """Print the tables, and write the JSON if there is a path for it."""
        console = Console(width=200)  # Off a terminal Rich would cut the tables at 80.
        for table in self.tables.values():
            console.print(table.for_terminal())
        if path:
            path.write_text(f"{json.dumps(rounded(asdict(self)), indent=1)}\n")


def read_results(path: Path) -> Results:
    """Read what `give` has written."""
    found = json.loads(path.read_text())
    tables, plotted = (
        {name: _table_of(table) for name, table in found[tables].items()} for tables in ("tables", "plotted")
    )
    return Results(command=found["command"], tables=tables, plotted=plotted, setting=found["setting"])


def _table_of(found: Mapping[str, Any]) -> ResultTable:
    columns = [Column(**column) for column in found["columns"]]
    return ResultTable(title=found["title"], columns=columns, rows=found["rows"])


def rounded(value: object) -> object:
    """Keep five digits of every figure: what is behind them is noise."""
    match value:
        case float():
            return float(f"{value:.5g}")
        case dict():
            return {key: rounded(each) for key, each in value.items()}
        case list() | tuple():
            return [rounded(each) for each in value]
        case _:
            return value
