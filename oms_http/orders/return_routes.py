"""The routes of returns: made, listed and shown."""

from __future__ import annotations

from dataclasses import replace

from flask import Response

from oms_core.documents.returns import show_return
from oms_core.domain.orders.returning import return_not_found
from oms_core.domain.orders.returns import Disposition, ReturnLine
from oms_core.domain.return_commands import CreateReturn
from oms_http.app_state import Service
from oms_http.openapi import headers
from oms_http.openapi.operation import GUARDED, WRITING, Answer, Operation
from oms_http.orders.act_answers import OF_ORDER, UNDER_KEY, act_response, acts_response, read_act_number
from oms_http.orders.return_schemas import OrderReturn, ReturnLineRequest, ReturnList, ReturnRequest
from oms_http.requests import Request, note_idempotency_key, note_version_wanted, read_model, read_order_id

_RETURN = Answer(status=200, description="The return.", schema=OrderReturn, headers=(headers.ETAG, headers.NO_STORE))


@Operation(
    id="createReturn",
    method="POST",
    path="/v1/orders/{id}/returns",
    tag="orders",
    summary="Take back units of an order",
    description="Those of `lines`, or all that are still out, to be restocked. Units that are restocked or in "
    "quarantine are on hand again. The order is then `partly_returned`, or `returned` where nothing is out; one of "
    "which something is still reserved stays `partly_shipped`.",
    use_cases=("returns.create",),
    headers=(headers.IDEMPOTENCY_KEY, headers.IF_MATCH),
    body=ReturnRequest,
    answers=(
        replace(
            _RETURN,
            status=201,
            description="The return was made, now or by an earlier request with this key; its order is as it is now.",
            headers=(headers.LOCATION, *_RETURN.headers, headers.REPLAYED),
        ),
    ),
    errors=(
        *(*WRITING, *OF_ORDER, *UNDER_KEY),
        "invalid_transition",
        "exceeds_shipped",
        "location_required",
        "return_limit",
        "stock_limit",
    ),
)
def create_return(service: Service, request: Request, order_id: str) -> Response:
    """Take back units of an order."""
    version, key = note_version_wanted(request), note_idempotency_key(request)
    asked = read_model(ReturnRequest, request)
    command = CreateReturn(
        order_id=read_order_id(order_id),
        lines=None if asked.lines is None else [_line(line) for line in asked.lines],
        reference=asked.reference,
        reason=asked.reason,
        if_version=version,
        idempotency_key=key,
    )
    found = service.oms.returns.create(command, caller=request.caller)
    location = ("Location", f"/v1/orders/{found.order.id}/returns/{found.made.return_no}")
    shown = show_return(found.made)
    return act_response(found.order, shown, status=201, headers=[location], is_replayed=found.replayed)


@Operation(
    id="listReturns",
    method="GET",
    path="/v1/orders/{id}/returns",
    tag="orders",
    summary="List the returns of an order, by number",
    use_cases=("returns.list",),
    answers=(
        Answer(
            status=200,
            description="All returns.",
            schema=ReturnList,
            headers=(headers.ETAG, headers.NO_STORE),
        ),
    ),
    errors=(*GUARDED, "order_not_found"),
)
def list_returns(service: Service, request: Request, order_id: str) -> Response:
    """List the returns of an order."""
    found = service.oms.returns.list(read_order_id(order_id), caller=request.caller)
    return acts_response(found.order, map(show_return, found.returns))


@Operation(
    id="getReturn",
    method="GET",
    path="/v1/orders/{id}/returns/{return_no}",
    tag="orders",
    summary="Get a return",
    use_cases=("returns.get",),
    answers=(_RETURN,),
    errors=(*GUARDED, "order_not_found", "return_not_found"),
)
def get_return(service: Service, request: Request, order_id: str, return_no: str) -> Response:
    """Return one return."""
    wanted, number = read_order_id(order_id), read_act_number(return_no, return_not_found)
    found = service.oms.returns.get(wanted, number, caller=request.caller)
    return act_response(found.order, show_return(found.made))


def _line(line: ReturnLineRequest) -> ReturnLine:
    named = line.disposition
    return ReturnLine(
        line_no=line.line_no,
        sku=line.sku,
        quantity=line.quantity,
        disposition=Disposition.RESTOCK if named is None else Disposition(named.lower()),
        location=line.location,
    )
