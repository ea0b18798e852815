"""Progress of long work: a bar on stderr, where that is a terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from oms_cli.tables import terminal_console

_REDRAW_SECONDS = 0.1


class Report(Protocol):
    """How work says how far it is: `description` None keeps what was said; `total` None is not known."""

    def __call__(self, done: int, total: int | None = None, description: str | None = None) -> None:
        """Take the figures; cheap enough to be called for every row."""
        ...


@contextmanager
def progress(description: str) -> Iterator[Report]:
    """Show a bar while work goes on, and nothing of it afterwards; off a terminal, nothing at all."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield _ignore
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=terminal_console(sys.stderr), transient=True) as bar:
        task = bar.add_task(description, total=None)
        shown_at = 0.0

        def report(done: int, total: int | None = None, description: str | None = None) -> None:
            nonlocal shown_at
            now = time.monotonic()
            if now - shown_at >= _REDRAW_SECONDS:
                shown_at = now
                bar.update(task, completed=done, total=total, description=description)

        yield report


@contextmanager
def nothing(description: str) -> Iterator[Report]:  # noqa: ARG001  Called as `progress` is.
    """Show nothing while work goes on."""
    yield _ignore


def _ignore(done: int, total: int | None = None, description: str | None = None) -> None:
    """Show nothing."""
