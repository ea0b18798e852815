"""Tables for people: with Rich on a terminal, whole and aligned rows anywhere else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Generic, Literal, TextIO, TypeVar

from oms_cli.messages import has_colours, say
from oms_cli.views import Column, View

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

T = TypeVar("T")

CHUNK_ROWS = 500
_FOLDED_WIDTH_MIN = 12
_GAP = 2
_ID_LENGTH = 36
_ID_CUTS = (13, 18)  # The millisecond of a UUIDv7, and its fraction.


def terminal_console(stream: TextIO) -> Console:
    """Give Rich's console on a terminal; without colours it writes no escape sequence at all."""
    from rich.console import Console

    return Console(file=stream, color_system="auto" if has_colours(stream) else None, highlight=False, markup=False)


def write_terminal_table(view: View[T], items: Iterator[T], stream: TextIO) -> int:
    """Write a table fitted to the terminal, and give its number of rows; a long one is cut into several by 500 rows.

    A narrow terminal gets shorter ids and fewer columns, and is told; a very narrow one a block of lines per thing.
    """
    console = terminal_console(stream)
    rows = 0
    left_out: list[str] = []
    is_short = False
    while chunk := list(islice(items, CHUNK_ROWS)):
        rows += len(chunk)
        columns, left_out = _fitting(view.table_columns, chunk, console.width)
        is_short = is_short or any(fitted.cut for fitted in columns)
        if columns:
            console.print(_table(columns, chunk))
        else:
            for item in chunk:
                write_record(view.table_columns, item, stream)
                stream.write("\n")
    stream.flush()
    if is_short:
        say("ids are shortened; commands take them as they stand here")
    if left_out:
        say(f"the terminal is too narrow for: {', '.join(left_out)}")
    return rows


def write_record(columns: Sequence[Column[T]], item: T, stream: TextIO) -> None:
    """Write one thing as lines of name and value, leaving out what it has not."""
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
    """Write one line per row, never cut, folded or coloured, and give their number; the first 500 set the widths."""
    columns = view.table_columns
    rows = (tuple(column.text(item) for column in columns) for item in items)
    first = list(islice(rows, CHUNK_ROWS))
    if not first:
        return 0
    titles = tuple(column.title.upper() for column in columns)
    widths = [max(map(_cells, texts)) for texts in zip(titles, *first, strict=True)]
    written = -1  # The heading is no row.
    for texts in chain([titles], first, rows):
        stream.write(_plain_line(columns, widths, texts))
        written += 1
    return written


def _plain_line(columns: Sequence[Column[T]], widths: Sequence[int], texts: Iterable[str]) -> str:
    cells = []
    for column, width, text in zip(columns, widths, texts, strict=True):
        gap = " " * (width - _cells(text))
        cells.append(gap + text if column.right else text + gap)
    return "  ".join(cells).rstrip() + "\n"


def _cells(text: str) -> int:
    """Give the width on a terminal: East Asian characters take two cells."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _fitting(columns: Sequence[Column[T]], items: Sequence[T], room: int) -> tuple[list[_Fitted[T]], list[str]]:
    """Choose the columns that fit side by side, and name those left out; no columns where even the needed are too wide.

    A column that is empty throughout is not missed.
    """
    shown = [_measured(column, items) for column in columns if any(map(column.text, items))]
    left_out: list[str] = []
    if sum(fitted.width_min + _GAP for fitted in shown) - _GAP > room:
        shown = [_shortened(fitted, items) for fitted in shown]
    while sum(fitted.width_min + _GAP for fitted in shown) - _GAP > room:
        spare = [fitted for fitted in shown if fitted.column.spare]
        if not spare:
            return [], []
        shown.remove(spare[-1])
        left_out.insert(0, spare[-1].column.title)
    too_wide = sum(fitted.width + _GAP for fitted in shown) - _GAP - room
    for _ in range(too_wide):
        widest = max((fitted for fitted in shown if fitted.width > fitted.width_min), key=lambda it: it.width)
        widest.width -= 1
    return shown, left_out


@dataclass(slots=True)
class _Fitted(Generic[T]):
    """A column, the width that it gets, and the least that it can do with."""

    column: Column[T]
    width: int
    width_min: int
    cut: int | None = None

    def text(self, item: T) -> str:
        """Give what is shown of a thing."""
        return self.column.text(item)[: self.cut]


def _shortened(fitted: _Fitted[T], items: Sequence[T]) -> _Fitted[T]:
    """Cut ids to the fewest of their groups that tell all of them apart."""
    ids = {fitted.column.text(item) for item in items} - {""}
    if not fitted.column.is_id or any(len(text) != _ID_LENGTH for text in ids):
        return fitted
    for cut in _ID_CUTS:
        if len({text[:cut] for text in ids}) == len(ids):
            return _Fitted(fitted.column, width=cut, width_min=cut, cut=cut)
    return fitted


def _measured(column: Column[T], items: Sequence[T]) -> _Fitted[T]:
    texts = [column.text(item) for item in items]
    longest = max(map(_cells, texts))
    longest_word = max(_cells(word) for text in texts for word in text.split() or [""])
    needed = longest if column.whole or column.right else min(longest_word, _FOLDED_WIDTH_MIN)
    return _Fitted(
        column,
        width=max(longest, len(column.title)),
        width_min=max(needed, *map(len, column.title.split())),
    )


def _table(columns: Sequence[_Fitted[T]], items: Sequence[T]) -> Table:
    """Lay a table out with the widths that were chosen: Rich's own would cut what must stay whole."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for fitted in columns:
        justify: Literal["left", "right"] = "right" if fitted.column.right else "left"
        table.add_column(Text(fitted.column.title), justify=justify, overflow="fold", width=fitted.width)
    for item in items:
        table.add_row(*(Text(each.text(item), style=_style(each.column, item)) for each in columns))
    return table


def _style(column: Column[T], item: T) -> str:
    return column.style(item) if column.style else ""


def _write_coloured(title: str, text: str, style: str, console: Console) -> None:
    from rich.text import Text

    console.print(Text.assemble((title, "dim"), (text, style)), soft_wrap=True)
