"""The routes of stock."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response

from oms_core.documents.stock import show_movement, show_product
from oms_core.domain.commands import UNSET, AdjustStock, DeleteProduct, SetStock
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT
from oms_core.domain.stock.products import ProductFilter
from oms_http.app_state import Service
from oms_http.inventory.product_answers import PRODUCT, product_etag, product_response
from oms_http.inventory.stock_schemas import AdjustmentRequest, MovementPage, Product, ProductPage, StockRequest
from oms_http.openapi import headers
from oms_http.openapi.operation import GUARDED, WRITING, Answer, Operation
from oms_http.queries import PAGE_PARAMETERS, QueryParameter, list_headers, read_switch
from oms_http.requests import (
    Request,
    check_path_sku,
    matches,
    note_idempotency_key,
    note_path_sku,
    read_model,
    read_precondition,
)
from oms_http.responses import (
    NO_STORE,
    REPLAYED,
    REVALIDATE,
    json_response,
    not_modified,
)

LOW_STOCK_PARAMETER = QueryParameter(
    name="low_stock",
    description="Only products at or below their threshold.",
    schema={"type": "boolean", "default": False},
    read=read_switch,
)
PRODUCT_LIST_PARAMETERS = (LOW_STOCK_PARAMETER, *PAGE_PARAMETERS)


@Operation(
    id="listProducts",
    method="GET",
    path="/v1/inventory",
    tag="inventory",
    summary="List products with their stock, by SKU",
    use_cases=("stock.list",),
    query=PRODUCT_LIST_PARAMETERS,
    answers=(
        Answer(status=200, description="A page.", schema=ProductPage, headers=(headers.REVALIDATE, *headers.OF_LISTS)),
    ),
    errors=GUARDED,
)
def list_products(service: Service, request: Request) -> Response:
    """List products with their stock, by SKU."""
    asked = request.parameters
    page = service.oms.stock.list(
        ProductFilter(low_stock=asked.get("low_stock", False)),
        caller=request.caller,
        cursor=asked.get("cursor"),
        limit=asked.get("limit", PAGE_ITEMS_DEFAULT),
    )
    shown = {"items": [show_product(product) for product in page.items], "next": page.next}
    return json_response(shown, headers=[REVALIDATE, *list_headers(request, page)])


@Operation(
    id="getProduct",
    method="GET",
    path="/v1/inventory/{sku}",
    tag="inventory",
    summary="Get a product's stock",
    use_cases=("stock.get",),
    headers=(headers.IF_NONE_MATCH,),
    answers=(
        PRODUCT,
        Answer(status=304, description="Unchanged.", media_type=None, headers=(headers.ETAG, headers.REVALIDATE)),
    ),
    errors=(*GUARDED, "sku_not_found"),
)
def get_product(service: Service, request: Request, sku: str) -> Response:
    """Return one product's stock."""
    product = service.oms.stock.get(check_path_sku(sku), caller=request.caller)
    if matches(request, product_etag(product)):
        return not_modified(product_etag(product), REVALIDATE)
    return product_response(product)


@Operation(
    id="listMovements",
    method="GET",
    path="/v1/inventory/{sku}/movements",
    tag="inventory",
    summary="List a product's ledger, newest first",
    use_cases=("stock.movements",),
    query=PAGE_PARAMETERS,
    answers=(
        Answer(status=200, description="A page.", schema=MovementPage, headers=(headers.REVALIDATE, *headers.OF_LISTS)),
    ),
    errors=(*GUARDED, "sku_not_found"),
)
def list_movements(service: Service, request: Request, sku: str) -> Response:
    """Return a product's ledger, newest first."""
    page = service.oms.stock.movements(
        check_path_sku(sku),
        caller=request.caller,
        cursor=request.parameters.get("cursor"),
        limit=request.parameters.get("limit", PAGE_ITEMS_DEFAULT),
    )
    shown = {"items": [show_movement(movement) for movement in page.items], "next": page.next}
    return json_response(shown, headers=[REVALIDATE, *list_headers(request, page)])


