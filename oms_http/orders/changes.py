"""The routes that change orders: their status, and queueing those again that were given up."""

from __future__ import annotations

from dataclasses import replace

from flask import Response

from oms_core.domain.commands import ChangeOrderStatus, RetryOrder
from oms_core.domain.orders.order import OrderFilter
from oms_core.domain.orders.statuses import OrderStatus
from oms_http.app_state import Service
from oms_http.openapi import headers
from oms_http.openapi.operation import WRITING, Answer, Operation
from oms_http.orders.order_answers import ORDER, order_response
from oms_http.orders.order_schemas import StatusRequest
from oms_http.orders.retry_schemas import RETRIABLE, RetriesRequest, RetryReport, RetryRequest
from oms_http.requests import (
    Request,
    note_idempotency_key,
    note_unexpected_idempotency_key,
    note_version_wanted,
    read_model,
    read_order_id,
)
from oms_http.responses import NO_STORE, REPLAYED, json_response


@Operation(
    id="changeOrderStatus",
    method="PUT",
    path="/v1/orders/{id}/status",
    tag="orders",
    summary="Move an order to another status",
    description="The stock moves with it. Setting the status that the order has already changes nothing.",
    use_cases=("orders.change_status",),
    headers=(headers.IF_MATCH,),
    body=StatusRequest,
    answers=(ORDER,),
    errors=(
        *WRITING,
        "order_not_found",
        "invalid_transition",
        "version_mismatch",
        "not_shippable",
        "shipment_limit",
        "return_limit",
        "stock_limit",
    ),
)
def change_order_status(service: Service, request: Request, order_id: str) -> Response:
    """Move an order to another status."""
    version = note_version_wanted(request)
    asked = read_model(StatusRequest, request)
    command = ChangeOrderStatus(
        order_id=read_order_id(order_id),
        status=OrderStatus(asked.status.lower()),
        reason=asked.reason,
        if_version=version,
    )
    return order_response(service.oms, service.oms.orders.change_status(command, caller=request.caller))


@Operation(
    id="retryOrder",
    method="POST",
    path="/v1/orders/{id}/retry",
    tag="orders",
    summary="Queue a rejected, failed or expired order again",
    description="Its failure and its attempts are forgotten; one that was held is held anew. One that is queued "
    "already stays as it is.",
    use_cases=("orders.retry",),
    headers=(headers.IDEMPOTENCY_KEY, headers.IF_MATCH),
    body=RetryRequest,
    answers=(replace(ORDER, headers=(*ORDER.headers, headers.REPLAYED)),),
    errors=(
        *WRITING,
        "order_not_found",
        "order_archived",
        "invalid_transition",
        "version_mismatch",
        "idempotency_key_reused",
    ),
)
def retry_order(service: Service, request: Request, order_id: str) -> Response:
    """Queue one order again."""
    version, key = note_version_wanted(request), note_idempotency_key(request)
    asked = read_model(RetryRequest, request)
    command = RetryOrder(
        order_id=read_order_id(order_id),
        reason=asked.reason,
        if_version=version,
        idempotency_key=key,
    )
    retried = service.oms.orders.retry(command, caller=request.caller)
    return order_response(service.oms, retried.order, headers=[REPLAYED] if retried.replayed else [])


@Operation(
    id="retryOrders",
    method="POST",
    path="/v1/orders/retry",
    tag="orders",
    summary="Queue many orders again",
    description="Rejected and failed ones, or expired ones where they are asked for. Each is a change of its own; "
    "those already queued again are not found twice.",
    use_cases=("orders.retry_many",),
    body=RetriesRequest,
    answers=(Answer(status=200, description="What was done.", schema=RetryReport, headers=(headers.NO_STORE,)),),
    errors=WRITING,
)
def retry_orders(service: Service, request: Request) -> Response:
    """Queue many orders again."""
    note_unexpected_idempotency_key(
        request, "is not used here: repeated, it finds those that are still rejected or failed"
    )
    asked = read_model(RetriesRequest, request)
    wanted = OrderFilter(
        statuses=frozenset(RETRIABLE[name.lower()] for name in asked.status or []),
        failure_code=asked.failure_code,
        customer_id=asked.customer_id,
        sku=asked.sku,
    )
    report = service.oms.orders.retry_many(wanted, caller=request.caller, reason=asked.reason, limit=asked.limit)
    shown = {"retried": report.retried, "refused": report.refused, "more": report.more}
    return json_response(shown, headers=[NO_STORE])
