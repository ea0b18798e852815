"""Read all stock, for a file."""

from __future__ import annotations

from collections.abc import Iterator

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.limits import PAGE_ITEMS_MAX
from oms_core.domain.stock.products import Product, ProductFilter
from oms_core.ports.storage import Storage


def export_stock(*, caller: Caller, storage: Storage, wanted: ProductFilter | None = None) -> Iterator[Product]:
    """Return every product by SKU, read in pages, a statement each: no snapshot is held; a page is as of its reading.

    Raises `forbidden` at once, not at the first item.
    """
    caller.require(Scope.INVENTORY_READ)
    return _pages(storage, wanted or ProductFilter())


def _pages(storage: Storage, wanted: ProductFilter) -> Iterator[Product]:
    after: str | None = None
    while True:
        products = storage.stock.find(wanted, after=after, limit=PAGE_ITEMS_MAX)
        yield from products
        if len(products) < PAGE_ITEMS_MAX:
            return
        after = products[-1].sku
