"""The operations on orders."""

from __future__ import annotations

from oms_http import orders
from oms_http.openapi.operation import (
    ETAG,
    GUARDED,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    LINK,
    LOCATION,
    NO_STORE,
    REPLAYED,
    WRITING,
    Answer,
    Operation,
)
from oms_http.parameters import ORDER_LIST_PARAMETERS, PAGE_PARAMETERS
from oms_http.schemas.orders import (
    BatchAnswer,
    BatchRequest,
    EventPage,
    Order,
    OrderPage,
    OrderRequest,
    StatusRequest,
)

_TAG = "orders"

ORDER_OPERATIONS = (
    Operation(
        id="placeOrder",
        method="POST",
        path="/v1/orders",
        tag=_TAG,
        summary="Place an order",
        description="Checks and reserves the stock of all lines, all or nothing; a refused order leaves no trace.",
        view=orders.place_order,
        headers=(IDEMPOTENCY_KEY,),
        body=OrderRequest,
        places_orders=True,
        answers=(
            Answer(
                status=201,
                description="The order was placed, now or by an earlier request with this key.",
                schema=Order,
                headers=(LOCATION, ETAG, NO_STORE, REPLAYED),
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
        body=BatchRequest,
        places_orders=True,
        answers=(Answer(status=200, description="One outcome per order.", schema=BatchAnswer, headers=(NO_STORE,)),),
        errors=WRITING,
    ),
    Operation(
        id="listOrders",
        method="GET",
        path="/v1/orders",
        tag=_TAG,
        summary="List orders, newest first",
        view=orders.list_orders,
        query=ORDER_LIST_PARAMETERS,
        answers=(Answer(status=200, description="A page.", schema=OrderPage, headers=(NO_STORE, LINK)),),
        errors=GUARDED,
    ),
    Operation(
        id="getOrder",
        method="GET",
        path="/v1/orders/{id}",
        tag=_TAG,
        summary="Get an order",
        view=orders.get_order,
        headers=(IF_NONE_MATCH,),
        answers=(
            Answer(status=200, description="The order.", schema=Order, headers=(ETAG, NO_STORE)),
            Answer(status=304, description="Unchanged.", media_type=None, headers=(ETAG, NO_STORE)),
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
        query=PAGE_PARAMETERS,
        answers=(Answer(status=200, description="A page.", schema=EventPage, headers=(NO_STORE, LINK)),),
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
        headers=(IF_MATCH,),
        body=StatusRequest,
        answers=(Answer(status=200, description="The order.", schema=Order, headers=(ETAG, NO_STORE)),),
        errors=(*WRITING, "order_not_found", "invalid_transition", "version_mismatch"),
    ),
)
