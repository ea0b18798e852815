"""Pages of orders: bounded by orders and by lines, and read a few orders at a time."""

from __future__ import annotations

from typing import Any

import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_memory import MemoryStorage

from oms_core import Order, OrderFilter
from oms_core.domain.limits import METADATA_ENTRIES_MAX, METADATA_VALUE_LENGTH_MAX, ORDER_LINES_MAX, PAGE_LINES_MAX
from oms_core.domain.pages import Page
from oms_core.use_cases.orders.order_pages import list_orders


@pytest.fixture
def shop() -> Shop:
    """A shop with enough of A."""
    shop = new_shop(MemoryStorage())
    shop.set("A", 1_000_000)
    return shop


def page(shop: Shop, limit: int, cursor: str | None = None) -> Page[Order]:
    return list_orders(shop.storage.orders, OrderFilter(), caller=shop.caller, cursor=cursor, limit=limit)


def place(shop: Shop, orders: int, lines: int) -> None:
    for _ in range(orders):
        shop.place(shop.order(*[("A", 1)] * lines))


def test_a_page_ends_with_the_order_that_reaches_the_bound_of_lines(shop: Shop) -> None:
    place(shop, orders=5, lines=ORDER_LINES_MAX // 2)
    cursor, seen, lengths = None, [], []
    while True:
        found = page(shop, 500, cursor)
        seen += [order.id for order in found.items]
        lengths.append(len(found.items))
        if found.next is None:
            break
        cursor = found.next
    assert lengths == [2, 2, 1]
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == 5


def test_the_last_page_that_reaches_the_bound_has_no_next(shop: Shop) -> None:
    place(shop, orders=2, lines=ORDER_LINES_MAX // 2)
    found = page(shop, 500)
    assert (len(found.items), found.next) == (2, None)


def test_an_order_of_as_many_lines_as_there_may_be_is_a_page(shop: Shop) -> None:
    place(shop, orders=3, lines=ORDER_LINES_MAX)
    assert ORDER_LINES_MAX == PAGE_LINES_MAX == 2_000
    assert len(page(shop, 500).items) == 1


def test_an_entry_of_metadata_takes_as_much_of_a_page_as_a_line(shop: Shop) -> None:
    metadata = {f"key-{number}": "x" * METADATA_VALUE_LENGTH_MAX for number in range(METADATA_ENTRIES_MAX)}
    for _ in range(60):
        shop.place(shop.order(("A", 1), metadata=metadata))
    found = page(shop, 60)
    assert len(found.items) == 40, "of 51 each"
    assert len(page(shop, 60, found.next).items) == 20


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
    lines: list[int] = []
    find = shop.storage.orders.find

    def note(*wanted: Any, limit: int, **more: Any) -> list[Order]:
        asked.append(limit)
        found = find(*wanted, limit=limit, **more)
        lines.append(sum(len(order.lines) for order in found))
        return found

    monkeypatch.setattr(shop.storage.orders, "find", note)
    page(shop, 50)
    assert asked == [51], "a page of the usual length is one query"
    asked.clear()
    page(shop, 500)
    assert asked == [51, 225], "and a long page takes more of short orders together"
    asked.clear()
    place(shop, orders=120, lines=20)
    page(shop, 500)
    assert asked == [51, 50], "but of longer ones those that it has room for, and the one that shows there are more"
    place(shop, orders=3, lines=ORDER_LINES_MAX)
    lines.clear()
    page(shop, 50)
    assert lines == [ORDER_LINES_MAX] * 2, "and hardly more of their lines than the page has"
