"""List orders, newest first."""

from __future__ import annotations

from dataclasses import replace

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT
from oms_core.domain.orders import Order, OrderFilter
from oms_core.domain.pages import Page, check_limit, decode_id_cursor, encode_cursor, page_of
from oms_core.ports.storage import Storage

_CURSOR = "orders"


def list_orders(
    wanted: OrderFilter,
    *,
    caller: Caller,
    storage: Storage,
    cursor: str | None = None,
    limit: int = PAGE_ITEMS_DEFAULT,
) -> Page[Order]:
    """Give one page of up to 500 orders. Raises `validation_error` for a bad cursor or limit, `forbidden`."""
    caller.require(Scope.ORDERS_READ)
    check_limit(limit)
    after = None if cursor is None else decode_id_cursor(_CURSOR, cursor)
    owned = owned_filter(wanted, caller)
    if owned is None:
        return Page((), None)
    rows = storage.orders.find(owned, after=after, limit=limit + 1)
    return page_of(rows, limit, lambda order: encode_cursor(_CURSOR, str(order.id)))


def owned_filter(wanted: OrderFilter, caller: Caller) -> OrderFilter | None:
    """Narrow a filter to what the caller may see; None where that is nothing."""
    if caller.customer_id is None:
        return wanted
    if wanted.customer_id not in {None, caller.customer_id}:
        return None
    return replace(wanted, customer_id=caller.customer_id)
