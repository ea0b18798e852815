"""Shipments as JSON documents: `read_keyed_shipment` for what comes in, `show_shipment` for what goes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from oms_core.documents.orders import check_fields, show_time, whole
from oms_core.domain.identifiers import parse_uuid
from oms_core.domain.limits import ORDER_LINES_MAX
from oms_core.domain.orders.shipments import Shipment, ShipmentLine
from oms_core.domain.shipment_commands import CreateShipment
from oms_core.domain.validation import Findings
from oms_core.errors import OmsError

_TEXTS = ("location", "carrier", "tracking_number", "tracking_url", "reference", "idempotency_key")
_FIELDS = frozenset({"order_id", "lines", *_TEXTS})
_LINE_FIELDS = frozenset({"line_no", "sku", "quantity"})


def read_keyed_shipment(document: Mapping[str, object], *, why_key: str) -> CreateShipment:
    """Read a shipment of a file, which must carry an `idempotency_key`; `why_key` tells who sends one without it.

    `{order_id, idempotency_key, location?, carrier?, tracking_number?, tracking_url?, reference?, lines?: [{line_no or
    sku, quantity}]}`; raises `validation_error`.
    """
    findings = Findings()
    check_fields(findings, "", document, allowed=_FIELDS, required=("order_id",))
    if document.get("idempotency_key") is None:
        findings.add("/idempotency_key", "required", why_key)
    order_id = _order_id(findings, document["order_id"]) if "order_id" in document else UUID(int=0)
    lines = document.get("lines")
    if isinstance(lines, list) and len(lines) <= ORDER_LINES_MAX:  # CreateShipment refuses a longer list whole.
        lines = [_read_line(findings, index, line) for index, line in enumerate(lines)]
    texts = {name: document[name] for name in _TEXTS if document.get(name) is not None}
    try:
        command = CreateShipment(
            order_id=order_id, lines=cast("list[ShipmentLine] | None", lines), **cast("dict[str, Any]", texts)
        )
    except OmsError as error:
        findings.merge(error.errors)
        findings.raise_if_any()
        raise
    findings.raise_if_any()
    return command


def _order_id(findings: Findings, value: object) -> UUID:
    try:
        return parse_uuid(value if isinstance(value, str) else "")
    except ValueError:
        findings.add("/order_id", "wrong_type", "must be the id of an order, a UUID")
        return UUID(int=0)


def _read_line(findings: Findings, index: int, line: object) -> ShipmentLine:
    if not isinstance(line, Mapping):
        findings.add(f"/lines/{index}", "wrong_type", "must be an object")
        return ShipmentLine(quantity=1, line_no=1)
    check_fields(findings, f"/lines/{index}", line, allowed=_LINE_FIELDS, required=("quantity",))
    return ShipmentLine(
        quantity=cast("int", whole(line.get("quantity"))),
        line_no=cast("int | None", whole(line.get("line_no"))),
        sku=cast("str | None", line.get("sku")),
    )


def show_shipment(shipment: Shipment) -> dict[str, object]:
    """Show a shipment as the service's JSON."""
    return {
        "id": str(shipment.id),
        "order_id": str(shipment.order_id),
        "shipment_no": shipment.shipment_no,
        "status": shipment.status.value,
        "location": shipment.location,
        "lines": [{"line_no": line.line_no, "sku": line.sku, "quantity": line.quantity} for line in shipment.lines],
        "carrier": shipment.carrier,
        "tracking_number": shipment.tracking_number,
        "tracking_url": shipment.tracking_url,
        "reference": shipment.reference,
        "created_at": show_time(shipment.created_at),
        "updated_at": show_time(shipment.updated_at),
        "delivered_at": None if shipment.delivered_at is None else show_time(shipment.delivered_at),
    }
