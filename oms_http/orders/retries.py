"""The routes that queue rejected and failed orders again."""

from __future__ import annotations

from flask import Response

from oms_core.domain.commands import RetryOrder
from oms_core.domain.orders.order import OrderFilter
from oms_http.app_state import Service
from oms_http.orders.order_answers import order_response
from oms_http.queue.queue_schemas import RETRIABLE, RetriesRequest, RetryRequest
from oms_http.requests import (
    Request,
    note_idempotency_key,
    note_unexpected_key,
    note_version_wanted,
    read_model,
    read_order_id,
)
from oms_http.responses import NO_STORE, REPLAYED, json_response


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


def retry_orders(service: Service, request: Request) -> Response:
    """Queue many orders again."""
    note_unexpected_key(request, "is not used here: repeated, it finds those that are still rejected or failed")
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
