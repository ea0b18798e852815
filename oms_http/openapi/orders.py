"""The operations on orders."""

from __future__ import annotations

from dataclasses import replace

from oms_http.openapi import headers
from oms_http.openapi.operation import GUARDED, WRITING, Answer, Operation
from oms_http.orders import orders, place, retries
from oms_http.orders.order_schemas import (
    BatchAnswer,
    BatchRequest,
    EventPage,
    KeyedOrderRequest,
    Order,
    OrderPage,
    OrderRequest,
    StatusRequest,
)
from oms_http.parameters import ORDER_LIST_PARAMETERS, PAGE_PARAMETERS
from oms_http.queue.queue_schemas import RetriesRequest, RetryReport, RetryRequest

_TAG = "orders"
# An order that may be queued.
_ORDER_HEADERS = (headers.ETAG, headers.NO_STORE, headers.RETRY_LATER)
_ORDER = Answer(status=200, description="The order.", schema=Order, headers=_ORDER_HEADERS)

ORDER_OPERATIONS = (
    Operation(
        id="placeOrder",
        method="POST",
        path="/v1/orders",
        tag=_TAG,
        summary="Place an order",
        description="Checks and reserves the stock of all lines, all or nothing; a refused order leaves no trace. With "
        "`Prefer: respond-async` the order is queued, and a worker places it; one that cannot be placed then stays, "
        "`rejected` or `failed`, with its reason, also where that was waited for and is the answer.",
        view=place.place_order,
        use_cases=("orders.place", "orders.accept"),
        headers=(headers.IDEMPOTENCY_KEY, headers.PREFER),
        error_headers=(headers.WAITED_LOCATION, headers.PREFERENCE_APPLIED),
        body=OrderRequest,
        places_orders=True,
        answers=(
            Answer(
                status=201,
                description="The order was placed, now or by an earlier request with this key.",
                schema=Order,
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
                schema=Order,
                headers=(headers.LOCATION, *_ORDER_HEADERS, headers.REPLAYED, headers.PREFERENCE_APPLIED),
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
        ),
    ),
    Operation(
        id="placeOrders",
        method="POST",
        path="/v1/orders/batch",
        tag=_TAG,
        summary="Place up to 1,000 orders",
        description="Each order is all or nothing, the batch is not: every order has an outcome of its own.",
        view=orders.place_orders,
        use_cases=("orders.place_many",),
        body=BatchRequest,
        body_parts=(KeyedOrderRequest,),
        places_orders=True,
        heavy=True,
        answers=(
            Answer(status=200, description="One outcome per order.", schema=BatchAnswer, headers=(headers.NO_STORE,)),
        ),
        errors=WRITING,
    ),
    Operation(
        id="listOrders",
        method="GET",
        path="/v1/orders",
        tag=_TAG,
        summary="List orders, newest first",
        view=orders.list_orders,
        use_cases=("orders.list",),
        query=ORDER_LIST_PARAMETERS,
        answers=(
            Answer(status=200, description="A page.", schema=OrderPage, headers=(headers.NO_STORE, headers.LINK)),
        ),
        errors=GUARDED,
    ),
    Operation(
        id="getOrder",
        method="GET",
        path="/v1/orders/{id}",
        tag=_TAG,
        summary="Get an order",
        view=orders.get_order,
        use_cases=("orders.get",),
        headers=(headers.IF_NONE_MATCH,),
        answers=(
            _ORDER,
            Answer(
                status=304,
                description="Unchanged, but for a queued order's place.",
                media_type=None,
                headers=_ORDER_HEADERS,
            ),
        ),
        errors=(*GUARDED, "order_not_found"),
    ),
    Operation(
        id="listOrderEvents",
        method="GET",
        path="/v1/orders/{id}/events",
        tag=_TAG,
        summary="List what happened to an order, oldest first",
        view=orders.list_order_events,
        use_cases=("orders.events",),
        query=PAGE_PARAMETERS,
        answers=(
            Answer(status=200, description="A page.", schema=EventPage, headers=(headers.NO_STORE, headers.LINK)),
        ),
        errors=(*GUARDED, "order_not_found"),
    ),
    Operation(
        id="changeOrderStatus",
        method="PUT",
        path="/v1/orders/{id}/status",
        tag=_TAG,
        summary="Move an order to another status",
        description="The stock moves with it. Setting the status that the order has already changes nothing.",
        view=orders.change_order_status,
        use_cases=("orders.change_status",),
        headers=(headers.IF_MATCH,),
        body=StatusRequest,
        answers=(_ORDER,),
        errors=(*WRITING, "order_not_found", "invalid_transition", "version_mismatch"),
    ),
    Operation(
        id="retryOrder",
        method="POST",
        path="/v1/orders/{id}/retry",
        tag=_TAG,
        summary="Queue a rejected or failed order again",
        description="Its failure and its attempts are forgotten. One that is queued already stays as it is.",
        view=retries.retry_order,
        use_cases=("orders.retry",),
        headers=(headers.IDEMPOTENCY_KEY, headers.IF_MATCH),
        body=RetryRequest,
        answers=(replace(_ORDER, headers=(*_ORDER.headers, headers.REPLAYED)),),
        errors=(
            *WRITING,
            "order_not_found",
            "invalid_transition",
            "version_mismatch",
            "idempotency_key_reused",
        ),
    ),
    Operation(
        id="retryOrders",
        method="POST",
        path="/v1/orders/retry",
        tag=_TAG,
        summary="Queue rejected and failed orders again",
        description="Each is a change of its own; those already queued again are not found twice.",
        view=retries.retry_orders,
        use_cases=("orders.retry_many",),
        body=RetriesRequest,
        answers=(Answer(status=200, description="What was done.", schema=RetryReport, headers=(headers.NO_STORE,)),),
        errors=WRITING,
    ),
)
