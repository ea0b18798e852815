"""`oms orders ship`: units of an order leave, or those of a file's orders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from oms_cli.commands.command import command
from oms_cli.commands.import_files import (
    DelimiterOption,
    EncodingOption,
    FormatOption,
    MapOption,
    SkipBadFlag,
    import_run,
    read_columns,
    read_delimiter,
)
from oms_cli.commands.import_rejects import RejectsOption, YesFlag
from oms_cli.commands.order_names import OrderNames
from oms_cli.commands.session import Session
from oms_cli.terminal.arguments import WholeNumber
from oms_cli.terminal.exits import PARTLY_APPLIED, usage_error
from oms_cli.terminal.messages import counted
from oms_cli.terminal.view import Column, View
from oms_cli.views.shipments import SHIPMENTS, sentence
from oms_core.documents.import_reports import show_shipment_import
from oms_core.domain.import_commands import ImportShipments, ShipmentImportReport
from oms_core.domain.numbers import parse_digits
from oms_core.domain.orders.shipments import ShipmentLine
from oms_core.domain.shipment_commands import CreateShipment

_REPORT: View[ShipmentImportReport] = View(
    columns=(
        Column(name="shipments", value=lambda report: report.shipments),
        Column(name="made", value=lambda report: report.made),
        Column(name="replayed", value=lambda report: report.replayed),
        Column(name="refused", value=lambda report: report.refused),
        Column(name="blank", value=lambda report: report.blank),
        Column(name="seconds", value=lambda report: f"{report.seconds:.3f}"),
    ),
    document=show_shipment_import,
)
_UNITS = re.compile(r"(?P<what>.+):(?P<quantity>[0-9]{1,40})", re.DOTALL)

OrderArgument = Annotated[
    str | None, typer.Argument(metavar="[ID]", help="The order: its id, or its reference. Not with --file.")
]
FileOption = Annotated[
    str | None,
    typer.Option(
        "--file", metavar="FILE|-", help="Shipments as CSV or JSON Lines, also compressed with gzip; - is stdin."
    ),
]
LocationOption = Annotated[
    str | None, typer.Option("--location", metavar="L", help="Where they leave; needed if several have some.")
]
SkuOption = Annotated[
    list[str] | None, typer.Option("--line", metavar="SKU:QTY", help="Units of a product; repeatable.")
]
LineOption = Annotated[
    list[str] | None, typer.Option("--line-no", metavar="N:QTY", help="Units of the order's Nth line; repeatable.")
]
CarrierOption = Annotated[str | None, typer.Option("--carrier", metavar="C", help="Who carries it.")]
TrackingNumberOption = Annotated[str | None, typer.Option("--tracking-number", metavar="T", help="The carrier's.")]
TrackingUrlOption = Annotated[str | None, typer.Option("--tracking-url", metavar="URL", help="Where to follow it.")]
ReferenceOption = Annotated[str | None, typer.Option("--reference", metavar="R", help="Your own number for it.")]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", metavar="K", help="Idempotency key; for a file, with the number of its line."),
]
VersionOption = Annotated[
    int | None,
    typer.Option(
        "--if-version", metavar="N", parser=WholeNumber(lowest=1), help="Refuse unless the order is at version N now."
    ),
]


def register(app: typer.Typer) -> None:
    """Add `ship` to the orders' commands."""
    command(app, "ship")(ship)


def ship(
    session: Session,
    order: OrderArgument = None,
    *,
    file: FileOption = None,
    location: LocationOption = None,
    skus: SkuOption = None,
    line_nos: LineOption = None,
    carrier: CarrierOption = None,
    tracking_number: TrackingNumberOption = None,
    tracking_url: TrackingUrlOption = None,
    reference: ReferenceOption = None,
    key: KeyOption = None,
    if_version: VersionOption = None,
    mapping: MapOption = None,
    format: FormatOption = None,
    delimiter: DelimiterOption = ",",
    encoding: EncodingOption = "utf-8",
    skip_bad: SkipBadFlag = False,
    rejects: RejectsOption = None,
    yes: YesFlag = False,
) -> None:
    """Ship units of an order from one location: those of --line and --line-no, or all that is reserved there.

    With --file, the shipments of a file, some 500 orders in a transaction. CSV has a row per shipment, or one for each
    of its lines: idempotency_key,order_id,location,line_no,sku,quantity,carrier,tracking_number,tracking_url,reference.
    Reference and tracking number stand in for a missing key, so running the same file again is harmless.
    """
    of_one = [location, skus, line_nos, carrier, tracking_number, tracking_url, reference, if_version]
    if (order is None) == (file is None):
        usage_error("name an order, or give a file with --file")
    if file is None:
        lines = [*_lines(skus or [], is_sku=True), *_lines(line_nos or [], is_sku=False)]
        with session.oms() as oms:
            wanted = CreateShipment(
                order_id=OrderNames(oms, session.caller).order(order or "").id,
                location=location,
                lines=lines or None,
                carrier=carrier,
                tracking_number=tracking_number,
                tracking_url=tracking_url,
                reference=reference,
                if_version=if_version,
                idempotency_key=key,
            )
            made = oms.shipments.create(wanted, caller=session.caller)
        session.output.sentence(sentence(made))
        if not session.output.is_table:
            session.output.record(SHIPMENTS, made)
        return
    if any(given is not None for given in of_one):
        usage_error("with --file, each shipment says in the file what leaves and how")
    shipments = ImportShipments(
        format=format,
        columns=read_columns(mapping or []),
        delimiter=read_delimiter(delimiter),
        skip_bad=skip_bad,
        idempotency_key=key,
    )
    _import(session, shipments, file, encoding=encoding, rejects=rejects, yes=yes)


def _import(
    session: Session, wanted: ImportShipments, file: str, *, encoding: str, rejects: Path | None, yes: bool
) -> None:
    with (
        session.oms() as oms,
        import_run(session, wanted, file, encoding=encoding, rejects=rejects, yes=yes) as run,
    ):
        report = oms.imports.shipments(
            wanted, run.source, caller=session.caller, rejects=run.rejects, progress=run.progress
        )
    session.output.sentence(
        f"made {counted(report.made, 'shipment')} of {report.shipments:,} in {report.seconds:.1f} s: "
        f"{report.replayed:,} made before, {report.refused:,} refused"
    )
    if report.blank:
        session.output.sentence(f"passed over {counted(report.blank, 'empty row')}")
    if not session.output.is_table:
        session.output.record(_REPORT, report)
    if report.refused:
        raise typer.Exit(PARTLY_APPLIED)


def _lines(texts: Sequence[str], *, is_sku: bool) -> list[ShipmentLine]:
    """Read SKU:QTY, or N:QTY where N is the number of a line; the SKU may hold colons itself."""
    lines = []
    for text in texts:
        match = _UNITS.fullmatch(text)
        if match is None or not (is_sku or (match["what"].isascii() and match["what"].isdigit())):
            raise typer.BadParameter(f"{text!r} is no {'WIDGET:2' if is_sku else 'number of a line and units, as 1:2'}")
        quantity = parse_digits(match["quantity"])
        named = {"sku": match["what"]} if is_sku else {"line_no": parse_digits(match["what"])}
        lines.append(ShipmentLine(quantity=quantity, **named))
    return lines
