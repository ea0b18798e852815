"""The route that places an order: at once, or by a worker for a client that prefers not to wait."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from oms_core.documents.orders import read_order
from oms_core.domain.commands import PlaceOrder
from oms_core.domain.numbers import parse_digits
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.placement import EnteredAs, Placed
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.errors import OmsError
from oms_http.app_state import Service
from oms_http.openapi import headers
from oms_http.openapi.operation import WRITING, Answer, Operation
from oms_http.orders.order_answers import ORDER_HEADERS, order_location, order_response
from oms_http.orders.order_schemas import Order as OrderShown
from oms_http.orders.order_schemas import OrderRequest
from oms_http.orders.preferences import RespondAsync, read_respond_async
from oms_http.problems import problem_response
from oms_http.requests import Request, note_idempotency_key, read_json
from oms_http.responses import REPLAYED

# What the server wants called by a request that is about to wait on purpose: its time says nothing of the load.
BEGIN_WAITING = "oms.begin_waiting"
# A larger one is decoded and shown for too long on a thread that others share.
SHARING_BODY_BYTES_MAX = 16 * 1024
_CREATED = 201
_ACCEPTED = 202
STATUS_CODES = {EnteredAs.PLACED: _CREATED, EnteredAs.QUEUED: _ACCEPTED}
_REFUSED = frozenset({OrderStatus.REJECTED, OrderStatus.FAILED})
_UNPLACED = frozenset({OrderStatus.QUEUED, OrderStatus.CANCELLED})


@Operation(
    id="placeOrder",
    method="POST",
    path="/v1/orders",
    tag="orders",
    summary="Place an order",
    description="Checks and reserves the stock of all lines, all or nothing; a refused order leaves no trace. With "
    "`Prefer: respond-async` the order is queued, and a worker places it; one that cannot be placed then stays, "
    "`rejected` or `failed`, with its reason, also where that was waited for and is the answer.",
    use_cases=("orders.place", "orders.accept"),
    headers=(headers.IDEMPOTENCY_KEY, headers.PREFER),
    error_headers=(headers.WAITED_LOCATION, headers.PREFERENCE_APPLIED),
    body=OrderRequest,
    places_orders=True,
    answers=(
        Answer(
            status=201,
            description="The order was placed, now or by an earlier request with this key.",
            schema=OrderShown,
            headers=(
                headers.LOCATION,
                headers.ETAG,
                headers.NO_STORE,
                headers.REPLAYED,
                headers.PREFERENCE_APPLIED,
            ),
            creates="id",
        ),
        Answer(
            status=202,
            description="The order was accepted, now or by an earlier request with this key; it is as shown now.",
            schema=OrderShown,
            headers=(headers.LOCATION, *ORDER_HEADERS, headers.REPLAYED, headers.PREFERENCE_APPLIED),
            creates="id",
        ),
    ),
    errors=(
        *WRITING,
        "insufficient_inventory",
        "unknown_sku",
        "total_too_large",
        "idempotency_key_reused",
        "idempotency_key_in_use",
        "order_archived",
    ),
)
def place_order(service: Service, request: Request) -> Response:
    """Place one order, all or nothing, or accept it for a worker to place."""
    key = note_idempotency_key(request)
    with request.findings.noting():
        command = read_order(read_json(request), idempotency_key=key)
    request.findings.raise_if_any()
    wanted = read_respond_async(request.environ["HTTP_PREFER"]) if "HTTP_PREFER" in request.environ else None
    if wanted is not None:
        return _accept(service, request, command, wanted)
    placed = service.oms.orders.place(command, caller=request.caller, charge=request.charge)
    return _answer(service, placed)


def joins_batch(environ: Mapping[str, Any]) -> bool:
    """Return whether a request places one order and waits for nothing but its transaction, so it may share a thread."""
    return (
        environ["PATH_INFO"] == "/v1/orders"
        and environ["REQUEST_METHOD"] == "POST"
        and "wait" not in environ.get("HTTP_PREFER", "").lower()
        and parse_digits(environ.get("CONTENT_LENGTH", "0")) <= SHARING_BODY_BYTES_MAX
    )


def _accept(service: Service, request: Request, command: PlaceOrder, wanted: RespondAsync) -> Response:
    accepted = service.oms.orders.accept(command, caller=request.caller, charge=request.charge)
    if accepted.entered_as is EnteredAs.PLACED:  # Its key belongs to an order that was placed at once.
        return _answer(service, accepted)
    settled = None
    if wanted.wait_seconds and not accepted.replayed:
        request.environ.get(BEGIN_WAITING, _nothing)()  # Other servers do not know it.
        settled = service.oms.orders.wait(accepted.order.id, caller=request.caller, timeout_seconds=wanted.wait_seconds)
    if settled is None:
        return _answer(service, accepted, wanted.applied)
    if settled.status in _REFUSED:
        return _answer_refused(service, request, settled, wanted)
    status = _ACCEPTED if settled.status in _UNPLACED else _CREATED
    return order_response(service.oms, settled, status=status, headers=[order_location(settled), wanted.applied])


def _answer(service: Service, placed: Placed, *headers: tuple[str, str]) -> Response:
    sent = [order_location(placed.order), *headers]
    if placed.replayed:
        sent.append(REPLAYED)
    return order_response(service.oms, placed.order, status=STATUS_CODES[placed.entered_as], headers=sent)


def _answer_refused(service: Service, request: Request, order: Order, wanted: RespondAsync) -> Response:
    """Answer with the reason as an error. Unlike an order that is refused at once, it stays, and can be retried."""
    failure = order.failure
    code = "internal_error" if failure is None else failure.error_code
    reason = "the order could not be placed" if failure is None else failure.detail
    data = {**({} if failure is None else failure.figures), "order_id": str(order.id)}
    error = OmsError(code, f"{reason}; the order stays, {order.status.value}", data=data)
    service.fault_log.note(error, request.request_id)
    return problem_response(error, request.request_id, [order_location(order), wanted.applied])


def _nothing() -> None:
    """Do nothing."""
