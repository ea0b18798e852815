"""Lists of any length, read page by page in bounded memory."""

from __future__ import annotations

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

    `more` tells afterwards whether some were left out.
    """

    def __init__(self, read: ReadPage[T], *, limit: int | None) -> None:
        self._read = read
        self._limit = limit
        self.more = False

    def __iter__(self) -> Iterator[T]:
        cursor: str | None = None
        left = self._limit
        while left is None or left > 0:
            page = self._read(cursor=cursor, limit=PAGE_ITEMS_MAX if left is None else min(left, PAGE_ITEMS_MAX))
            yield from page.items
            if page.next is None:
                return
            cursor = page.next
            left = None if left is None else left - len(page.items)
        self.more = True


def say_if_more(pages: Pages[T], shown: int) -> None:
    """Say that the list goes on, if it does."""
    if pages.more:
        say(f"the first {shown:,} are shown; --limit N or --all shows more")
