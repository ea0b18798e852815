"""Listing orders in pages, newest or oldest first, of those that the caller may see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT, PAGE_LINES_MAX
from oms_core.domain.orders.order import Order, OrderFilter
from oms_core.domain.pages import Page, check_limit, decode_id_cursor, encode_cursor
from oms_core.ports.order_storage import OrderStorage

_CURSOR = "orders"
_OLDEST_CURSOR = "orders-oldest"
# A page of the usual length is one query, the longest of short orders are three.
_READ_FIRST = PAGE_ITEMS_DEFAULT + 1
_READ_TOGETHER_MAX = 225


def list_orders(
    orders: OrderStorage, wanted: OrderFilter, *, caller: Caller, cursor: str | None, limit: int
) -> Page[Order]:
    """Return a page of what the caller may see. It ends at the limit, or with the order that reaches 2,000 lines.

    Raise `validation_error` for a bad cursor or limit.
    """
    check_limit(limit)
    after = after_cursor(wanted, cursor)
    owned = owned_filter(wanted, caller)
    if owned is None:
        return Page((), None)
    page: list[Order] = []
    lines = 0
    for order in orders_by_id(orders, owned, after=after, limit=limit + 1):
        if len(page) == limit or lines >= PAGE_LINES_MAX:
            return page_before_more(page, wanted, page[-1].id)
        page.append(order)
        lines += order.lines_shown
    return Page(tuple(page), None)


def orders_by_id(orders: OrderStorage, wanted: OrderFilter, *, after: UUID | None, limit: int) -> Iterator[Order]:
    """Return orders by id, beyond `after`.

    They are read a few at a time, since 500 orders may have a million lines. The next ones are as many as should fill
    up a page, judged by how much of it those before took.
    """
    read = shown = 0
    wished = _READ_FIRST
    while limit > 0:
        wished = min(limit, wished)
        found = orders.find(wanted, after=after, limit=wished, lines_max=PAGE_LINES_MAX)
        yield from found
        if len(found) < wished and sum(len(order.lines) for order in found) < PAGE_LINES_MAX:
            return
        after = found[-1].id
        limit -= len(found)
        read += len(found)
        shown += sum(order.lines_shown for order in found)
        left = PAGE_LINES_MAX - shown % PAGE_LINES_MAX
        wished = min(_READ_TOGETHER_MAX, left * read // shown + 1)


def after_cursor(wanted: OrderFilter, cursor: str | None) -> UUID | None:
    """Return the order after which a cursor goes on. Raise `validation_error`."""
    return None if cursor is None else decode_id_cursor(_kind(wanted), cursor)


def page_before_more(page: Sequence[Order], wanted: OrderFilter, last: UUID) -> Page[Order]:
    """Return a page after which there may be more, beyond the last order that was looked at."""
    return Page(tuple(page), encode_cursor(_kind(wanted), str(last)))


def _kind(wanted: OrderFilter) -> str:
    return _OLDEST_CURSOR if wanted.oldest_first else _CURSOR


def owned_filter(wanted: OrderFilter, caller: Caller) -> OrderFilter | None:
    """Return a filter for those orders that the caller may see; None when there can be none."""
    if caller.customer_id is None:
        return wanted
    if wanted.customer_id not in {None, caller.customer_id}:
        return None
    return replace(wanted, customer_id=caller.customer_id)
