"""Pages of orders: bounded by orders and by lines, and read a few orders at a time."""

from __future__ import annotations

from typing import Any

import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_memory import MemoryStorage

from oms_core import Order, OrderFilter
from oms_core.domain.limits import ORDER_LINES_MAX, PAGE_LINES_MAX
from oms_core.domain.pages import Page
from oms_core.use_cases.list_orders import list_orders


@pytest.fixture
def shop() -> Shop:
    """A shop with enough of A."""
    shop = new_shop(MemoryStorage())
    shop.set("A", 1_000_000)
    return shop


def page(shop: Shop, limit: int, cursor: str | None = None) -> Page[Order]:
    return list_orders(OrderFilter(), caller=shop.caller, storage=shop.storage, cursor=cursor, limit=limit)


def place(shop: Shop, orders: int, lines: int) -> None:
    for _ in range(orders):
        shop.place(shop.order(*[("A", 1)] * lines))


def test_a_page_ends_with_the_order_that_reaches_the_bound_of_lines(shop: Shop) -> None:
    place(shop, orders=12, lines=ORDER_LINES_MAX)
    cursor, seen, lengths = None, [], []
    while True:
        found = page(shop, 500, cursor)
        seen += [order.id for order in found.items]
        lengths.append(len(found.items))
        if found.next is None:
            break
        cursor = found.next
    assert lengths == [PAGE_LINES_MAX // ORDER_LINES_MAX] * 2 + [2]
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == 12


@pytest.mark.parametrize("limit", [1, 50, 51, 102, 119, 120, 121, 500])
def test_a_page_has_as_many_as_were_asked_for_and_next_exactly_where_there_are_more(shop: Shop, limit: int) -> None:
    place(shop, orders=120, lines=1)
    found = page(shop, limit)
    assert len(found.items) == min(limit, 120)
    assert (found.next is not None) == (limit < 120)
    assert len({order.id for order in found.items}) == len(found.items)


def test_few_orders_are_read_at_a_time(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    place(shop, orders=120, lines=1)
    asked: list[int] = []
    find = shop.storage.orders.find

    def note(*wanted: Any, limit: int, **more: Any) -> list[Order]:
        asked.append(limit)
        return find(*wanted, limit=limit, **more)

    monkeypatch.setattr(shop.storage.orders, "find", note)
    page(shop, 50)
    assert asked == [51], "a page of the usual length is one query"
    asked.clear()
    page(shop, 500)
    assert asked == [51, 51, 51]
