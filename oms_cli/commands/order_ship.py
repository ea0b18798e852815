"""`oms orders ship`: units of an order leave, or those of a file's orders."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from oms_cli.commands.command import command
from oms_cli.commands.import_files import FormatOption, MapOption, SkipBadFlag
from oms_cli.commands.import_rejects import RejectsOption, YesFlag
from oms_cli.commands.order_names import OrderNames
from oms_cli.commands.order_ship_file import DelimiterOption, EncodingOption, FileOption, FileOptions, ship_file
from oms_cli.commands.session import Session
from oms_cli.commands.shipment_options import CarrierOption, TrackingNumberOption, TrackingUrlOption, VersionOption
from oms_cli.terminal.exits import usage_error
from oms_cli.views.order_shipments import SHIPMENTS, sentence
from oms_core.domain.numbers import parse_digits
from oms_core.domain.orders.shipments import ShipmentLine
from oms_core.domain.shipment_commands import CreateShipment

_UNITS = re.compile(r"(?P<what>.+):(?P<quantity>[0-9]{1,40})", re.DOTALL)

OrderArgument = Annotated[
    str | None, typer.Argument(metavar="ID", help="The order: its id, or its reference. Not with --file.")
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
ReferenceOption = Annotated[str | None, typer.Option("--reference", metavar="R", help="Your own number for it.")]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", metavar="K", help="Idempotency key; for a file, with the number of its line."),
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
    lines = [*_lines(skus or [], is_sku=True), *_lines(line_nos or [], is_sku=False)]
    travels = {"carrier": carrier, "tracking_number": tracking_number, "tracking_url": tracking_url}
    of_one = {"location": location, "lines": lines or None, "reference": reference, "if_version": if_version, **travels}
    of_file = FileOptions(
        maps=maps, format=format, delimiter=delimiter, encoding=encoding, skip_bad=skip_bad, rejects=rejects, yes=yes
    )
    _check_call(order, file, of_one, of_file)
    if file is None:
        _ship_one(session, order or "", {**of_one, "idempotency_key": key})
    else:
        ship_file(session, file, of_file, key=key)


def _check_call(order: str | None, file: str | None, of_one: Mapping[str, object], of_file: FileOptions) -> None:
    """Refuse a call that gives both an order and a file, or neither, or the options of the other."""
    if (order is None) == (file is None):
        usage_error("name an order, or give a file with --file")
    if file is not None and any(given is not None for given in of_one.values()):
        usage_error("with --file, each shipment says in the file what leaves and how")
    if file is None and of_file.given:
        usage_error("--map, --format, --delimiter, --encoding, --skip-bad, --rejects and --yes are for --file")


def _ship_one(session: Session, order: str, given: Mapping[str, Any]) -> None:
    with session.oms() as oms:
        wanted = CreateShipment(order_id=OrderNames(oms, session.caller).order(order).id, **given)
        made = oms.shipments.create(wanted, caller=session.caller)
    session.output.sentence(sentence(made))
    if not session.output.is_table:
        session.output.record(SHIPMENTS, made)


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
