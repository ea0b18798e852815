"""The routes of held orders: confirmed, and held longer."""

from __future__ import annotations

from dataclasses import replace

from flask import Response

from oms_core.domain.hold_commands import ConfirmOrder, ExtendHold
from oms_http.app_state import Service
from oms_http.openapi import headers
from oms_http.openapi.operation import WRITING, Operation
from oms_http.orders.hold_schemas import ConfirmRequest, ExtendRequest
from oms_http.orders.order_answers import ORDER, order_response
from oms_http.requests import Request, note_idempotency_key, note_version_wanted, read_model, read_order_id
from oms_http.responses import REPLAYED

_ANSWERS = (replace(ORDER, headers=(*ORDER.headers, headers.REPLAYED)),)
_ERRORS = (
    *WRITING,
    "order_not_found",
    "order_archived",
    "hold_expired",
    "invalid_transition",
    "version_mismatch",
    "idempotency_key_reused",
)


@Operation(
    id="confirmOrder",
    method="POST",
    path="/v1/orders/{id}/confirm",
    tag="orders",
    summary="Confirm a held order",
    description="It becomes `pending` and keeps its stock, also where its hold has run out but was not expired yet. "
    "Confirmed again, it stays as it is. An order that was never held gets its payment reference, once.",
    use_cases=("holds.confirm",),
    headers=(headers.IDEMPOTENCY_KEY, headers.IF_MATCH),
    body=ConfirmRequest,
    answers=_ANSWERS,
    errors=(*_ERRORS, "not_settled", "already_confirmed", "payment_reference_in_use"),
)
def confirm_order(service: Service, request: Request, order_id: str) -> Response:
    """Place a held order for good."""
    version, key = note_version_wanted(request), note_idempotency_key(request)
    asked = read_model(ConfirmRequest, request)
    command = ConfirmOrder(
        order_id=read_order_id(order_id),
        payment_reference=asked.payment_reference,
        if_version=version,
        idempotency_key=key,
    )
    confirmed = service.oms.holds.confirm(command, caller=request.caller)
    return order_response(service.oms, confirmed.order, headers=[REPLAYED] if confirmed.replayed else [])


@Operation(
    id="extendHold",
    method="POST",
    path="/v1/orders/{id}/extend",
    tag="orders",
    summary="Hold an order longer",
    description="The hold then ends no earlier than `seconds` from now. Where it ends later anyway nothing changes, "
    "and that is no extension.",
    use_cases=("holds.extend",),
    headers=(headers.IDEMPOTENCY_KEY, headers.IF_MATCH),
    body=ExtendRequest,
    answers=_ANSWERS,
    errors=(*_ERRORS, "extension_limit"),
)
def extend_hold(service: Service, request: Request, order_id: str) -> Response:
    """Let a hold end later."""
    version, key = note_version_wanted(request), note_idempotency_key(request)
    asked = read_model(ExtendRequest, request)
    command = ExtendHold(
        order_id=read_order_id(order_id), seconds=asked.seconds, if_version=version, idempotency_key=key
    )
    extended = service.oms.holds.extend(command, caller=request.caller)
    return order_response(service.oms, extended.order, headers=[REPLAYED] if extended.replayed else [])
