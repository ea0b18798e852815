"""Open orders are found by the locations that serve them, a bounded walk to a page."""

from __future__ import annotations

from uuid import UUID

import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_memory import MemoryStorage

from oms_core import Order, OrderFilter, OrderStatus
from oms_core.domain.limits import ORDER_LINES_MAX
from oms_core.domain.pages import Page
from oms_core.errors import OmsError
from oms_core.use_cases.orders import orders_of_location
from oms_core.use_cases.orders.orders_of_location import list_orders_of_location

NORTH = OrderFilter()


@pytest.fixture
def shop() -> Shop:
    """A shop with a unit at the main location, and many in the north."""
    shop = new_shop(MemoryStorage())
    shop.set("A", 1)
    shop.set("A", 1_000_000, location="north")
    return shop


def page(shop: Shop, *, cursor: str | None = None, limit: int = 500, wanted: OrderFilter = NORTH) -> Page[Order]:
    return list_orders_of_location(
        shop.storage.orders, wanted, location="north", caller=shop.caller, cursor=cursor, limit=limit
    )


def ids(found: Page[Order]) -> list[UUID]:
    return [order.id for order in found.items]


def test_orders_that_have_units_there_are_found_newest_first(shop: Shop) -> None:
    elsewhere, both = shop.buy(("A", 1)), None
    shop.set("B", 1)
    shop.set("B", 9, location="north")
    both, there = shop.buy(("B", 3)), shop.buy(("A", 2))
    assert ids(page(shop)) == [there.id, both.id]
    assert ids(page(shop, wanted=OrderFilter(oldest_first=True))) == [both.id, there.id]
    assert elsewhere.id not in ids(page(shop))


def test_orders_that_are_no_more_open_are_not(shop: Shop) -> None:
    shop.buy(("A", 1))
    shipped, cancelled, held, open_one = shop.buy(("A", 1)), shop.buy(("A", 1)), shop.hold(("A", 1)), shop.buy(("A", 1))
    shop.move(shipped.id, OrderStatus.SHIPPED)
    shop.move(cancelled.id, OrderStatus.CANCELLED)
    assert ids(page(shop)) == [open_one.id, held.id]
    assert ids(page(shop, wanted=OrderFilter(statuses=frozenset({OrderStatus.HELD, OrderStatus.SHIPPED})))) == [held.id]
    assert ids(page(shop, wanted=OrderFilter(statuses=frozenset({OrderStatus.SHIPPED})))) == []


def test_pages_go_on_where_the_one_before_ended(shop: Shop) -> None:
    orders = [shop.buy(("A", 2)) for _ in range(7)]
    cursor, seen, lengths = None, [], []
    while True:
        found = page(shop, cursor=cursor, limit=3)
        seen += ids(found)
        lengths.append(len(found.items))
        if found.next is None:
            break
        cursor = found.next
    assert (seen, lengths) == ([order.id for order in reversed(orders)], [3, 3, 1])


def test_a_page_ends_after_so_many_orders_that_were_looked_at(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    first = shop.buy(("A", 2))
    shop.set("B", 20)
    for _ in range(9):
        shop.buy(("B", 1))
    monkeypatch.setattr(orders_of_location, "ORDERS_WALKED_MAX", 3)
    monkeypatch.setattr(orders_of_location, "_READ_TOGETHER_MAX", 3)
    lengths, cursor, last = [], None, page(shop)
    while last.next is not None:
        lengths.append(len(last.items))
        cursor = last.next
        last = page(shop, cursor=cursor)
    assert (lengths, ids(last)) == ([0, 0, 0], [first.id])


def test_a_page_ends_with_the_order_that_reaches_the_bound_of_lines(shop: Shop) -> None:
    for _ in range(3):
        shop.place(shop.order(*[("A", 1)] * ORDER_LINES_MAX))
    found = page(shop)
    assert (len(found.items), found.next is not None) == (1, True)


@pytest.mark.parametrize("location", ["", "a\nb", "x" * 65])
def test_a_location_that_cannot_be_is_refused(shop: Shop, location: str) -> None:
    with pytest.raises(OmsError) as caught:
        list_orders_of_location(
            shop.storage.orders, OrderFilter(), location=location, caller=shop.caller, cursor=None, limit=50
        )
    assert caught.value.errors[0].pointer == "/location"
