"""List products with their stock."""

from __future__ import annotations

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT
from oms_core.domain.pages import Page, check_limit, decode_sku_cursor, encode_cursor, page_of
from oms_core.domain.stock.products import Product, ProductFilter
from oms_core.ports.storage import Storage

_CURSOR = "products"


def list_products(
    wanted: ProductFilter,
    *,
    caller: Caller,
    storage: Storage,
    cursor: str | None = None,
    limit: int = PAGE_ITEMS_DEFAULT,
) -> Page[Product]:
    """Return a page of up to 500 products by SKU. Raises `validation_error` for a bad cursor or limit, `forbidden`."""
    caller.require(Scope.INVENTORY_READ)
    check_limit(limit)
    after = None if cursor is None else decode_sku_cursor(_CURSOR, cursor)
    rows = storage.stock.find(wanted, after=after, limit=limit + 1)
    return page_of(rows, limit, lambda product: encode_cursor(_CURSOR, product.sku))


def cursor_after(sku: str) -> str:
    """Return the cursor of the page that begins after a SKU, whether that is there or not."""
    return encode_cursor(_CURSOR, sku)
