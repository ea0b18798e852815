"""Orders as requests and answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, WithJsonSchema
from pydantic.config import JsonDict
from pydantic.json_schema import SkipJsonSchema

from oms_core.domain import limits
from oms_core.domain.events import EventType
from oms_core.domain.orders.statuses import OrderStatus
from oms_http.schemas.fields import (
    Amount,
    Currency,
    Cursor,
    CustomerId,
    HoldSeconds,
    IdempotencyKey,
    Location,
    Metadata,
    OrderId,
    Quantity,
    Reason,
    Reference,
    Sku,
    Time,
)
from oms_http.schemas.models import Input, Output, one_of
from oms_http.schemas.problems import RefusedOutcome, Shortage

_ORDER_REQUEST: JsonDict = {
    "customer_id": "C-1001",
    "reference": "WEB-4711",
    "metadata": {"channel": "web"},
    "lines": [{"sku": "WIDGET", "quantity": 2, "unit_price": "12.50"}, {"sku": "GADGET", "quantity": 1}],
}
_KEYED_ORDER_REQUEST: JsonDict = {**_ORDER_REQUEST, "idempotency_key": "cart-815"}
_ORDER_ID = "019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10"
_TIME = "2026-11-22T21:00:00.000000Z"
ORDER_EXAMPLE: JsonDict = {
    "id": _ORDER_ID,
    "status": "pending",
    "customer_id": "C-1001",
    "reference": "WEB-4711",
    "currency": "EUR",
    "lines": [{"line_no": 1, "sku": "WIDGET", "quantity": 2, "unit_price": "12.50"}],
    "total": "25.00",
    "metadata": {"channel": "web"},
    "hold_seconds": None,
    "hold_until": None,
    "hold_extensions": 0,
    "payment_reference": None,
    "locations": None,
    "failure": None,
    "attempts": 0,
    "version": 1,
    "created_at": _TIME,
    "updated_at": _TIME,
}
EVENT_EXAMPLE: JsonDict = {
    "id": 1,
    "type": "order.placed",
    "order_id": _ORDER_ID,
    "sku": None,
    "order_version": 1,
    "data": {"from": None, "to": "pending", "reason": None},
    "actor": "local",
    "request_id": "6f1c0d3e5b7a4c2f8e9d0a1b2c3d4e5f",
    "created_at": _TIME,
}


ServedFrom = Annotated[
    list[Location],
    Field(
        min_length=1,
        max_length=limits.ORDER_LOCATIONS_MAX,
        json_schema_extra={"uniqueItems": True},
        description="The order is served from these locations alone, in this order.",
    ),
]


class OrderLineRequest(Input):
    """One line of an order to place. The same SKU may stand on several lines: demand is summed."""

    sku: Sku
    quantity: Quantity
    unit_price: Amount | None = None


class OrderRequest(Input):
    """An order to place, all or nothing. Without a currency it is in the deployment's."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ORDER_REQUEST]})

    customer_id: CustomerId
    lines: Annotated[list[OrderLineRequest], Field(min_length=1, max_length=limits.ORDER_LINES_MAX)]
    currency: Currency | None = None
    reference: Reference | None = None
    metadata: Metadata | None = None
    hold_seconds: HoldSeconds | None = None
    locations: ServedFrom | None = None


class KeyedOrderRequest(OrderRequest):
    """An order of a batch, which carries its idempotency key with it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_KEYED_ORDER_REQUEST]})

    idempotency_key: IdempotencyKey | None = None


class BatchRequest(Input):
    """Up to 1,000 orders. Each is read on its own, so a wrong one is that order's outcome and not the batch's."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"orders": [_KEYED_ORDER_REQUEST]}]})

    orders: Annotated[
        list[Annotated[object, WithJsonSchema({"$ref": "#/components/schemas/KeyedOrderRequest"})]],
        Field(min_length=1, max_length=limits.BATCH_ORDERS_MAX),
    ]


class StatusRequest(Input):
    """A move to another status; the status is read in any case."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": "shipped"}, {"status": "returned", "reason": "Did not fit"}]}
    )

    status: Annotated[
        str,
        Field(json_schema_extra={"enum": [status.value for status in OrderStatus]}),
        one_of([status.value for status in OrderStatus], "unknown_status"),
    ]
    reason: Reason | None = None


class LineAllocation(Output):
    """The units of a line that one location serves: reserved, shipped, and of these returned."""

    location: str
    reserved: Annotated[int, Field(ge=0)]
    shipped: Annotated[int, Field(ge=0)]
    returned: Annotated[int, Field(ge=0)]


class OrderLine(Output):
    """A line of an order; `line_no` counts from 1."""

    line_no: int
    sku: str
    quantity: Annotated[int, Field(ge=0, description="0: the line was removed.")]
    unit_price: Amount | None
    allocations: Annotated[
        list[LineAllocation] | SkipJsonSchema[None],
        Field(description="By location. There with `include=allocations`."),
    ] = None


class QueuePlace(Output):
    """Where a queued order stands: exact to 10,000, then a bound; `estimated_seconds` is null without a worker."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"position": 1200, "estimated_seconds": 2}]})

    position: Annotated[int, Field(ge=1)]
    estimated_seconds: Annotated[int, Field(ge=1)] | None


class OrderFailure(Output):
    """Why an accepted order was rejected or failed; `shortages` is there where stock was short."""

    code: str
    detail: str
    shortages: Annotated[list[Shortage] | SkipJsonSchema[None], Field(min_length=1)] = None


class Order(Output):
    """An order. `version` grows with each change; `total` is null when a line with units has no price."""

    model_config = ConfigDict(json_schema_extra={"examples": [ORDER_EXAMPLE]})

    id: OrderId
    status: OrderStatus
    customer_id: str
    reference: str | None
    currency: Currency
    lines: list[OrderLine]
    total: Amount | None
    metadata: dict[str, str]
    hold_seconds: Annotated[int, Field(ge=1)] | None
    hold_until: Annotated[Time | None, Field(description="When the hold ends, or was to end.")]
    hold_extensions: Annotated[int, Field(ge=0)]
    payment_reference: str | None
    locations: Annotated[list[str] | None, Field(description="It is served from these alone; null: from any.")]
    failure: OrderFailure | None
    attempts: Annotated[int, Field(ge=0)]
    version: Annotated[int, Field(ge=1)]
    created_at: Time
    updated_at: Time
    queue: Annotated[
        QueuePlace | SkipJsonSchema[None],
        Field(description="There while the order is queued and shown alone, in no list."),
    ] = None


class OrderPage(Output):
    """Some orders, newest first; `next` is null on the last page."""

    items: list[Order]
    next: Cursor | None


class PlacedOutcome(Output):
    """This order of the batch was placed now, or (`replayed`) by an earlier request with its idempotency key.

    `status` is 202 for one that an earlier request had accepted to be placed later.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": 201, "replayed": False, "order": ORDER_EXAMPLE}]}
    )

    status: Literal[201, 202]
    replayed: bool
    order: Order


class BatchAnswer(Output):
    """One outcome per order, in the order of the request."""

    outcomes: list[PlacedOutcome | RefusedOutcome]


class Event(Output):
    """Something that happened to an order: who, when, from which status to which, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [EVENT_EXAMPLE]})

    id: int
    type: EventType
    order_id: OrderId | None
    sku: str | None
    order_version: int | None
    data: dict[str, object]
    actor: str
    request_id: str | None
    created_at: Time


class EventPage(Output):
    """Some events, oldest first; `next` is null on the last page."""

    items: list[Event]
    next: Cursor | None
