"""`oms orders import`: orders from a file."""

from __future__ import annotations

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
from oms_cli.terminal.exits import PARTLY_APPLIED
from oms_cli.terminal.messages import counted
from oms_cli.terminal.view import Column, View
from oms_core.documents.import_reports import show_order_import
from oms_core.domain.import_commands import ImportOrders, OrderImportReport

_REPORT: View[OrderImportReport] = View(
    columns=(
        Column(name="orders", value=lambda report: report.orders),
        Column(name="placed", value=lambda report: report.placed),
        Column(name="replayed", value=lambda report: report.replayed),
        Column(name="refused", value=lambda report: report.refused),
        Column(name="blank", value=lambda report: report.blank),
        Column(name="seconds", value=lambda report: f"{report.seconds:.3f}"),
    ),
    document=show_order_import,
)


KeyOption = Annotated[
    str | None,
    typer.Option("--key", metavar="K", help="With the number of its line, the key of a JSON line that has none."),
]


def register(app: typer.Typer) -> None:
    """Add `import` to the orders' commands."""
    command(app, "import")(import_orders)


def import_orders(
    session: Session,
    *,
    file: FileArgument,
    mapping: MapOption = None,
    format: FormatOption = None,
    delimiter: DelimiterOption = ",",
    encoding: EncodingOption = "utf-8",
    skip_bad: SkipBadFlag = False,
    dry_run: DryRunFlag = False,
    key: KeyOption = None,
    rejects: RejectsOption = None,
    yes: YesFlag = False,
) -> None:
    """Place the orders of a file, each all or nothing, in the order of the file.

    JSON Lines have the document that `place` takes, with an idempotency_key; CSV has a row per line:
    idempotency_key,reference,customer_id,currency,sku,quantity,unit_price,metadata,hold_seconds,locations. The
    reference stands in for a missing key, so running the same file again is harmless.
    """
    wanted = ImportOrders(
        format=format,
        columns=read_columns(mapping or []),
        delimiter=read_delimiter(delimiter),
        skip_bad=skip_bad,
        dry_run=dry_run,
        idempotency_key=key,
    )
    with (
        session.oms() as oms,
        import_run(session, wanted, file, encoding=encoding, rejects=rejects, yes=yes) as run,
    ):
        report = oms.imports.orders(
            wanted, run.source, caller=session.caller, rejects=run.rejects, progress=run.progress
        )
    _end(session, report, verb="would import" if dry_run else "imported")


def _end(session: Session, report: OrderImportReport, *, verb: str) -> None:
    session.output.sentence(
        f"{verb} {counted(report.orders, 'order')} in {report.seconds:.1f} s: {report.placed:,} placed, "
        f"{report.replayed:,} placed before, {report.refused:,} refused"
    )
    if report.blank:
        session.output.sentence(f"passed over {counted(report.blank, 'empty row')}")
    if not session.output.is_table:
        session.output.record(_REPORT, report)
    if report.refused:
        raise typer.Exit(PARTLY_APPLIED)
