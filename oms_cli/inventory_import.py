"""`oms inventory import`: counts or differences of stock from a file."""

from __future__ import annotations

from typing import Annotated

import typer

from oms_cli.arguments import WHOLE_NUMBER
from oms_cli.command import command
from oms_cli.exits import PARTLY_APPLIED
from oms_cli.files import open_input
from oms_cli.imports import DryRunFlag, FileArgument, FormatOption, SkipBadFlag, rows_told_once, shown_by
from oms_cli.progress import progress
from oms_cli.rejects import RejectsOption, YesFlag, rejects_to
from oms_cli.session import Session
from oms_cli.views import Column, View, counted
from oms_core.domain.imports import STOCK_COLUMNS, ImportMode, ImportStock, StockImportReport
from oms_core.domain.limits import IMPORT_BATCH_ROWS_DEFAULT

_REPORT: View[StockImportReport] = View(
    columns=(
        Column(name="rows", value=lambda report: report.rows),
        Column(name="applied", value=lambda report: report.applied),
        Column(name="unchanged", value=lambda report: report.unchanged),
        Column(name="rejected", value=lambda report: report.rejected),
        Column(name="seconds", value=lambda report: f"{report.seconds:.3f}"),
    ),
    document=lambda report: {
        "rows": report.rows,
        "applied": report.applied,
        "unchanged": report.unchanged,
        "rejected": report.rejected,
        "seconds": round(report.seconds, 3),
    },
)

ModeOption = Annotated[
    ImportMode, typer.Option("--mode", case_sensitive=False, help="Whether quantities are counts or differences.")
]
BatchSizeOption = Annotated[
    int,
    typer.Option(
        "--batch-size",
        metavar="N",
        parser=WHOLE_NUMBER,
        help="Rows per transaction: no sale waits longer than for one.",
    ),
]
ReasonOption = Annotated[
    str | None, typer.Option("--reason", metavar="R", help="Why, for rows that have no reason of their own.")
]
KeyOption = Annotated[
    str | None, typer.Option("--idempotency-key", metavar="K", help="Makes it repeatable; --mode adjust needs one.")
]


def register(app: typer.Typer) -> None:
    """Add `import` to the inventory's commands."""
    command(app, "import")(import_stock)


def import_stock(
    session: Session,
    *,
    file: FileArgument,
    mode: ModeOption = ImportMode.SET,
    format: FormatOption = None,
    batch_size: BatchSizeOption = IMPORT_BATCH_ROWS_DEFAULT,
    skip_bad: SkipBadFlag = False,
    dry_run: DryRunFlag = False,
    reason: ReasonOption = None,
    idempotency_key: KeyOption = None,
    rejects: RejectsOption = None,
    yes: YesFlag = False,
) -> None:
    """Import counts (--mode set) or differences (--mode adjust) of stock.

    CSV has a header of sku,quantity[,location,name,reason,reference]; JSON Lines have these members. Everything is
    checked first: a malformed row stops the import before anything changes. Rows that the present stock refuses do not
    stop it.
    """
    wanted = ImportStock(
        mode=mode,
        format=format,
        batch_size=batch_size,
        skip_bad=skip_bad,
        dry_run=dry_run,
        reason=reason,
        idempotency_key=idempotency_key,
    )
    as_json = session.output.is_json
    with (
        session.oms() as oms,
        open_input(file) as source,
        rejects_to(rejects, STOCK_COLUMNS, source=source, overwrite=yes, as_json=as_json) as refused,
        rows_told_once(refused, as_json=as_json),
        progress("reading") as bar,
    ):
        report = oms.import_stock(wanted, source, caller=session.caller, rejects=refused, progress=shown_by(bar))
    _end(session, report, verb="would import" if dry_run else "imported")


def _end(session: Session, report: StockImportReport, *, verb: str) -> None:
    session.output.sentence(
        f"{verb} {counted(report.rows, 'row')} in {report.seconds:.1f} s: {report.applied:,} applied, "
        f"{report.unchanged:,} unchanged, {report.rejected:,} rejected"
    )
    if not session.output.is_table:
        session.output.record(_REPORT, report)
    if report.rejected:
        raise typer.Exit(PARTLY_APPLIED)
