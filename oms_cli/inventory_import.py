"""`oms inventory import`: counts or differences of stock from a file."""

from __future__ import annotations

from typing import Annotated

import typer

from oms_cli.arguments import WHOLE_NUMBER
from oms_cli.command import command
from oms_cli.exits import PARTLY_APPLIED
from oms_cli.imports import (
    DelimiterOption,
    DryRunFlag,
    EncodingOption,
    FileArgument,
    FormatOption,
    MapOption,
    SkipBadFlag,
    import_run,
    read_columns,
    read_delimiter,
)
from oms_cli.rejects import RejectsOption, YesFlag
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
    mapping: MapOption = None,
    format: FormatOption = None,
    delimiter: DelimiterOption = ",",
    encoding: EncodingOption = "utf-8",
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
        columns=read_columns(mapping or []),
        delimiter=read_delimiter(delimiter),
        batch_size=batch_size,
        skip_bad=skip_bad,
        dry_run=dry_run,
        reason=reason,
        idempotency_key=idempotency_key,
    )
    with (
        session.oms() as oms,
        import_run(session, file, encoding=encoding, rejects=rejects, columns=STOCK_COLUMNS, overwrite=yes) as run,
    ):
        report = oms.import_stock(wanted, run.source, caller=session.caller, rejects=run.rejects, progress=run.progress)
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
