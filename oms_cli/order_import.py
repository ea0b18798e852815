"""`oms orders import`: orders from a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from oms_cli.command import command
from oms_cli.exits import PARTLY_APPLIED
from oms_cli.files import open_input
from oms_cli.imports import DryRunFlag, FileArgument, FormatOption, SkipBadFlag, rows_told_once, shown_by
from oms_cli.progress import progress
from oms_cli.rejects import RejectsOption, YesFlag, rejects_to
from oms_cli.session import Session
from oms_cli.views import Column, View, counted
from oms_core.domain.imports import ORDER_COLUMNS, ImportOrders, OrderImportReport

_REPORT: View[OrderImportReport] = View(
    columns=(
        Column(name="orders", value=lambda report: report.orders),
        Column(name="placed", value=lambda report: report.placed),
        Column(name="replayed", value=lambda report: report.replayed),
        Column(name="refused", value=lambda report: report.refused),
        Column(name="seconds", value=lambda report: f"{report.seconds:.3f}"),
    ),
    document=lambda report: {
        "orders": report.orders,
        "placed": report.placed,
        "replayed": report.replayed,
        "refused": report.refused,
        "seconds": round(report.seconds, 3),
    },
)


def register(app: typer.Typer) -> None:
    """Add `import` to the orders' commands."""
    command(app, "import")(import_orders)


def import_orders(
    session: Session,
    *,
    file: FileArgument,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OURS=THEIRS", help="A column of ours has another name in the file; repeatable."),
    ] = None,
    format: FormatOption = None,
    skip_bad: SkipBadFlag = False,
    dry_run: DryRunFlag = False,
    rejects: RejectsOption = None,
    yes: YesFlag = False,
) -> None:
    """Place the orders of a file, each all or nothing, in the order of the file.

    JSON Lines have the document that `place` takes, with an idempotency_key; CSV has a row per line:
    idempotency_key,reference,customer_id,currency,sku,quantity,unit_price,metadata. The reference stands in for a
    missing key, so running the same file again is harmless.
    """
    wanted = ImportOrders(format=format, columns=_columns(mapping or []), skip_bad=skip_bad, dry_run=dry_run)
    as_json = session.output.is_json
    with (
        session.oms() as oms,
        open_input(file) as source,
        rejects_to(rejects, ORDER_COLUMNS, source=source, overwrite=yes, as_json=as_json) as refused,
        rows_told_once(refused, as_json=as_json),
        progress("reading") as bar,
    ):
        report = oms.import_orders(wanted, source, caller=session.caller, rejects=refused, progress=shown_by(bar))
    _end(session, report, verb="would import" if dry_run else "imported")


def _columns(mapping: Sequence[str]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for text in mapping:
        ours, equals, theirs = text.partition("=")
        if not equals or ours in columns:
            why = "maps a column that is mapped already" if equals else "is no mapping such as reference=InvoiceNo"
            raise typer.BadParameter(f"{text!r} {why}")
        columns[ours] = theirs
    return columns


def _end(session: Session, report: OrderImportReport, *, verb: str) -> None:
    session.output.sentence(
        f"{verb} {counted(report.orders, 'order')} in {report.seconds:.1f} s: {report.placed:,} placed, "
        f"{report.replayed:,} placed before, {report.refused:,} refused"
    )
    if not session.output.is_table:
        session.output.record(_REPORT, report)
    if report.refused:
        raise typer.Exit(PARTLY_APPLIED)
