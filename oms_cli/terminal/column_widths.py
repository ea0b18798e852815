"""Chooses the columns that a terminal has room for, and their widths, so that a row is one line where it can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from oms_cli.terminal.view import Column

T = TypeVar("T")

_TEXT_WIDTH_MIN = 12
_GAP = 2
_ID_LENGTH = 36
_ID_CUTS = (13, 18)  # The millisecond of a UUIDv7, and its fraction.


@dataclass(slots=True)
class FittedColumn(Generic[T]):
    """A column, its width, the least width at which no row of it folds, and the least width that is possible."""

    column: Column[T]
    width: int
    longest: int
    unfolded_min: int
    folded_min: int
    id_length: int | None = None

    def text(self, item: T) -> str:
        """Return what this column shows of a thing."""
        return self.column.text(item)[: self.id_length]

    def shows_all(self, item: T) -> bool:
        """Return whether the column has room for the whole text."""
        return not self.column.prose or cells(self.text(item)) <= self.width


def fit_columns(columns: Sequence[Column[T]], items: Sequence[T], room: int) -> tuple[list[FittedColumn[T]], list[str]]:
    """Return the columns that fit side by side, and the names of those left out; no columns if none of this helps.

    To make room, first headings fold, then ids and prose are shortened, then spare columns are left out. Only then rows
    fold. A column without any text is left out and not named.
    """
    shown = [_measured(column, items) for column in columns if any(map(column.text, items))]
    left_out: list[str] = []
    if not _fits([fitted.unfolded_min for fitted in shown], room):
        shown = [_with_short_ids(fitted, items) for fitted in shown]
    while not _fits([fitted.unfolded_min for fitted in shown], room):
        spare = [fitted for fitted in shown if fitted.column.spare]
        if not spare:
            return (shown, left_out) if _folded(shown, room) else ([], [])
        shown.remove(spare[-1])
        left_out.insert(0, spare[-1].column.title)
    _narrow(shown, [fitted.unfolded_min for fitted in shown], room)
    return shown, left_out


def cells(text: str) -> int:
    """Return the width on a terminal: East Asian characters take two cells."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _fits(widths: Sequence[int], room: int) -> bool:
    return sum(widths) + _GAP * (len(widths) - 1) <= room


def _folded(shown: Sequence[FittedColumn[T]], room: int) -> bool:
    """Let rows fold, and tell whether the columns fit then."""
    widths_min = [fitted.folded_min for fitted in shown]
    _narrow(shown, widths_min, room)
    return _fits(widths_min, room)


def _narrow(shown: Sequence[FittedColumn[T]], widths_min: Sequence[int], room: int) -> None:
    """Take width away until all fits: first where only a heading needs it, then from the widest."""
    wide = list(zip(shown, widths_min, strict=True))
    while not _fits([fitted.width for fitted in shown], room):
        wide = [(fitted, width_min) for fitted, width_min in wide if fitted.width > width_min]
        if not wide:
            return
        widest, _ = max(wide, key=lambda pair: (pair[0].width > pair[0].longest, pair[0].width))
        widest.width -= 1


def _with_short_ids(fitted: FittedColumn[T], items: Sequence[T]) -> FittedColumn[T]:
    """Cut ids to the fewest of their groups that tell all of them apart."""
    ids = {fitted.column.text(item) for item in items} - {""}
    if not fitted.column.is_id or any(len(text) != _ID_LENGTH for text in ids):
        return fitted
    for cut in _ID_CUTS:
        if len({text[:cut] for text in ids}) == len(ids):
            return FittedColumn(fitted.column, cut, cut, cut, cut, id_length=cut)
    return fitted


def _measured(column: Column[T], items: Sequence[T]) -> FittedColumn[T]:
    texts = [column.text(item) for item in items]
    longest = max(map(cells, texts))
    longest_word = max(cells(word) for text in texts for word in text.split() or [""])
    heading = max(map(len, column.title.split()))
    never_folds = column.whole or column.right or any(isinstance(column.value(item), datetime) for item in items)
    return FittedColumn(
        column,
        width=max(longest, len(column.title)),
        longest=longest,
        unfolded_min=max(heading, min(longest, _TEXT_WIDTH_MIN) if column.prose else longest),
        folded_min=max(heading, longest if never_folds else min(longest_word, _TEXT_WIDTH_MIN)),
    )
