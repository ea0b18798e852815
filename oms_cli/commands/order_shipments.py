"""`oms shipments`: what was shipped of an order, how it travels, and taking it back."""

from __future__ import annotations

from typing import Annotated

import typer

from oms_cli.commands.command import command, command_group
from oms_cli.commands.order_names import OrderNames
from oms_cli.commands.order_parts import OrderArgument, VersionOption
from oms_cli.commands.session import Session
from oms_cli.commands.shipment_options import CarrierOption, TrackingNumberOption, TrackingUrlOption
from oms_cli.terminal.arguments import WholeNumber, read_clearable
from oms_cli.views.order_shipments import SHIPMENTS, sentence, shown
from oms_core import ShipmentChanged
from oms_core.domain.orders.shipments import ShipmentStatus
from oms_core.domain.shipment_commands import CancelShipment, UpdateShipment

app = command_group("shipments", "Shipments of an order: list, follow, take back.")

NumberArgument = Annotated[
    int, typer.Argument(metavar="N", parser=WholeNumber(lowest=1), help="The number of the shipment.")
]


@command(app, "list")
def list_shipments(session: Session, order: OrderArgument) -> None:
    """List the shipments of an order, by number."""
    with session.oms() as oms:
        wanted = OrderNames(oms, session.caller).order(order).id
        found = oms.shipments.list(wanted, caller=session.caller)
    session.output.list(SHIPMENTS, shown(found.order, found.shipments))


@command(app, "update")
def update(
    session: Session,
    *,
    order: OrderArgument,
    shipment_no: NumberArgument,
    delivered: Annotated[bool, typer.Option("--delivered", help="It has arrived.")] = False,
    carrier: CarrierOption = None,
    tracking_number: TrackingNumberOption = None,
    tracking_url: TrackingUrlOption = None,
    if_version: VersionOption = None,
) -> None:
    """Say how a shipment travels, or that it has arrived. `none` clears; what is not given stays."""
    with session.oms() as oms:
        wanted = UpdateShipment(
            order_id=OrderNames(oms, session.caller).order(order).id,
            shipment_no=shipment_no,
            status=ShipmentStatus.DELIVERED if delivered else None,
            carrier=read_clearable(carrier),
            tracking_number=read_clearable(tracking_number),
            tracking_url=read_clearable(tracking_url),
            if_version=if_version,
        )
        _tell(session, oms.shipments.update(wanted, caller=session.caller))


@command(app, "cancel")
def cancel(
    session: Session,
    *,
    order: OrderArgument,
    shipment_no: NumberArgument,
    reason: Annotated[str | None, typer.Option("--reason", metavar="R", help="Why, for the history.")] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="K", help="Idempotency key: with the same key it is done once.")
    ] = None,
    if_version: VersionOption = None,
) -> None:
    """Take a shipment back: its units are on hand and reserved again where they left."""
    with session.oms() as oms:
        wanted = CancelShipment(
            order_id=OrderNames(oms, session.caller).order(order).id,
            shipment_no=shipment_no,
            reason=reason,
            if_version=if_version,
            idempotency_key=key,
        )
        _tell(session, oms.shipments.cancel(wanted, caller=session.caller))


def _tell(session: Session, changed: ShipmentChanged) -> None:
    session.output.sentence(sentence(changed))
    if not session.output.is_table:
        session.output.record(SHIPMENTS, changed)
