"""How shipments are shown."""

from __future__ import annotations

from collections.abc import Iterable

from oms_cli.terminal.messages import counted
from oms_cli.terminal.view import Column, View
from oms_core import ShipmentChanged
from oms_core.documents.shipments import show_shipment
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.shipments import Shipment, ShippedLine

_LINES_TOLD_MAX = 5


def lines_text(lines: Iterable[ShippedLine]) -> str:
    """Say what a shipment took: `2 WIDGET, 1 GADGET`."""
    return ", ".join(f"{line.quantity:,} {line.sku}" for line in lines)


def show(changed: ShipmentChanged) -> dict[str, object]:
    """Show a shipment as JSON, with its order's status and version."""
    order = changed.order
    return {**show_shipment(changed.shipment), "order_status": order.status.value, "order_version": order.version}


SHIPMENTS: View[ShipmentChanged] = View(
    columns=(
        Column(name="order_id", value=lambda shown: shown.order.id, in_table=False),
        Column(name="shipment_no", value=lambda shown: shown.shipment.shipment_no, right=True),
        Column(name="status", value=lambda shown: shown.shipment.status.value, whole=True),
        Column(name="location", value=lambda shown: shown.shipment.location),
        Column(name="lines", value=lambda shown: lines_text(shown.shipment.lines), prose=True),
        Column(name="carrier", value=lambda shown: shown.shipment.carrier, spare=True),
        Column(name="tracking_number", value=lambda shown: shown.shipment.tracking_number, spare=True),
        Column(name="tracking_url", value=lambda shown: shown.shipment.tracking_url, in_table=False),
        Column(name="reference", value=lambda shown: shown.shipment.reference, spare=True),
        Column(name="created_at", value=lambda shown: shown.shipment.created_at, whole=True),
        Column(name="delivered_at", value=lambda shown: shown.shipment.delivered_at, whole=True, spare=True),
    ),
    document=show,
    nothing="no shipments",
)


def shown(order: Order, shipments: Iterable[Shipment]) -> list[ShipmentChanged]:
    """Return a row per shipment."""
    return [ShipmentChanged(order=order, shipment=shipment) for shipment in shipments]


def sentence(changed: ShipmentChanged) -> str:
    """Say what became of a shipment: `shipment 1 shipped from main: 2 WIDGET; order 0198... partly_shipped`."""
    shipment = changed.shipment
    units = counted(sum(line.quantity for line in shipment.lines), "unit")
    what = lines_text(shipment.lines) if len(shipment.lines) <= _LINES_TOLD_MAX else units
    before = "; it was made before with this key" if changed.replayed else ""
    return (
        f"shipment {shipment.shipment_no} {shipment.status} from {shipment.location}: {what}; "
        f"order {changed.order.id} {changed.order.status}{before}"
    )
