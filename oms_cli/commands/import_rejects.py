"""Rows that an import did not apply: the first ones are shown, and all are kept in a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from oms_cli.terminal.exits import usage_error
from oms_cli.terminal.files import confirm, is_open_as
from oms_cli.terminal.messages import counted, say
from oms_core.documents.csv_guard import csv_writer, guard
from oms_core.domain.import_commands import REASON_COLUMNS, ImportReject

_TOLD_MAX = 20

RejectsOption = Annotated[
    Path | None,
    typer.Option("--rejects", metavar="FILE", help="Keep every rejected row there, as CSV.", readable=False),
]
YesFlag = Annotated[bool, typer.Option("--yes", help="Replace the file of --rejects without asking.")]


class Rejects:
    """Takes rejected rows as they come, writes all of them with `writer`, and keeps the first 20 to show them."""

    def __init__(self, columns: Sequence[str], writer: Any, *, as_json: bool) -> None:
        self._columns = columns
        self._writer = writer
        self._as_json = as_json
        self._first: list[ImportReject] = []
        self.count = 0

    def __call__(self, row: ImportReject) -> None:
        """Take one row."""
        self.count += 1
        if self._writer is not None:
            reason = [row.line, row.column or "", row.code, row.detail]
            for values in row.rows or (row.values,):
                cells = [values.get(name, "") for name in self._columns]
                self._writer.writerow([guard(cell) for cell in (*cells, *reason)])
        if self.count <= _TOLD_MAX:
            self._first.append(row)

    def tell(self) -> None:
        """Write the first ones on stderr, and how many more there are."""
        for row in self._first:
            self._tell(row)
        more = self.count - len(self._first)
        if more > 0 and not self._as_json:
            say(f"and {counted(more, 'more row')}" + ("" if self._writer else "; --rejects FILE keeps them all"))

    def _tell(self, row: ImportReject) -> None:
        if self._as_json:
            told = {"line": row.line, "column": row.column, "code": row.code, "detail": row.detail}
            sys.stderr.write(json.dumps(told) + "\n")
        else:
            where = f"line {row.line}" + (f", {row.column}" if row.column else "")
            say(f"{where}: {row.code}: {row.detail}")


@contextmanager
def rejects_to(
    path: Path | None, columns: Sequence[str], *, source: IO[bytes], overwrite: bool, as_json: bool
) -> Iterator[Rejects]:
    """Open the file of rejects, with a header of our columns and the reason's. It is kept whatever happens.

    An existing file is replaced only with `overwrite`, or if somebody at the terminal says so. `source`, from which the
    rows come, is never replaced.
    """
    if path is None:
        yield Rejects(columns, None, as_json=as_json)
        return
    if path == Path("-"):
        usage_error("--rejects takes a file; stdout is the report's")
    if is_open_as(source, path):
        usage_error(f"{path} is what is imported; --rejects takes another file")
    if path.exists() and not overwrite:
        confirm(f"{path} is there already. Replace it?")
    try:
        stream = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        usage_error(f"cannot write {path}: {error.strerror}")
    with stream:
        writer = csv_writer(stream)
        writer.writerow([*columns, *REASON_COLUMNS])
        yield Rejects(columns, writer, as_json=as_json)
