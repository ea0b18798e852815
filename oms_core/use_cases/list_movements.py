"""Read a product's ledger."""

from __future__ import annotations

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT
from oms_core.domain.pages import Page, check_limit, decode_number_cursor, encode_cursor, page_of
from oms_core.domain.stock.products import Movement
from oms_core.ports.storage import Storage
from oms_core.use_cases.get_product import check_known_form

_CURSOR = "movements"


def list_movements(
    sku: str, *, caller: Caller, storage: Storage, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT
) -> Page[Movement]:
    """Return one page of ledger rows, newest first. Raises `sku_not_found`, `validation_error`, `forbidden`."""
    caller.require(Scope.INVENTORY_READ)
    caller.require_unbound()  # Each reservation names an order.
    check_known_form(sku)
    check_limit(limit)
    after = None if cursor is None else decode_number_cursor(_CURSOR, cursor)
    rows = storage.stock.movements(sku, after=after, limit=limit + 1)
    return page_of(rows, limit, lambda movement: encode_cursor(_CURSOR, str(movement.id)))
