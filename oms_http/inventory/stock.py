"""The routes of stock."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response

from oms_core.documents.stock import show_movement, show_product
from oms_core.domain.commands import UNSET, AdjustStock, DeleteProduct, SetStock
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT
from oms_core.domain.stock.products import ProductFilter
from oms_http.app_state import Service
from oms_http.inventory.stock_schemas import AdjustmentRequest, StockRequest
from oms_http.queries import next_link
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
    product_etag,
    product_response,
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
    return json_response(shown, headers=[REVALIDATE, *next_link(request, page)])


def get_product(service: Service, request: Request, sku: str) -> Response:
    """Return one product's stock."""
    product = service.oms.stock.get(check_path_sku(sku), caller=request.caller)
    if matches(request, product_etag(product)):
        return not_modified(product_etag(product), REVALIDATE)
    return product_response(product)


def list_movements(service: Service, request: Request, sku: str) -> Response:
    """Return a product's ledger, newest first."""
    page = service.oms.stock.movements(
        check_path_sku(sku),
        caller=request.caller,
        cursor=request.parameters.get("cursor"),
        limit=request.parameters.get("limit", PAGE_ITEMS_DEFAULT),
    )
    shown = {"items": [show_movement(movement) for movement in page.items], "next": page.next}
    return json_response(shown, headers=[REVALIDATE, *next_link(request, page)])


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


def delete_product(service: Service, request: Request, sku: str) -> Response:
    """Delete a product that was never used."""
    command = DeleteProduct(sku=check_path_sku(sku), precondition=read_precondition(request))
    service.oms.stock.delete(command, caller=request.caller)
    return Response(status=204, headers=[NO_STORE])


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
