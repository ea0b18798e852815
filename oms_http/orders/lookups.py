"""The routes that read orders: one, a list, and the history of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import MappingProxyType

from flask import Response

from oms_core.documents.orders import show_event, show_order
from oms_core.domain import limits
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT
from oms_core.domain.orders.order import Order, OrderFilter
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.validation import Findings
from oms_http.app_state import Service
from oms_http.openapi import headers
from oms_http.openapi.operation import GUARDED, Answer, Operation
from oms_http.orders.order_answers import ORDER, ORDER_HEADERS, order_etag, order_not_modified, order_response
from oms_http.orders.order_schemas import EventPage, OrderPage
from oms_http.queries import PAGE_PARAMETERS, QueryParameter, identifier, list_headers, next_link
from oms_http.requests import Request, matches, read_order_id
from oms_http.responses import NO_STORE, json_response
from oms_http.schemas.fields import IDENTIFIER_PATTERN
from oms_http.schemas.times import read_time

_COMPONENTS = "#/components/schemas/"
_STATUSES = MappingProxyType({status.value: status for status in OrderStatus})


def _read_statuses(findings: Findings, pointer: str, text: str) -> frozenset[OrderStatus]:
    names = text.lower().split(",")
    if any(name not in _STATUSES for name in names):
        findings.add(pointer, "unknown_status", f"must be one or more of {','.join(_STATUSES)}")
        return frozenset()
    return frozenset(_STATUSES[name] for name in names)


def _time_schema(example: str) -> dict[str, object]:
    return {"type": "string", "format": "date-time", "examples": [example]}


def _read_include(findings: Findings, pointer: str, text: str) -> str:
    if text != _ALLOCATIONS:
        findings.add(pointer, "unknown_include", f"must be {_ALLOCATIONS}")
    return text


ORDER_FILTERS = (
    QueryParameter(
        name="status",
        description="Orders with one of these statuses, comma-separated or given more than once; read in any case.",
        schema={"type": "array", "minItems": 1, "items": {"$ref": _COMPONENTS + "OrderStatus"}},
        read=_read_statuses,
        may_repeat=True,
    ),
    QueryParameter(
        name="customer_id",
        description="Orders of this customer.",
        schema={"$ref": _COMPONENTS + "CustomerId"},
        read=identifier(limits.CUSTOMER_ID_LENGTH_MAX),
    ),
    QueryParameter(
        name="sku",
        description="Orders with a line of this product that was not removed.",
        schema={"type": "string", "minLength": 1, "maxLength": limits.SKU_LENGTH_MAX, "pattern": IDENTIFIER_PATTERN},
        read=identifier(limits.SKU_LENGTH_MAX),
    ),
    QueryParameter(
        name="reference",
        description="Orders with this reference.",
        schema={"$ref": _COMPONENTS + "Reference"},
        read=identifier(limits.REFERENCE_LENGTH_MAX),
    ),
    QueryParameter(
        name="failure_code",
        description="Orders that were rejected or failed for this reason, or are to be tried again after it.",
        schema={
            "type": "string",
            "minLength": 1,
            "maxLength": limits.FAILURE_CODE_LENGTH_MAX,
            "pattern": IDENTIFIER_PATTERN,
        },
        read=identifier(limits.FAILURE_CODE_LENGTH_MAX),
    ),
    QueryParameter(
        name="created_from",
        description="Orders created then or later.",
        schema=_time_schema("2026-11-22T00:00:00Z"),
        read=read_time,
    ),
    QueryParameter(
        name="created_to",
        description="Orders created before then.",
        schema=_time_schema("2026-11-23T00:00:00Z"),
        read=read_time,
    ),
    QueryParameter(
        name="hold_before",
        description="Orders that are held, and whose hold ends before then.",
        schema=_time_schema("2026-11-22T21:15:00Z"),
        read=read_time,
    ),
)
_ALLOCATIONS = "allocations"
INCLUDE = QueryParameter(
    name="include",
    description="With `allocations` each line shows where it is served from.",
    schema={"type": "string", "enum": [_ALLOCATIONS]},
    read=_read_include,
)
LOCATION = QueryParameter(
    name="location",
    description="Open orders of which units are reserved at this location. A page looks at 5,000 open orders at most, "
    "so it may be short, and have a next.",
    schema={"type": "string", "minLength": 1, "maxLength": limits.LOCATION_LENGTH_MAX, "pattern": IDENTIFIER_PATTERN},
    read=identifier(limits.LOCATION_LENGTH_MAX),
)
ORDER_LIST_PARAMETERS = (*ORDER_FILTERS, LOCATION, INCLUDE, *PAGE_PARAMETERS)


@Operation(
    id="listOrders",
    method="GET",
    path="/v1/orders",
    tag="orders",
    summary="List orders, newest first",
    use_cases=("orders.list", "orders.allocations"),
    query=ORDER_LIST_PARAMETERS,
    answers=(
        Answer(status=200, description="A page.", schema=OrderPage, headers=(headers.NO_STORE, *headers.OF_LISTS)),
    ),
    errors=GUARDED,
)
def list_orders(service: Service, request: Request) -> Response:
    """List orders, newest first."""
    asked = dict(request.parameters)
    limit, cursor = asked.pop("limit", PAGE_ITEMS_DEFAULT), asked.pop("cursor", None)
    location, include = asked.pop("location", None), asked.pop("include", None)
    wanted = OrderFilter(statuses=asked.pop("status", frozenset()), **asked)
    page = service.oms.orders.list(wanted, caller=request.caller, location=location, cursor=cursor, limit=limit)
    items = _with_allocations(service, request, page.items) if include else map(show_order, page.items)
    shown = {"items": list(items), "next": page.next}
    return json_response(shown, headers=[NO_STORE, *list_headers(request, page)])


def _with_allocations(service: Service, request: Request, orders: Sequence[Order]) -> Iterator[dict[str, object]]:
    served = service.oms.orders.allocations([order.id for order in orders], caller=request.caller)
    return (show_order(order, served.get(order.id, ())) for order in orders)


@Operation(
    id="getOrder",
    method="GET",
    path="/v1/orders/{id}",
    tag="orders",
    summary="Get an order",
    use_cases=("orders.get",),
    query=(INCLUDE,),
    headers=(headers.IF_NONE_MATCH,),
    answers=(
        ORDER,
        Answer(
            status=304,
            description="Unchanged, but for a queued order's place.",
            media_type=None,
            headers=ORDER_HEADERS,
        ),
    ),
    errors=(*GUARDED, "order_not_found"),
)
def get_order(service: Service, request: Request, order_id: str) -> Response:
    """Return one order."""
    order = service.oms.orders.get(read_order_id(order_id), caller=request.caller)
    if matches(request, order_etag(order)):
        return order_not_modified(service.oms, order)
    if "include" not in request.parameters:
        return order_response(service.oms, order)
    served = service.oms.orders.allocations([order.id], caller=request.caller)
    return order_response(service.oms, order, allocations=served.get(order.id, ()))


@Operation(
    id="listOrderEvents",
    method="GET",
    path="/v1/orders/{id}/events",
    tag="orders",
    summary="List what happened to an order, oldest first",
    use_cases=("orders.events",),
    query=PAGE_PARAMETERS,
    answers=(Answer(status=200, description="A page.", schema=EventPage, headers=(headers.NO_STORE, headers.LINK)),),
    errors=(*GUARDED, "order_not_found"),
)
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
