"""The route that moves many orders at once, each with an outcome of its own."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response

from oms_core.documents.orders import show_refusal
from oms_core.domain.identifiers import parse_uuid
from oms_core.domain.orders.bulk_changes import ChangeOrderStatuses, Moved
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.errors import OmsError
from oms_http.app_state import Service
from oms_http.openapi import headers
from oms_http.openapi.operation import WRITING, Answer, Operation
from oms_http.orders.bulk_schemas import StatusesAnswer, StatusesRequest
from oms_http.problems import STATUS_BY_CODE
from oms_http.requests import Request, note_unexpected_idempotency_key, read_model
from oms_http.responses import NO_STORE, json_response

_OK = 200


@Operation(
    id="changeOrderStatuses",
    method="POST",
    path="/v1/orders/status",
    tag="orders",
    summary="Move up to 1,000 orders to another status",
    description="Each order is moved if it may be, and has an outcome of its own. Some 500 are moved in a transaction, "
    "which changes each level of stock once. Repeated, it leaves those that have the status already as they are.",
    use_cases=("orders.change_many",),
    body=StatusesRequest,
    heavy=True,
    answers=(
        Answer(status=200, description="One outcome per order.", schema=StatusesAnswer, headers=(headers.NO_STORE,)),
    ),
    errors=WRITING,
)
def change_order_statuses(service: Service, request: Request) -> Response:
    """Move many orders, one outcome each."""
    note_unexpected_idempotency_key(
        request, "is not used here: repeated, orders that have the status already stay as they are"
    )
    asked = read_model(StatusesRequest, request)
    command = ChangeOrderStatuses(
        order_ids=[parse_uuid(order_id) for order_id in asked.ids],
        status=OrderStatus(asked.status.lower()),
        reason=asked.reason,
    )
    moved = service.oms.orders.change_many(command, caller=request.caller)
    for outcome in moved:
        if isinstance(outcome, OmsError):
            service.fault_log.note(outcome, request.request_id)
    return json_response({"outcomes": _shown(asked.ids, moved)}, headers=[NO_STORE])


def _shown(order_ids: Iterable[str], moved: Iterable[Moved]) -> list[dict[str, object]]:
    return [_show(order_id, outcome) for order_id, outcome in zip(order_ids, moved, strict=True)]


def _show(order_id: str, outcome: Moved) -> dict[str, object]:
    if isinstance(outcome, OmsError):
        error = show_refusal(outcome) | {"detail": outcome.public_detail}
        return {"id": order_id, "status": STATUS_BY_CODE[outcome.code], "error": error}
    return {"id": order_id, "status": _OK, "order_status": outcome.status.value, "version": outcome.version}
