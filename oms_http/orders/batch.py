"""The route that places a batch of orders, each with an outcome of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flask import Response

from oms_core.documents.orders import read_keyed_order, show_order, show_refusal
from oms_core.domain.commands import PlaceOrder
from oms_core.domain.orders.placement import PlacementOutcome, Refused
from oms_core.domain.validation import FINDINGS_MAX
from oms_core.errors import OmsError
from oms_http.app_state import Service
from oms_http.openapi import headers
from oms_http.openapi.operation import WRITING, Answer, Operation
from oms_http.orders.order_schemas import BatchAnswer, BatchRequest, KeyedOrderRequest
from oms_http.orders.place import STATUS_CODES
from oms_http.problems import ERRORS_SHOWN_MAX, STATUS_BY_CODE, show_field_error
from oms_http.requests import Request, note_unexpected_idempotency_key, read_model
from oms_http.responses import NO_STORE, json_response

BATCH_BODY_BYTES_MAX = 8 * 1024 * 1024


@Operation(
    id="placeOrders",
    method="POST",
    path="/v1/orders/batch",
    tag="orders",
    summary="Place up to 1,000 orders",
    description="Each order is all or nothing, the batch is not: every order has an outcome of its own.",
    use_cases=("orders.place_many",),
    body=BatchRequest,
    body_parts=(KeyedOrderRequest,),
    places_orders=True,
    heavy=True,
    answers=(
        Answer(status=200, description="One outcome per order.", schema=BatchAnswer, headers=(headers.NO_STORE,)),
    ),
    errors=WRITING,
)
def place_orders(service: Service, request: Request) -> Response:
    """Place a batch, one outcome per order."""
    note_unexpected_idempotency_key(request, "is not used here: give each order an idempotency_key of its own")
    request.max_content_length = BATCH_BODY_BYTES_MAX
    documents = read_model(BatchRequest, request).orders
    if request.charge is not None:
        request.charge.raise_to(len(documents))
    commands = list(_read_entries(documents))
    outcomes = service.oms.orders.place_many(commands, caller=request.caller, charge=request.charge)
    for outcome in outcomes:
        if isinstance(outcome, Refused):
            service.fault_log.note(outcome.error, request.request_id)
    shown = [_show_outcome(index, outcome) for index, outcome in enumerate(outcomes)]
    return json_response({"outcomes": shown}, headers=[NO_STORE])


def _read_entries(documents: Iterable[object]) -> Iterator[PlaceOrder | OmsError]:
    """Read the orders of a batch; once 100 things are wrong with them together, each is read to its first finding."""
    left = FINDINGS_MAX
    for document in documents:
        try:
            yield read_keyed_order(document, findings_max=max(1, left))
        except OmsError as error:
            left -= len(error.errors)
            yield error


def _show_outcome(index: int, outcome: PlacementOutcome) -> dict[str, object]:
    if isinstance(outcome, Refused):
        return {"status": STATUS_BY_CODE[outcome.error.code], "error": _show_entry_error(index, outcome.error)}
    return {
        "status": STATUS_CODES[outcome.entered_as],
        "replayed": outcome.replayed,
        "order": show_order(outcome.order),
    }


def _show_entry_error(index: int, error: OmsError) -> dict[str, object]:
    """Show an order's error with pointers into the batch."""
    shown = show_refusal(error) | {"detail": error.public_detail}
    if error.errors:
        found = error.errors[:ERRORS_SHOWN_MAX]
        shown["errors"] = [show_field_error(entry, prefix=f"/orders/{index}") for entry in found]
    return shown
