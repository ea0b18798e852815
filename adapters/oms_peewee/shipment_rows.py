"""The rows of shipments: written with their order, which is locked, and read with what the ledger has of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from oms_core.domain.orders.order_changes import OrderChange
from oms_core.domain.orders.shipments import Shipment, ShipmentStatus, ShippedLine
from oms_core.domain.stock.products import MovementKind
from oms_peewee.bulk_inserts import BulkInsert
from oms_peewee.fields import read_time
from oms_peewee.rows import Row, rows_of
from oms_peewee.session import Session

_SHIPMENTS = """SELECT CAST(order_id AS text), shipment_no, CAST(act_id AS text), status, location, carrier,
  tracking_number, tracking_url, reference, created_at, updated_at, delivered_at
FROM shipments WHERE order_id {among} ORDER BY 1, 2"""
_LINES = f"""SELECT CAST(act_id AS text), line_no, sku, CAST(-sum(on_hand_delta) AS bigint)
FROM stock_movements WHERE order_id {{among}} AND act_id IS NOT NULL AND kind = '{MovementKind.SHIP}'
GROUP BY act_id, line_no, sku ORDER BY 1, 2"""  # noqa: S608  Only a constant is put in.
_INSERT = BulkInsert(
    table="shipments",
    columns={
        **{"order_id": "uuid", "shipment_no": "integer", "act_id": "uuid", "status": "text", "location": "text"},
        **dict.fromkeys(("carrier", "tracking_number", "tracking_url", "reference"), "text"),
        **dict.fromkeys(("created_at", "updated_at", "delivered_at"), "timestamptz"),
    },
    ending="""ON CONFLICT (order_id, shipment_no) DO UPDATE SET status = excluded.status, carrier = excluded.carrier,
    tracking_number = excluded.tracking_number, tracking_url = excluded.tracking_url,
    updated_at = excluded.updated_at, delivered_at = excluded.delivered_at""",
)


def shipments_of(session: Session, order_ids: Sequence[UUID]) -> dict[UUID, list[Shipment]]:
    """Read the shipments of orders, by number; an order without any has none."""
    if not order_ids:
        return {}
    among, ids = session.among([str(order_id) for order_id in order_ids])
    rows = rows_of(session, _SHIPMENTS.format(among=among), [ids])
    if not rows:
        return {}
    lines: dict[str, list[ShippedLine]] = {}
    for act_id, line_no, sku, quantity in rows_of(session, _LINES.format(among=among), [ids]):
        lines.setdefault(act_id, []).append(ShippedLine(line_no=line_no, sku=sku, quantity=quantity))
    return {
        UUID(order_id): [_shipment(row, lines.get(row[2], ())) for row in group]
        for order_id, group in groupby(rows, key=itemgetter(0))
    }


def write_shipments(session: Session, changes: Sequence[OrderChange]) -> None:
    """Write the shipments of changes of orders, as they then are."""
    session.insert_rows(_INSERT, [_row(shipment) for change in changes for shipment in change.shipments])


def _row(shipment: Shipment) -> tuple[object, ...]:
    return (
        *(shipment.order_id, shipment.shipment_no, shipment.id, shipment.status.value, shipment.location),
        *(shipment.carrier, shipment.tracking_number, shipment.tracking_url, shipment.reference),
        *(shipment.created_at, shipment.updated_at, shipment.delivered_at),
    )


def _shipment(row: Row, lines: Sequence[ShippedLine]) -> Shipment:
    order_id, shipment_no, act_id, status, location, carrier, tracking_number, tracking_url, reference, *times = row
    created_at, updated_at, delivered_at = times
    return Shipment(
        id=UUID(act_id),
        order_id=UUID(order_id),
        shipment_no=shipment_no,
        status=ShipmentStatus(status),
        location=location,
        lines=tuple(lines),
        carrier=carrier,
        tracking_number=tracking_number,
        tracking_url=tracking_url,
        reference=reference,
        created_at=read_time(created_at),
        updated_at=read_time(updated_at),
        delivered_at=None if delivered_at is None else read_time(delivered_at),
    )
