"""`oms inventory import`: counts or differences of stock from a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from oms_cli.commands.command import command
from oms_cli.commands.import_files import (
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
from oms_cli.commands.import_rejects import RejectsOption, YesFlag
from oms_cli.commands.session import Session
from oms_cli.terminal.arguments import WHOLE_NUMBER
from oms_cli.terminal.exits import PARTLY_APPLIED
from oms_cli.terminal.messages import counted
from oms_cli.terminal.view import Column, View
from oms_core.documents.import_reports import show_stock_import
from oms_core.domain.import_commands import ImportMode, ImportStock, StockImportReport
from oms_core.domain.limits import IMPORT_BATCH_ROWS_DEFAULT

_REPORT: View[StockImportReport] = View(
    columns=(
        Column(name="rows", value=lambda report: report.rows),
        Column(name="applied", value=lambda report: report.applied),
        Column(name="unchanged", value=lambda report: report.unchanged),
        Column(name="rejected", value=lambda report: report.rejected),
        Column(name="replayed", value=lambda report: report.replayed),
        Column(name="blank", value=lambda report: report.blank),
        Column(name="created", value=lambda report: report.created),
        Column(name="created_skus", value=lambda report: " ".join(report.created_skus)),
        Column(name="new_locations", value=lambda report: " ".join(report.new_locations)),
        Column(name="seconds", value=lambda report: f"{report.seconds:.3f}"),
    ),
    document=show_stock_import,
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

ExistingOnlyFlag = Annotated[
    bool, typer.Option("--existing-only", help="Refuse SKUs and locations that are not there yet.")
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
    existing_only: ExistingOnlyFlag = False,
    reason: ReasonOption = None,
    idempotency_key: KeyOption = None,
    rejects: RejectsOption = None,
    yes: YesFlag = False,
) -> None:
    """Import counts (--mode set) or differences (--mode adjust) of stock.

    CSV has a header of sku,quantity[,location,name,reason,reference], JSON Lines these members. All is checked first:
    a malformed row stops the import before anything changes. Rows that the present stock refuses do not stop it.
    """
    wanted = ImportStock(
        mode=mode,
        format=format,
        columns=read_columns(mapping or []),
        delimiter=read_delimiter(delimiter),
        batch_size=batch_size,
        skip_bad=skip_bad,
        dry_run=dry_run,
        existing_only=existing_only,
        reason=reason,
        idempotency_key=idempotency_key,
    )
    caller = session.caller
    opened = import_run(session, wanted, file, encoding=encoding, rejects=rejects, yes=yes)
    with session.oms() as oms, opened as run:
        report = oms.imports.stock(wanted, run.source, caller=caller, rejects=run.rejects, progress=run.progress)
    _end(session, report, would=dry_run)


def _end(session: Session, report: StockImportReport, *, would: bool) -> None:
    verb = "imported before with this key:" if report.was_done else "would import" if would else "imported"
    session.output.sentence(
        f"{verb} {counted(report.rows, 'row')} in {report.seconds:.1f} s: {report.applied:,} applied, "
        f"{report.unchanged:,} unchanged, {report.rejected:,} rejected"
    )
    for line in _more(report, "would create" if would else "created"):
        session.output.sentence(line)
    if not session.output.is_table:
        session.output.record(_REPORT, report)
    if report.rejected:
        raise typer.Exit(PARTLY_APPLIED)


def _more(report: StockImportReport, create: str) -> Iterator[str]:
    """Return lines about what the import created, and what it left out."""
    if report.replayed and not report.was_done:
        yield f"went on after {counted(report.replayed, 'row')} of an earlier run"
    if report.created:
        yield f"{create} {counted(report.created, 'product')}{_named(report.created_skus, report.created)}"
    if report.new_locations:
        yield f"new locations{_named(report.new_locations, len(report.new_locations))}"
    if report.blank:
        yield f"passed over {counted(report.blank, 'empty row')}"


def _named(names: Sequence[str], count: int) -> str:
    more = f" and {count - len(names):,} more" if count > len(names) else ""
    return f": {', '.join(names)}{more}" if names else ""
