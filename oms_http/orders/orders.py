"""The routes of orders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flask import Response

from oms_core.documents.orders import read_keyed_order, show_event, show_order, show_refusal
from oms_core.domain.commands import ChangeOrderStatus, PlaceOrder
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT
from oms_core.domain.orders.order import OrderFilter
from oms_core.domain.orders.placement import PlacementOutcome, Refused
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.validation import FINDINGS_MAX
from oms_core.errors import OmsError
from oms_http.app_state import Service
from oms_http.orders.order_answers import order_not_modified, order_response
from oms_http.orders.order_schemas import BatchRequest, StatusRequest
from oms_http.orders.place import STATUS_CODES
from oms_http.problems import ERRORS_SHOWN_MAX, STATUS_BY_CODE, show_field_error
from oms_http.queries import next_link
from oms_http.requests import (
    Request,
    matches,
    note_unexpected_key,
    note_version_wanted,
    read_model,
    read_order_id,
)
from oms_http.responses import NO_STORE, json_response, order_etag

BATCH_BODY_BYTES_MAX = 8 * 1024 * 1024


def place_orders(service: Service, request: Request) -> Response:
    """Place a batch, one outcome per order."""
    note_unexpected_key(request, "is not used here: give each order an idempotency_key of its own")
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


def list_orders(service: Service, request: Request) -> Response:
    """List orders, newest first."""
    asked = dict(request.parameters)
    limit, cursor = asked.pop("limit", PAGE_ITEMS_DEFAULT), asked.pop("cursor", None)
    wanted = OrderFilter(statuses=asked.pop("status", frozenset()), **asked)
    page = service.oms.orders.list(wanted, caller=request.caller, cursor=cursor, limit=limit)
    shown = {"items": [show_order(order) for order in page.items], "next": page.next}
    return json_response(shown, headers=[NO_STORE, *next_link(request, page)])


def get_order(service: Service, request: Request, order_id: str) -> Response:
    """Return one order."""
    order = service.oms.orders.get(read_order_id(order_id), caller=request.caller)
    if matches(request, order_etag(order)):
        return order_not_modified(service.oms, order)
    return order_response(service.oms, order)


def list_order_events(service: Service, request: Request, order_id: str) -> Response:
    """Return an order's history, oldest first."""
    page = service.oms.orders.events(
        read_order_id(order_id),
        caller=request.caller,
        cursor=request.parameters.get("cursor"),
        limit=request.parameters.get("limit", PAGE_ITEMS_DEFAULT),
    )
    shown = {"items": [show_event(event) for event in page.items], "next": page.next}
    return json_response(shown, headers=[NO_STORE, *next_link(request, page)])


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