@Operation(
    id="setStock",
    method="PUT",
    path="/v1/inventory/{sku}",
    tag="inventory",
    summary="Create a product, or set its count, name or threshold",
    description="Only what is given changes.",
    use_cases=("stock.set",),
    headers=(headers.IF_MATCH_PRODUCT, headers.IF_ABSENT),
    body=StockRequest,
    answers=(
        PRODUCT,
        Answer(
            status=201,
            description="The product was created.",
            schema=Product,
            headers=(headers.LOCATION, headers.ETAG, headers.REVALIDATE),
            creates="sku",
        ),
    ),
    errors=(*WRITING, "version_mismatch", "stock_count_mismatch", "stock_below_reserved"),
)
def set_stock(service: Service, request: Request, sku: str) -> Response:
    """Create a product, or set what is given of it."""
    note_path_sku(request, sku)
    asked = read_model(StockRequest, request)
    # Only what was named: for the threshold, null says "none" and absence says nothing.
    threshold = asked.low_stock_threshold if "low_stock_threshold" in asked.model_fields_set else UNSET
    command = SetStock(
        sku=sku,
        on_hand=asked.on_hand,
        location=asked.location,
        expected_on_hand=asked.expected_on_hand,
        name=asked.name,
        low_stock_threshold=threshold,
        kept_back=asked.kept_back,
        reason=asked.reason,
        reference=asked.reference,
        precondition=read_precondition(request),
    )
    changed = service.oms.stock.set(command, caller=request.caller)
    if changed.before is None:
        return product_response(
            changed.product, status=201, headers=[("Location", f"/v1/inventory/{quote(sku, safe='')}")]
        )
    return product_response(changed.product)


@Operation(
    id="deleteProduct",
    method="DELETE",
    path="/v1/inventory/{sku}",
    tag="inventory",
    summary="Delete a product that was never used",
    description="One that has moved, or that an order names, stays.",
    use_cases=("stock.delete",),
    offers_example=False,
    headers=(headers.IF_MATCH_PRODUCT,),
    answers=(Answer(status=204, description="It is gone.", media_type=None, headers=(headers.NO_STORE,)),),
    errors=(*GUARDED, "outcome_unknown", "sku_not_found", "version_mismatch", "product_in_use"),
)
def delete_product(service: Service, request: Request, sku: str) -> Response:
    """Delete a product that was never used."""
    command = DeleteProduct(sku=check_path_sku(sku), precondition=read_precondition(request))
    service.oms.stock.delete(command, caller=request.caller)
    return Response(status=204, headers=[NO_STORE])


@Operation(
    id="adjustStock",
    method="POST",
    path="/v1/inventory/{sku}/adjustments",
    tag="inventory",
    summary="Correct a count by a difference",
    use_cases=("stock.adjust",),
    headers=(headers.IDEMPOTENCY_KEY, headers.IF_MATCH_PRODUCT),
    body=AdjustmentRequest,
    answers=(
        Answer(
            status=200,
            description="The product as it is now.",
            schema=Product,
            headers=(headers.ETAG, headers.REVALIDATE, headers.REPLAYED),
        ),
    ),
    errors=(
        *WRITING,
        "sku_not_found",
        "version_mismatch",
        "stock_below_reserved",
        "idempotency_key_reused",
        "idempotency_key_in_use",
    ),
)
def adjust_stock(service: Service, request: Request, sku: str) -> Response:
    """Correct a count by a difference."""
    note_path_sku(request, sku)
    key = note_idempotency_key(request)
    asked = read_model(AdjustmentRequest, request)
    command = AdjustStock(
        sku=sku,
        delta=asked.delta,
        reason=asked.reason,
        location=asked.location,
        reference=asked.reference,
        idempotency_key=key,
        precondition=read_precondition(request),
    )
    changed = service.oms.stock.adjust(command, caller=request.caller)
    return product_response(changed.product, headers=[REPLAYED] if changed.replayed else [])
