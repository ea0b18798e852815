"""Lists of any length, read page by page in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Generic, Protocol, TypeVar

import typer

from oms_cli.terminal.arguments import WholeNumber
from oms_cli.terminal.messages import say
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX
from oms_core.domain.pages import Page

T = TypeVar("T")

LIMIT_DEFAULT = PAGE_ITEMS_DEFAULT
LimitOption = Annotated[
    int, typer.Option("--limit", metavar="N", parser=WholeNumber(lowest=1), help="How many at most.")
]
LimitOrNoneOption = Annotated[
    int | None,
    typer.Option(
        "--limit", metavar="N", parser=WholeNumber(lowest=1), show_default=str(LIMIT_DEFAULT), help="How many at most."
    ),
]
AllOption = Annotated[bool, typer.Option("--all", help="All of them, however many.")]


class ReadPage(Protocol[T]):
    """Reads a page of a list: `cursor` is None for the first one."""

    def __call__(self, *, cursor: str | None, limit: int) -> Page[T]:
        """Return at most `limit` items."""
        ...


class Pages(Generic[T]):
    """The items of a list that is read page by page, at most `limit` (None: all).

    `more` tells afterwards whether some were left out, `replica_lag_seconds` how old one of them was at most.
    """

    def __init__(self, read: ReadPage[T], *, limit: int | None) -> None:
        self._read = read
        self._limit = limit
        self.more = False
        self.replica_lag_seconds: float | None = None

    def __iter__(self) -> Iterator[T]:
        cursor: str | None = None
        left = self._limit
        while left is None or left > 0:
            page = self._read(cursor=cursor, limit=PAGE_ITEMS_MAX if left is None else min(left, PAGE_ITEMS_MAX))
            if page.replica_lag_seconds is not None:
                self.replica_lag_seconds = max(page.replica_lag_seconds, self.replica_lag_seconds or 0.0)
            yield from page.items
            if page.next is None:
                return
            cursor = page.next
            left = None if left is None else left - len(page.items)
        self.more = True


def say_more(pages: Pages[T], shown: int) -> None:
    """Say that the list goes on, if it does, and how old it may be, if it was read from a replica."""
    if pages.more:
        say(f"the first {shown:,} are shown; --limit N or --all shows more")
    say_replica_lag(pages.replica_lag_seconds)


def say_replica_lag(seconds: float | None) -> None:
    """Say how old what was shown may be; nothing where it was read from the primary."""
    if seconds is not None:
        say(f"read from the replica, at most {math.ceil(seconds * 10) / 10:.1f} s behind")
