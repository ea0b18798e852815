"""The routes that change what an order says: its lines, its reference, its metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from flask import Response

from oms_core.domain.change_commands import ChangeOrderLines, LineChange, UpdateOrder
from oms_core.domain.commands import UNSET
from oms_core.domain.money import parse_money
from oms_http.app_state import Service
from oms_http.import_answers import DRY_RUN
from oms_http.openapi import headers
from oms_http.openapi.operation import WRITING, Operation
from oms_http.orders.act_answers import OF_ORDER, UNDER_KEY
from oms_http.orders.change_schemas import LineChangeRequest, LineChangesRequest, OrderUpdateRequest
from oms_http.orders.order_answers import ORDER, order_response
from oms_http.requests import Request, note_idempotency_key, note_version_wanted, read_model, read_order_id
from oms_http.responses import REPLAYED

_ETAG = replace(
    headers.ETAG,
    description="The version of the order, as an entity tag. Absent from a dry run, whose version is not there.",
    required=False,
)
_CHANGED = replace(
    ORDER,
    description="The order as it is now, or after a dry run as it would be.",
    headers=(*(_ETAG if header is headers.ETAG else header for header in ORDER.headers), headers.REPLAYED),
)


@Operation(
    id="changeOrderLines",
    method="PATCH",
    path="/v1/orders/{id}/lines",
    tag="orders",
    summary="Change the lines of an order",
    description="Lines get other quantities (0 removes one), or are added: all of it or nothing. What the order holds "
    "of the stock follows. What is so already changes nothing and succeeds. A dry run answers with the order as it "
    "would be, changes nothing, and takes no idempotency key.",
    use_cases=("changes.lines",),
    query=(DRY_RUN,),
    headers=(headers.IDEMPOTENCY_KEY, headers.IF_MATCH),
    body=LineChangesRequest,
    answers=(_CHANGED,),
    errors=(
        *(*WRITING, *OF_ORDER, *UNDER_KEY),
        "invalid_transition",
        "below_shipped",
        "empty_order",
        "insufficient_inventory",
        "unknown_sku",
        "total_too_large",
    ),
)
def change_order_lines(service: Service, request: Request, order_id: str) -> Response:
    """Give lines of an order other quantities, or add lines."""
    version, key = note_version_wanted(request), note_idempotency_key(request)
    asked = read_model(LineChangesRequest, request)
    command = ChangeOrderLines(
        order_id=read_order_id(order_id),
        lines=[_line(line) for line in asked.lines],
        reason=asked.reason,
        dry_run=request.parameters.get("dry_run", False),
        if_version=version,
        idempotency_key=key,
    )
    changed = service.oms.changes.lines(command, caller=request.caller)
    answer = order_response(service.oms, changed.order, headers=[REPLAYED] if changed.replayed else [])
    if command.dry_run:
        del answer.headers["ETag"]
    return answer


@Operation(
    id="updateOrder",
    method="PATCH",
    path="/v1/orders/{id}",
    tag="orders",
    summary="Change the reference or the metadata of an order",
    description="In any status. What is so already changes nothing and succeeds.",
    use_cases=("changes.details",),
    headers=(headers.IF_MATCH,),
    body=OrderUpdateRequest,
    answers=(ORDER,),
    errors=(*WRITING, *OF_ORDER),
)
def update_order(service: Service, request: Request, order_id: str) -> Response:
    """Give an order another reference, or other metadata."""
    version = note_version_wanted(request)
    asked = read_model(OrderUpdateRequest, request)
    given = asked.model_fields_set
    command = UpdateOrder(
        order_id=read_order_id(order_id),
        reference=asked.reference if "reference" in given else UNSET,
        metadata=cast("Mapping[str, str | None]", asked.metadata) if "metadata" in given else {},
        if_version=version,
    )
    return order_response(service.oms, service.oms.changes.details(command, caller=request.caller))


def _line(line: LineChangeRequest) -> LineChange:
    return LineChange(
        line_no=line.line_no,
        sku=line.sku,
        quantity=line.quantity,
        unit_price=None if line.unit_price is None else parse_money(line.unit_price),
    )
