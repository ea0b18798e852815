"""What the imports of stock and of orders have in common on the command line: their options, bars, errors and ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from oms_cli.progress import Report
from oms_cli.rejects import Rejects
from oms_core.domain.imports import ImportFormat, ImportProgress
from oms_core.errors import OmsError

FileArgument = Annotated[str, typer.Argument(metavar="FILE|-", help="CSV or JSON Lines; - is stdin.")]
FormatOption = Annotated[
    ImportFormat | None,
    typer.Option(
        "--format",
        case_sensitive=False,
        help="How rows are written; by default JSON Lines if { is the first character.",
    ),
]
SkipBadFlag = Annotated[bool, typer.Option("--skip-bad", help="Import the good rows although others are malformed.")]
DryRunFlag = Annotated[bool, typer.Option("--dry-run", help="Decide everything, change nothing.")]


def shown_by(report: Report) -> Callable[[ImportProgress], None]:
    """Show an import's progress in a bar."""
    return lambda progress: report(progress.done, progress.total, progress.stage.value)


@contextmanager
def rows_told_once(rejects: Rejects, *, as_json: bool) -> Iterator[None]:
    """Tell the rejected rows in the end, however it ends; an error over malformed ones does not name them again."""
    try:
        yield
    except OmsError as error:
        if rejects.count and not as_json:
            raise OmsError(error.code, error.detail, data=error.data) from error
        raise
    finally:
        rejects.tell()
