"""Read an order's history."""

from __future__ import annotations

from uuid import UUID

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.events import Event
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT
from oms_core.domain.pages import Page, check_limit, decode_number_cursor, encode_cursor, page_of
from oms_core.ports.storage import Storage
from oms_core.use_cases.get_order import check_known_id

_CURSOR = "order_events"


def list_order_events(
    order_id: UUID,
    *,
    caller: Caller,
    storage: Storage,
    cursor: str | None = None,
    limit: int = PAGE_ITEMS_DEFAULT,
) -> Page[Event]:
    """Return one page of an order's events, oldest first. Raises `order_not_found`, `validation_error`, `forbidden`."""
    caller.require(Scope.ORDERS_READ)
    check_known_id(order_id)
    check_limit(limit)
    after = None if cursor is None else decode_number_cursor(_CURSOR, cursor)
    rows = storage.orders.events(order_id, owner=caller.customer_id, after=after, limit=limit + 1)
    return page_of(rows, limit, lambda event: encode_cursor(_CURSOR, str(event.id)))
