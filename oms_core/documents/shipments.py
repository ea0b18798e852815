"""Shipments as JSON documents: `read_keyed_shipment` for what comes in, `show_shipment` for what goes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from oms_core.documents.acts import read_lines, read_order_id, read_part, require_key
from oms_core.documents.orders import check_fields, show_time
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
    require_key(findings, document, why_key)
    order_id = read_order_id(findings, document)
    lines = read_lines(findings, document, _read_line)
    texts = {name: document[name] for name in _TEXTS if document.get(name) is not None}
    try:
        command = CreateShipment(order_id=order_id, lines=lines, **cast("dict[str, Any]", texts))
    except OmsError as error:
        findings.merge(error.errors)
        findings.raise_if_any()
        raise
    findings.raise_if_any()
    return command


def _read_line(findings: Findings, pointer: str, line: Mapping[str, object]) -> ShipmentLine:
    check_fields(findings, pointer, line, allowed=_LINE_FIELDS, required=("quantity",))
    return ShipmentLine(**read_part(line))


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
