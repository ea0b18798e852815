"""What the lists of products and of their ledger promise: code point order, filters, pages that miss nothing."""

from __future__ import annotations

import pytest

from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.stock.products import ProductFilter
from oms_core.errors import OmsError

# Sorted by code point; a locale, or UTF-16, would have them otherwise.
SKUS = [
    *["-", "0", "10", "9", "A", "A B", "A-", "A-1", "A-10", "A-2", "AA", "B", "Z", "_", "a", "a-1", "b", "~"],
    *["ß", "é", "ŝ", "日本", "\uff5e", "😀", "😀A"],
]
EVERYTHING = ProductFilter()
LOW = ProductFilter(low_stock=True)


def found(shop: Shop, wanted: ProductFilter, *, after: str | None = None, limit: int = 500) -> list[str]:
    """List the SKUs of what is found."""
    return [product.sku for product in shop.storage.stock.find(wanted, after=after, limit=limit)]


class StockListingPromises:
    """Lists of products and movements."""

    def test_products_are_listed_by_code_point(self, shop: Shop) -> None:
        for sku in SKUS[::-1]:
            shop.set(sku, 1)
        assert sorted(SKUS) == SKUS
        assert found(shop, EVERYTHING) == SKUS

    def test_pages_of_products_meet_each_once(self, shop: Shop) -> None:
        for sku in SKUS:
            shop.set(sku, 1)
        for limit in (1, 3, len(SKUS), 500):
            met: list[str] = []
            while page := found(shop, EVERYTHING, after=met[-1] if met else None, limit=limit):
                assert len(page) <= limit
                met += page
            assert met == SKUS

    def test_a_page_may_begin_after_a_product_that_is_not_there(self, shop: Shop) -> None:
        for sku in ("A", "A-1", "B"):
            shop.set(sku, 1)
        assert found(shop, EVERYTHING, after="A-") == ["A-1", "B"]
        assert found(shop, EVERYTHING, after="\U0010ffff") == []

    def test_products_are_listed_as_they_are(self, shop: Shop) -> None:
        shop.set("B")
        shop.set("A", 5, name="A thing", low_stock_threshold=3)
        shop.set("A", 2, location="north")
        shop.buy(("A", 6))
        assert shop.storage.stock.find(EVERYTHING, after=None, limit=9) == [shop.product("A"), shop.product("B")]
        assert shop.storage.stock.find(EVERYTHING, after=None, limit=1) == [shop.product("A")]

    def test_low_stock_is_what_is_at_or_below_its_threshold(self, shop: Shop) -> None:
        shop.set("above", 4, low_stock_threshold=3)
        shop.set("at", 3, low_stock_threshold=3)
        shop.set("below", 2, low_stock_threshold=3)
        shop.set("no threshold", 0)
        shop.set("nothing anywhere", low_stock_threshold=0)
        shop.set("reserved", 9, low_stock_threshold=3)
        shop.buy(("reserved", 6))
        shop.set("summed", 2, low_stock_threshold=3)
        shop.set("summed", 2, location="north")
        low = ["at", "below", "nothing anywhere", "reserved"]
        assert found(shop, LOW) == low
        assert [found(shop, LOW, limit=1), found(shop, LOW, after="at", limit=2)] == [low[:1], low[1:3]]
        assert found(shop, LOW, after="reserved") == []

    def test_a_product_that_is_not_there_is_not_found(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        for sku in ("widget", "WIDGE", "WIDGET2", "%"):
            for read in (shop.product, shop.movements):
                with pytest.raises(OmsError) as caught:
                    read(sku)
                assert caught.value.code == "sku_not_found"

    def test_the_ledger_is_listed_newest_first_in_pages(self, shop: Shop) -> None:
        for sku in ("A", "B"):
            shop.set(sku, 1)
        for units in (1, 2, 3):
            shop.receive("A", units)
            shop.receive("B", units)
        read = shop.storage.stock.movements
        rows = read("A", after=None, limit=9)
        assert [row.movement.on_hand_delta for row in rows] == [3, 2, 1, 1]
        assert {row.movement.sku for row in rows} == {"A"}
        assert [row.id for row in rows] == sorted({row.id for row in rows}, reverse=True)
        assert read("A", after=None, limit=1) == rows[:1]
        assert read("A", after=rows[0].id, limit=2) == rows[1:3]
        assert read("A", after=rows[3].id, limit=9) == []
        assert [row.created_at for row in rows] == sorted((row.created_at for row in rows), reverse=True)
