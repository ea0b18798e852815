"""One product as an answer, with its entity tag."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response

from oms_core.documents.stock import show_product
from oms_core.domain.stock.products import Product
from oms_http.inventory.stock_schemas import Product as ProductShown
from oms_http.openapi import headers as described
from oms_http.openapi.operation import Answer
from oms_http.responses import REVALIDATE, json_response

PRODUCT = Answer(
    status=200, description="The product.", schema=ProductShown, headers=(described.ETAG, described.REVALIDATE)
)


def product_response(product: Product, *, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """Answer with a product and its entity tag."""
    return json_response(
        show_product(product), status=status, headers=[REVALIDATE, ("ETag", f'"{product_etag(product)}"'), *headers]
    )


def product_etag(product: Product) -> str:
    """Return a product's entity tag, unquoted: its revision."""
    return product.revision
