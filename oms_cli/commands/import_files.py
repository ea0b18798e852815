"""What the imports of stock, orders and acts on orders share: options, reading the file, progress, interruption."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Annotated

import typer

from oms_cli.commands.import_rejects import Rejects, rejects_to
from oms_cli.commands.session import Session
from oms_cli.terminal.files import open_input
from oms_cli.terminal.messages import say
from oms_cli.terminal.progress import Report, progress
from oms_core.documents.byte_sources import ByteSource, decoded, decompressed
from oms_core.domain.import_commands import (
    ORDER_COLUMNS,
    STOCK_COLUMNS,
    ImportActs,
    ImportFormat,
    ImportOrders,
    ImportProgress,
    ImportStage,
    ImportStock,
)
from oms_core.errors import OmsError

FileArgument = Annotated[
    str, typer.Argument(metavar="FILE|-", help="CSV or JSON Lines, also compressed with gzip; - is stdin.")
]
FormatOption = Annotated[
    ImportFormat | None,
    typer.Option(
        "--format",
        case_sensitive=False,
        help="How rows are written; by default JSON Lines if { is the first character.",
    ),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="OURS=THEIRS", help="A column of ours has another name in the file; repeatable."),
]
DelimiterOption = Annotated[
    str, typer.Option("--delimiter", metavar="C", help="What stands between the fields of CSV: one character, or tab.")
]
EncodingOption = Annotated[str, typer.Option("--encoding", metavar="E", help="Of the file, such as utf-16 or cp1252.")]
SkipBadFlag = Annotated[bool, typer.Option("--skip-bad", help="Import the good rows although others are malformed.")]
DryRunFlag = Annotated[bool, typer.Option("--dry-run", help="Decide everything, change nothing.")]

_TABS = frozenset({"tab", "\\t"})


@dataclass(slots=True)
class ImportInvocation:
    """One import under way: what is read, where rejected rows go, and how far it has come."""

    source: ByteSource
    rejects: Rejects
    show: Callable[[ImportProgress], None]
    last: ImportProgress = field(default_factory=lambda: ImportProgress(stage=ImportStage.READING, done=0, total=None))

    def progress(self, reached: ImportProgress) -> None:
        """Take note of how far it has come, and show it."""
        self.last = reached
        self.show(reached)


@contextmanager
def import_run(
    session: Session,
    wanted: ImportStock | ImportOrders | ImportActs,
    file: str,
    *,
    encoding: str,
    rejects: Path | None,
    yes: bool,
) -> Iterator[ImportInvocation]:
    """Open the file and that of the rejects, and show a bar. After Ctrl-C say how far the import came."""
    as_json = session.output.is_json
    columns = _columns(wanted)
    with (
        open_input(file) as stream,
        rejects_to(rejects, columns, source=stream, overwrite=yes, as_json=as_json) as refused,
        _rows_told_once(refused, as_json=as_json),
    ):
        run = ImportInvocation(decoded(decompressed(stream), encoding), refused, _pass_over)
        try:
            with progress("reading") as bar:
                run.show = _shown_by(bar, stream)
                yield run
        except KeyboardInterrupt:
            say(_how_far(run.last, dry_run=not isinstance(wanted, ImportActs) and wanted.dry_run))
            raise


def _columns(wanted: ImportStock | ImportOrders | ImportActs) -> Sequence[str]:
    if isinstance(wanted, ImportActs):
        return wanted.COLUMNS
    return ORDER_COLUMNS if isinstance(wanted, ImportOrders) else STOCK_COLUMNS


def read_columns(mapping: Sequence[str]) -> dict[str, str]:
    """Read the pairs of --map."""
    columns: dict[str, str] = {}
    for text in mapping:
        ours, equals, theirs = text.partition("=")
        if not equals or ours in columns:
            why = "maps a column that is mapped already" if equals else "is no mapping such as reference=InvoiceNo"
            raise typer.BadParameter(f"{text!r} {why}")
        columns[ours] = theirs
    return columns


def read_delimiter(text: str) -> str:
    """Read one character, or `tab`, which is hard to write in a shell."""
    return "\t" if text.lower() in _TABS else text


def _how_far(reached: ImportProgress, *, dry_run: bool) -> str:
    if reached.stage is ImportStage.READING or dry_run:
        return f"stopped while {'deciding' if dry_run else 'reading'}, after {reached.done:,}: nothing was changed"
    done = f"{reached.done:,} of {reached.total:,}" if reached.total else f"{reached.done:,}"
    return f"stopped: at least {done} are done; the same command goes on after them"


def _shown_by(report: Report, stream: IO[bytes]) -> Callable[[ImportProgress], None]:
    """Return what shows an import's progress in a bar: while it reads a file, how many bytes are read."""
    size = _size(stream)

    def show(reached: ImportProgress) -> None:
        if reached.stage is ImportStage.READING and size:
            report(stream.tell(), size, reached.stage.value, is_bytes=True)
        else:
            report(reached.done, reached.total, reached.stage.value)

    return show


def _size(stream: IO[bytes]) -> int | None:
    """Return the size of a file; None if it has none, or cannot tell how much of it was read."""
    try:
        stream.tell()
        return os.fstat(stream.fileno()).st_size
    except OSError:
        return None


@contextmanager
def _rows_told_once(rejects: Rejects, *, as_json: bool) -> Iterator[None]:
    """Tell the rejected rows at the end, even after an error. An error over malformed rows does not name them again."""
    try:
        yield
    except OmsError as error:
        if rejects.count and not as_json:
            raise OmsError(error.code, error.detail, data=error.data) from error
        raise
    finally:
        rejects.tell()


def _pass_over(reached: ImportProgress) -> None:
    """Show nothing yet."""
