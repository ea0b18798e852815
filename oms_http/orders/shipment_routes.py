"""The routes of shipments: made, listed, followed and taken back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from flask import Response

from oms_core import UNSET, ShipmentChanged
from oms_core.documents.shipments import show_shipment
from oms_core.domain.orders.shipment_changes import shipment_not_found
from oms_core.domain.orders.shipments import ShipmentLine, ShipmentStatus
from oms_core.domain.shipment_commands import CancelShipment, CreateShipment, UpdateShipment
from oms_http.app_state import Service
from oms_http.openapi import headers
from oms_http.openapi.operation import GUARDED, WRITING, Answer, Operation
from oms_http.orders.act_answers import OF_ORDER, UNDER_KEY, act_response, acts_response, read_act_number
from oms_http.orders.shipment_schemas import Shipment as ShipmentShown
from oms_http.orders.shipment_schemas import (
    ShipmentCancelRequest,
    ShipmentList,
    ShipmentRequest,
    ShipmentUpdateRequest,
)
from oms_http.requests import Request, note_idempotency_key, note_version_wanted, read_model, read_order_id

_SHIPMENT = Answer(
    status=200, description="The shipment.", schema=ShipmentShown, headers=(headers.ETAG, headers.NO_STORE)
)


@Operation(
    id="createShipment",
    method="POST",
    path="/v1/orders/{id}/shipments",
    tag="orders",
    summary="Ship units of an order",
    description="They leave one location together: those of `lines`, or all that the order has reserved there. It is "
    "then `partly_shipped`, or `shipped` where nothing is left.",
    use_cases=("shipments.create",),
    headers=(headers.IDEMPOTENCY_KEY, headers.IF_MATCH),
    body=ShipmentRequest,
    answers=(
        replace(
            _SHIPMENT,
            status=201,
            description="The shipment was made, now or by an earlier request with this key; it is as shown now.",
            headers=(headers.LOCATION, *_SHIPMENT.headers, headers.REPLAYED),
        ),
    ),
    errors=(
        *(*WRITING, *OF_ORDER, *UNDER_KEY),
        "invalid_transition",
        "location_required",
        "not_shippable",
        "exceeds_reserved",
        "shipment_limit",
    ),
)
def create_shipment(service: Service, request: Request, order_id: str) -> Response:
    """Ship units of an order."""
    version, key = note_version_wanted(request), note_idempotency_key(request)
    asked = read_model(ShipmentRequest, request)
    lines = asked.lines
    command = CreateShipment(
        order_id=read_order_id(order_id),
        location=asked.location,
        lines=None
        if lines is None
        else [ShipmentLine(line_no=line.line_no, sku=line.sku, quantity=line.quantity) for line in lines],
        carrier=asked.carrier,
        tracking_number=asked.tracking_number,
        tracking_url=asked.tracking_url,
        reference=asked.reference,
        if_version=version,
        idempotency_key=key,
    )
    made = service.oms.shipments.create(command, caller=request.caller)
    location = ("Location", f"/v1/orders/{made.order.id}/shipments/{made.shipment.shipment_no}")
    return _answer(made, status=201, headers=[location])


@Operation(
    id="listShipments",
    method="GET",
    path="/v1/orders/{id}/shipments",
    tag="orders",
    summary="List the shipments of an order, by number",
    use_cases=("shipments.list",),
    answers=(
        Answer(
            status=200,
            description="All shipments.",
            schema=ShipmentList,
            headers=(headers.ETAG, headers.NO_STORE),
        ),
    ),
    errors=(*GUARDED, "order_not_found"),
)
def list_shipments(service: Service, request: Request, order_id: str) -> Response:
    """List the shipments of an order."""
    found = service.oms.shipments.list(read_order_id(order_id), caller=request.caller)
    return acts_response(found.order, map(show_shipment, found.shipments))


@Operation(
    id="getShipment",
    method="GET",
    path="/v1/orders/{id}/shipments/{shipment_no}",
    tag="orders",
    summary="Get a shipment",
    use_cases=("shipments.get",),
    answers=(_SHIPMENT,),
    errors=(*GUARDED, "order_not_found", "shipment_not_found"),
)
def get_shipment(service: Service, request: Request, order_id: str, shipment_no: str) -> Response:
    """Return one shipment."""
    wanted = read_order_id(order_id)
    return _answer(service.oms.shipments.get(wanted, _read_number(shipment_no), caller=request.caller))


@Operation(
    id="updateShipment",
    method="PUT",
    path="/v1/orders/{id}/shipments/{shipment_no}",
    tag="orders",
    summary="Say how a shipment travels, or that it was delivered",
    description="What is not given stays as it is. An order is `delivered` once all its shipments are. If-Match is the "
    "order's version, which every act on a shipment moves.",
    use_cases=("shipments.update",),
    headers=(headers.IF_MATCH,),
    body=ShipmentUpdateRequest,
    answers=(_SHIPMENT,),
    errors=(*WRITING, *OF_ORDER, "shipment_not_found", "shipment_cancelled", "shipment_delivered"),
)
def update_shipment(service: Service, request: Request, order_id: str, shipment_no: str) -> Response:
    """Say how a shipment travels."""
    version = note_version_wanted(request)
    asked = read_model(ShipmentUpdateRequest, request)
    given = asked.model_fields_set
    command = UpdateShipment(
        order_id=read_order_id(order_id),
        shipment_no=_read_number(shipment_no),
        status=None if asked.status is None else ShipmentStatus(asked.status.lower()),
        carrier=asked.carrier if "carrier" in given else UNSET,
        tracking_number=asked.tracking_number if "tracking_number" in given else UNSET,
        tracking_url=asked.tracking_url if "tracking_url" in given else UNSET,
        if_version=version,
    )
    return _answer(service.oms.shipments.update(command, caller=request.caller))


@Operation(
    id="cancelShipment",
    method="POST",
    path="/v1/orders/{id}/shipments/{shipment_no}/cancel",
    tag="orders",
    summary="Take a shipment back",
    description="Its units are on hand and reserved again, at the location that they left. One that was delivered, or "
    "of which units have come back, is not taken back. Cancelled again, it stays as it is.",
    use_cases=("shipments.cancel",),
    headers=(headers.IDEMPOTENCY_KEY, headers.IF_MATCH),
    body=ShipmentCancelRequest,
    answers=(replace(_SHIPMENT, headers=(*_SHIPMENT.headers, headers.REPLAYED)),),
    errors=(
        *(*WRITING, *OF_ORDER, *UNDER_KEY),
        "shipment_not_found",
        "shipment_delivered",
        "shipment_returned",
        "stock_limit",
    ),
)
def cancel_shipment(service: Service, request: Request, order_id: str, shipment_no: str) -> Response:
    """Take a shipment back."""
    version, key = note_version_wanted(request), note_idempotency_key(request)
    asked = read_model(ShipmentCancelRequest, request)
    command = CancelShipment(
        order_id=read_order_id(order_id),
        shipment_no=_read_number(shipment_no),
        reason=asked.reason,
        if_version=version,
        idempotency_key=key,
    )
    return _answer(service.oms.shipments.cancel(command, caller=request.caller))


def _answer(changed: ShipmentChanged, *, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    shown = show_shipment(changed.shipment)
    return act_response(changed.order, shown, status=status, headers=headers, is_replayed=changed.replayed)


def _read_number(text: str) -> int:
    return read_act_number(text, shipment_not_found)
