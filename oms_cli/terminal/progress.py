"""Shows the progress of long work as a bar on stderr, if that is a terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

_REDRAW_SECONDS = 0.1
_RATE_AFTER_SECONDS = 0.5
_MEGABYTE = 1_000_000


class Report(Protocol):
    """How work reports how far it is. With `description` None the last one stays; `total` None means unknown."""

    def __call__(
        self, done: int, total: int | None = None, description: str | None = None, *, is_bytes: bool = False
    ) -> None:
        """Take the figures; cheap enough to be called for every row."""
        ...


@dataclass(slots=True)
class Pace:
    """How fast a stage of work goes, from when it began; `now` is a clock in seconds."""

    began: float
    description: str | None = None
    first: int = field(default=0)

    def figures(self, done: int, total: int | None, description: str | None, now: float, *, is_bytes: bool) -> str:
        """Say how much is done, of how much, how fast, and how long the rest may take."""
        if description not in {None, self.description}:
            self.description, self.began, self.first = description, now, done
        shown = f"{_amount(done, is_bytes)}" + (f"/{_amount(total, is_bytes)}" if total else "")
        shown += " MB" if is_bytes else ""
        seconds = now - self.began
        if seconds < _RATE_AFTER_SECONDS or done <= self.first:
            return shown
        rate = (done - self.first) / seconds
        shown += f", {_amount(rate, is_bytes)}{' MB' if is_bytes else ''}/s"
        left = timedelta(seconds=round((total - done) / rate)) if total else None
        return shown if left is None else f"{shown}, {left} left"


@contextmanager
def progress(description: str) -> Iterator[Report]:
    """Show a bar while work goes on, and remove it afterwards. Without a terminal show nothing."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield _ignore
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    from oms_cli.terminal.tables import terminal_console

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[figures]}"),
    )
    with Progress(*columns, console=terminal_console(sys.stderr), transient=True) as bar:
        task = bar.add_task(description, total=None, figures="")
        shown_at = 0.0
        pace = Pace(time.monotonic(), description)

        def report(
            done: int, total: int | None = None, description: str | None = None, *, is_bytes: bool = False
        ) -> None:
            nonlocal shown_at
            now = time.monotonic()
            if now - shown_at >= _REDRAW_SECONDS:
                shown_at = now
                figures = pace.figures(done, total, description, now, is_bytes=is_bytes)
                bar.update(task, completed=done, total=total, description=description, figures=figures)

        yield report


@contextmanager
def nothing(description: str) -> Iterator[Report]:  # noqa: ARG001  Called as `progress` is.
    """Show nothing while work goes on."""
    yield _ignore


def _amount(count: float, is_bytes: bool) -> str:
    return f"{count / _MEGABYTE:,.1f}" if is_bytes else f"{count:,.0f}"


def _ignore(done: int, total: int | None = None, description: str | None = None, *, is_bytes: bool = False) -> None:
    """Show nothing."""
