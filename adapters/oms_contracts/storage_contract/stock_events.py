"""Stock events: a product says that it became low, depleted or replenished, once, and says nothing else."""

from __future__ import annotations

from oms_contracts.storage_contract.hooks import StockEvent, StorageHooks
from oms_contracts.storage_contract.shop import CLERK, Shop
from oms_core.domain.callers import ALL_SCOPES, Caller
from oms_core.domain.orders.statuses import OrderStatus


class StockEventPromises(StorageHooks):
    """Crossings of a threshold, by whatever crosses it."""

    def announced(self, shop: Shop, sku: str = "WIDGET") -> list[tuple[str, int]]:
        """Read the types and figures of a product's events."""
        return [(event.type, event.available) for event in self.stock_events(shop.storage, sku)]

    def test_orders_that_cross_the_threshold_announce_it_once(self, shop: Shop) -> None:
        shop.set("WIDGET", 10, low_stock_threshold=5)
        shop.buy(("WIDGET", 4))
        assert self.announced(shop) == []
        shop.buy(("WIDGET", 1))
        shop.buy(("WIDGET", 1))
        assert self.announced(shop) == [("stock.low", 5)]
        shop.buy(("WIDGET", 4))
        assert self.announced(shop) == [("stock.low", 5), ("stock.depleted", 0)]

    def test_an_event_carries_its_figures_and_who_caused_it(self, shop: Shop) -> None:
        shop.set("WIDGET", 10, low_stock_threshold=5)
        buyer = Caller(name="buyer", scopes=ALL_SCOPES, request_id="request-9")
        shop.of(buyer).buy(("WIDGET", 6))
        assert self.stock_events(shop.storage, "WIDGET") == [StockEvent("stock.low", 4, 5, "buyer", "request-9")]

    def test_one_call_announces_the_state_it_leaves_in_the_name_of_the_last(self, shop: Shop) -> None:
        shop.set("WIDGET", 10, low_stock_threshold=5)
        shop.set("OTHER", 10, low_stock_threshold=5)
        first, last = (shop.of(Caller(name=name, scopes=ALL_SCOPES)) for name in ("first", "last"))
        shop.place(first.order(("WIDGET", 6), ("OTHER", 6)), last.order(("WIDGET", 4)), last.order(("OTHER", 9)))
        assert self.stock_events(shop.storage, "WIDGET") == [StockEvent("stock.depleted", 0, 5, "last", None)]
        assert self.stock_events(shop.storage, "OTHER") == [StockEvent("stock.low", 4, 5, "first", None)]

    def test_all_locations_count_together(self, shop: Shop) -> None:
        shop.set("WIDGET", 3, low_stock_threshold=2)
        shop.set("WIDGET", 3, location="north")
        shop.buy(("WIDGET", 3))
        assert self.announced(shop) == []
        shop.buy(("WIDGET", 1))
        assert self.announced(shop) == [("stock.low", 2)]

    def test_a_product_without_a_threshold_is_depleted_and_replenished(self, shop: Shop) -> None:
        shop.set("WIDGET", 2)
        order = shop.buy(("WIDGET", 2))
        shop.move(order.id, OrderStatus.CANCELLED)
        assert self.announced(shop) == [("stock.depleted", 0), ("stock.replenished", 2)]

    def test_a_move_that_gives_units_back_announces_it_and_shipping_does_not(self, shop: Shop) -> None:
        shop.set("WIDGET", 10, low_stock_threshold=5)
        order = shop.buy(("WIDGET", 10))
        shop.move(order.id, OrderStatus.SHIPPED)
        assert self.announced(shop) == [("stock.depleted", 0)]
        shop.of(Caller(name="returns", scopes=ALL_SCOPES)).move(order.id, OrderStatus.RETURNED)
        assert self.stock_events(shop.storage, "WIDGET")[1:] == [
            StockEvent("stock.replenished", 10, 5, "returns", None)
        ]

    def test_changes_of_the_count_announce_what_they_cross(self, shop: Shop) -> None:
        shop.set("WIDGET", 10, low_stock_threshold=5)
        shop.adjust("WIDGET", -10)
        shop.receive("WIDGET", 5)
        shop.receive("WIDGET", 1)
        shop.set("WIDGET", 5)
        crossings = [("stock.depleted", 0), ("stock.low", 5), ("stock.replenished", 6), ("stock.low", 5)]
        assert self.announced(shop) == crossings
        assert self.stock_events(shop.storage, "WIDGET")[0].actor == CLERK.name

    def test_the_first_stock_of_a_new_product_is_no_news(self, shop: Shop) -> None:
        shop.set("WIDGET", 3, low_stock_threshold=5)
        shop.set("OTHER", 0)
        assert self.announced(shop) + self.announced(shop, "OTHER") == []

    def test_a_threshold_that_passes_the_stock_is_news_and_any_other_is_not(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        shop.set("WIDGET", low_stock_threshold=2)
        assert self.announced(shop) == []
        raiser = Caller(name="raiser", scopes=ALL_SCOPES, request_id="request-5")
        shop.of(raiser).set("WIDGET", low_stock_threshold=3)
        assert self.stock_events(shop.storage, "WIDGET") == [StockEvent("stock.low", 3, 3, "raiser", "request-5")]
        shop.set("WIDGET", low_stock_threshold=5, name="Widget")
        shop.set("WIDGET", low_stock_threshold=5)
        assert self.announced(shop) == [("stock.low", 3)]
        shop.set("WIDGET", low_stock_threshold=None)
        assert self.announced(shop) == [("stock.low", 3), ("stock.replenished", 3)]

    def test_a_threshold_of_what_is_depleted_is_no_news(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        shop.buy(("WIDGET", 3))
        shop.set("WIDGET", low_stock_threshold=5)
        assert self.announced(shop) == [("stock.depleted", 0)]

    def test_a_threshold_counts_what_is_left_over_all_locations(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        shop.set("WIDGET", 3, location="north")
        shop.buy(("WIDGET", 1))
        shop.set("WIDGET", low_stock_threshold=5)
        assert self.announced(shop) == [("stock.low", 5)]

    def test_a_count_and_a_threshold_set_together_are_one_change(self, shop: Shop) -> None:
        shop.set("WIDGET", 3, low_stock_threshold=5)
        shop.set("WIDGET", 4, low_stock_threshold=2)
        assert self.announced(shop) == [("stock.replenished", 4)]
        shop.set("WIDGET", 8, low_stock_threshold=9)
        assert self.announced(shop)[1:] == [("stock.low", 8)]
        shop.set("WIDGET", 12, low_stock_threshold=13)
        assert self.announced(shop)[2:] == []
        shop.set("WIDGET", 12, low_stock_threshold=10)
        assert self.announced(shop)[2:] == [("stock.replenished", 12)]

    def test_a_refused_order_announces_nothing(self, shop: Shop) -> None:
        shop.set("WIDGET", 6, low_stock_threshold=5)
        shop.place(shop.order(("WIDGET", 7)))
        assert self.announced(shop) == []
