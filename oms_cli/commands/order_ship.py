"""`oms orders ship`: units of an order leave, or those of a file's orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from oms_cli.commands.command import command
from oms_cli.commands.import_files import FormatOption, MapOption, SkipBadFlag
from oms_cli.commands.import_rejects import RejectsOption, YesFlag
from oms_cli.commands.order_act_file import DelimiterOption, EncodingOption, FileOfActs, FileOption, FileOptions
from oms_cli.commands.order_names import OrderNames
from oms_cli.commands.order_parts import (
    KeyOption,
    LineOption,
    OrderOrFileArgument,
    ReferenceOption,
    SkuOption,
    VersionOption,
    read_parts,
)
from oms_cli.commands.session import Session
from oms_cli.commands.shipment_options import CarrierOption, TrackingNumberOption, TrackingUrlOption
from oms_cli.views.order_shipments import SHIPMENTS, sentence
from oms_core.documents.import_reports import show_shipment_import
from oms_core.domain.import_commands import ImportShipments
from oms_core.domain.orders.shipments import ShipmentLine
from oms_core.domain.shipment_commands import CreateShipment

LocationOption = Annotated[
    str | None, typer.Option("--location", metavar="L", help="Where they leave; needed if several have some.")
]
_FILE = FileOfActs(
    noun="shipment",
    command=ImportShipments,
    imports=lambda oms: oms.imports.shipments,
    document=show_shipment_import,
    told="what leaves and how",
)


def register(app: typer.Typer) -> None:
    """Add `ship` to the orders' commands."""
    command(app, "ship")(ship)


def ship(
    session: Session,
    order: OrderOrFileArgument = None,
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
    maps: MapOption = None,
    format: FormatOption = None,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    skip_bad: SkipBadFlag = False,
    rejects: RejectsOption = None,
    yes: YesFlag = False,
) -> None:
    """Ship units of an order from one location: those of --line and --line-no, or all that is reserved there.

    With --file, the shipments of a file, some 500 orders in a transaction. CSV has a row per shipment, or one for each
    of its lines: idempotency_key,order_id,location,line_no,sku,quantity,carrier,tracking_number,tracking_url,reference.
    Reference and tracking number stand in for a missing key, so running the same file again is harmless.
    """
    lines = [ShipmentLine(**part) for part in read_parts(skus, line_nos)]
    travels = {"carrier": carrier, "tracking_number": tracking_number, "tracking_url": tracking_url}
    of_one = {"location": location, "lines": lines or None, "reference": reference, "if_version": if_version, **travels}
    of_file = FileOptions(
        maps=maps, format=format, delimiter=delimiter, encoding=encoding, skip_bad=skip_bad, rejects=rejects, yes=yes
    )
    _FILE.check_call(order, file, of_one, of_file)
    if file is None:
        _ship_one(session, order or "", {**of_one, "idempotency_key": key})
    else:
        _FILE.run(session, file, of_file, key=key)


def _ship_one(session: Session, order: str, given: Mapping[str, Any]) -> None:
    with session.oms() as oms:
        wanted = CreateShipment(order_id=OrderNames(oms, session.caller).order(order).id, **given)
        made = oms.shipments.create(wanted, caller=session.caller)
    session.output.sentence(sentence(made))
    if not session.output.is_table:
        session.output.record(SHIPMENTS, made)
