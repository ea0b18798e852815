"""Tables for people: with Rich on a terminal, whole and aligned rows anywhere else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Literal, TextIO, TypeVar

from oms_cli.terminal.column_widths import FittedColumn, cells, fit_columns
from oms_cli.terminal.messages import has_colours, say
from oms_cli.terminal.view import Column, View

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

T = TypeVar("T")

CHUNK_ROWS = 500


def terminal_console(stream: TextIO) -> Console:
    """Return Rich's console on a terminal; without colours it writes no escape sequence at all."""
    from rich.console import Console

    return Console(file=stream, color_system="auto" if has_colours(stream) else None, highlight=False, markup=False)


def write_terminal_table(view: View[T], items: Iterator[T], stream: TextIO) -> int:
    """Write tables fitted to the terminal, of 500 rows at most each, and return the number of rows.

    A narrow terminal gets shorter ids and fewer columns, and a message that says so. A very narrow one gets a block of
    lines for each thing.
    """
    console = terminal_console(stream)
    rows = 0
    notices: dict[str, None] = {}
    while chunk := list(islice(items, CHUNK_ROWS)):
        rows += len(chunk)
        columns, left_out = fit_columns(view.table_columns, chunk, console.width)
        notices |= dict.fromkeys(_not_shown(columns, chunk, left_out))
        if columns:
            console.print(_table(columns, chunk))
        else:
            for item in chunk:
                write_record(view.table_columns, item, stream)
                stream.write("\n")
    stream.flush()
    for notice in notices:
        say(notice)
    return rows


def _not_shown(columns: Sequence[FittedColumn[T]], items: Sequence[T], left_out: Sequence[str]) -> Iterator[str]:
    """Say what a narrow terminal does not show."""
    if any(fitted.id_length for fitted in columns):
        yield "ids are shortened; commands take them as they stand here"
    if not all(fitted.shows_all(item) for fitted in columns for item in items):
        yield "texts that end in … are shortened; -o json shows them whole"
    if left_out:
        yield f"the terminal is too narrow for: {', '.join(left_out)}"


def write_record(columns: Sequence[Column[T]], item: T, stream: TextIO) -> None:
    """Write one thing as lines of name and value. What it does not have is left out."""
    width = max(len(column.title) for column in columns)
    console = terminal_console(stream) if has_colours(stream) else None
    for column in columns:
        text = column.text(item)
        if not text:
            continue
        if console is None:
            stream.write(f"{column.title:<{width}}  {text}\n")
        else:
            _write_coloured(f"{column.title:<{width}}  ", text, _style(column, item), console)


def write_plain_table(view: View[T], items: Iterator[T], stream: TextIO) -> int:
    """Write one line per row, never cut, folded or coloured, and return their number. The first 500 set the widths."""
    columns = view.table_columns
    rows = (tuple(column.text(item) for column in columns) for item in items)
    first = list(islice(rows, CHUNK_ROWS))
    if not first:
        return 0
    titles = tuple(column.title.upper() for column in columns)
    widths = [max(map(cells, texts)) for texts in zip(titles, *first, strict=True)]
    written = -1  # The heading is no row.
    for texts in chain([titles], first, rows):
        stream.write(_plain_line(columns, widths, texts))
        written += 1
    return written


def _plain_line(columns: Sequence[Column[T]], widths: Sequence[int], texts: Iterable[str]) -> str:
    row = []
    for column, width, text in zip(columns, widths, texts, strict=True):
        gap = " " * (width - cells(text))
        row.append(gap + text if column.right else text + gap)
    return "  ".join(row).rstrip() + "\n"


def _table(columns: Sequence[FittedColumn[T]], items: Sequence[T]) -> Table:
    """Return a table with the widths that were chosen: Rich's own widths would cut what must stay whole."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for fitted in columns:
        justify: Literal["left", "right"] = "right" if fitted.column.right else "left"
        table.add_column(Text(fitted.column.title), justify=justify, overflow="fold", width=fitted.width)
    for item in items:
        table.add_row(*(_cell(fitted, item) for fitted in columns))
    return table


def _cell(fitted: FittedColumn[T], item: T) -> Text:
    from rich.text import Text

    text = Text(fitted.text(item), style=_style(fitted.column, item))
    if fitted.column.prose:
        text.truncate(fitted.width, overflow="ellipsis")
    return text


def _style(column: Column[T], item: T) -> str:
    return column.style(item) if column.style else ""


def _write_coloured(title: str, text: str, style: str, console: Console) -> None:
    from rich.text import Text

    console.print(Text.assemble((title, "dim"), (text, style)), soft_wrap=True)
