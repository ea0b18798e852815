"""One order as an answer: with its entity tag and, while it is queued, its place and when to ask again."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response

from oms_core import Oms, QueuePlace
from oms_core.documents.orders import show_order
from oms_core.documents.queue import show_queue_place
from oms_core.domain.orders.order import LineAllocation, Order
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.errors import ErrorKind, OmsError
from oms_http.openapi import headers as described
from oms_http.openapi.operation import Answer
from oms_http.orders.order_schemas import Order as OrderShown
from oms_http.responses import NO_STORE, json_response, not_modified

# An order that may be queued.
ORDER_HEADERS = (described.ETAG, described.NO_STORE, described.RETRY_LATER)
ORDER = Answer(status=200, description="The order.", schema=OrderShown, headers=ORDER_HEADERS)
_POLL_SECONDS_MAX = 60
_POLL_SECONDS_UNKNOWN = 5  # No worker is there, so nobody knows; one may come at any time.


def order_response(
    oms: Oms,
    order: Order,
    *,
    status: int = 200,
    headers: Iterable[tuple[str, str]] = (),
    allocations: Iterable[LineAllocation] | None = None,
) -> Response:
    """Answer with an order; with `queue` and Retry-After while it is queued."""
    shown = show_order(order, allocations)
    sent = [NO_STORE, ("ETag", f'"{order_etag(order)}"'), *headers]
    if order.status is OrderStatus.QUEUED:
        place = _place(oms, order)
        sent.append(_retry_after(place))
        if place is not None:
            shown["queue"] = show_queue_place(place)
    return json_response(shown, status=status, headers=sent)


def order_not_modified(oms: Oms, order: Order) -> Response:
    """Answer that the order has not changed; a queued one still waits, and this says when to ask again."""
    response = not_modified(order_etag(order), NO_STORE)
    if order.status is OrderStatus.QUEUED:
        response.headers.add(*_retry_after(_place(oms, order)))
    return response


def order_etag(order: Order) -> str:
    """Return an order's entity tag, unquoted: its version."""
    return str(order.version)


def order_location(order: Order) -> tuple[str, str]:
    """Return the Location header of an order."""
    return "Location", f"/v1/orders/{order.id}"


def _place(oms: Oms, order: Order) -> QueuePlace | None:
    """Tell where a queued order stands; None when that cannot be seen now, which must not spoil the answer."""
    try:
        return oms.queue.place_of(order)
    except OmsError as error:
        if error.kind is not ErrorKind.UNAVAILABLE:
            raise
        return None


def _retry_after(place: QueuePlace | None) -> tuple[str, str]:
    estimated = None if place is None else place.estimated_seconds
    seconds = _POLL_SECONDS_UNKNOWN if estimated is None else max(1, min(_POLL_SECONDS_MAX, estimated))
    return "Retry-After", str(seconds)
