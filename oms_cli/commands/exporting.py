"""What the exports of stock and of orders share: their formats, and rows as a view."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import Annotated

import typer

from oms_cli.commands.session import Session
from oms_cli.terminal.exits import usage_error
from oms_cli.terminal.output import OutputFormat
from oms_cli.terminal.view import Column, View
from oms_core.documents.exports import Cells

YesOption = Annotated[bool, typer.Option("--yes", help="Replace FILE without asking.")]

_JSONL_SUFFIXES = frozenset({".jsonl", ".ndjson"})


def export_format(session: Session, file: str, *, see: str) -> OutputFormat:
    """Return csv or jsonl: the one asked for, or that of the file's name. `see` names the command that shows tables."""
    asked = session.given.output
    if asked is None:
        return OutputFormat.JSONL if Path(file).suffix in _JSONL_SUFFIXES else OutputFormat.CSV
    if asked not in {OutputFormat.CSV, OutputFormat.JSONL}:
        usage_error(f"an export is csv or jsonl, not {asked}; `{see}` shows tables")
    return asked


def row_view(names: Sequence[str]) -> View[Cells]:
    """Return how rows with these columns are written."""
    return View(
        columns=tuple(Column(name=name, value=itemgetter(index)) for index, name in enumerate(names)),
        document=lambda row: dict(zip(names, row, strict=True)),
    )
