"""List orders, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT, PAGE_LINES_MAX
from oms_core.domain.orders import Order, OrderFilter
from oms_core.domain.pages import Page, check_limit, decode_id_cursor, encode_cursor
from oms_core.ports.storage import Storage

_CURSOR = "orders"
_READ_TOGETHER = PAGE_ITEMS_DEFAULT + 1


def list_orders(
    wanted: OrderFilter,
    *,
    caller: Caller,
    storage: Storage,
    cursor: str | None = None,
    limit: int = PAGE_ITEMS_DEFAULT,
) -> Page[Order]:
    """Give one page of up to 500 orders, or fewer if they reach 10,000 lines together.

    Raises `validation_error` for a bad cursor or limit, `forbidden`.
    """
    caller.require(Scope.ORDERS_READ)
    check_limit(limit)
    after = None if cursor is None else decode_id_cursor(_CURSOR, cursor)
    owned = owned_filter(wanted, caller)
    if owned is None:
        return Page((), None)
    page: list[Order] = []
    lines = 0
    for order in newest_orders(storage, owned, after=after, limit=limit + 1):
        if len(page) == limit or lines >= PAGE_LINES_MAX:
            return Page(tuple(page), encode_cursor(_CURSOR, str(page[-1].id)))
        page.append(order)
        lines += len(order.lines)
    return Page(tuple(page), None)


def newest_orders(storage: Storage, wanted: OrderFilter, *, after: UUID | None, limit: int) -> Iterator[Order]:
    """Read orders by id descending, below `after`, few at a time: 500 orders may have a million lines."""
    while limit > 0:
        wished = min(limit, _READ_TOGETHER)
        found = storage.orders.find(wanted, after=after, limit=wished)
        yield from found
        if len(found) < wished:
            return
        after = found[-1].id
        limit -= wished


def owned_filter(wanted: OrderFilter, caller: Caller) -> OrderFilter | None:
    """Narrow a filter to what the caller may see; None where that is nothing."""
    if caller.customer_id is None:
        return wanted
    if wanted.customer_id not in {None, caller.customer_id}:
        return None
    return replace(wanted, customer_id=caller.customer_id)
