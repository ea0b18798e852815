"""What a storage promises of orders that say where they are to be served from."""

from __future__ import annotations

import pytest

from oms_contracts.storage_contract.allocating import served
from oms_contracts.storage_contract.changing import change
from oms_contracts.storage_contract.shop import Shop, refused
from oms_core.domain.orders.placement import Placed


def stocked(shop: Shop, on_hand: int = 5) -> None:
    """Put units of A at main, east and north."""
    for location in ("main", "east", "north"):
        shop.set("A", on_hand, location=location)


class ServedFromPromises:
    """Orders with locations of their own."""

    @pytest.mark.parametrize("on_hand", [5, 5_000])
    def test_an_order_is_served_from_the_locations_that_it_names_in_its_order(self, shop: Shop, on_hand: int) -> None:
        stocked(shop, on_hand)
        order = shop.buy(("A", on_hand + 2), locations=("north", "east"))
        assert order.locations == ("north", "east")
        assert shop.get(order.id) == order
        assert served(shop, order) == [[(1, "east", 2, 0, 0), (1, "north", on_hand, 0, 0)]]
        assert shop.levels("A")["main"] == (on_hand, 0)
        assert not shop.audit().discrepancies

    def test_what_lies_elsewhere_does_not_count(self, shop: Shop) -> None:
        stocked(shop)
        before = shop.everything()
        for locations, available in ((("east",), 5), (("nowhere",), 0), (("nowhere", "north"), 5)):
            error = refused(shop.place(shop.order(("A", 6), locations=locations))[0])
            short = {"sku": "A", "requested": 6, "available": available}
            assert (error.code, error.data) == ("insufficient_inventory", {"shortages": [short]})
        assert shop.everything() == before

    def test_orders_of_a_batch_see_what_others_have_taken_wherever_they_are_served_from(self, shop: Shop) -> None:
        stocked(shop)
        wanted = [(("east",), 4), (None, 7), (("east", "north"), 3), (("east", "north"), 2), (None, 1)]
        outcomes = shop.place(*(shop.order(("A", units), locations=locations) for locations, units in wanted))
        assert [isinstance(each, Placed) for each in outcomes] == [True, True, True, False, True]
        assert shop.levels("A") == {"main": (5, 5), "east": (5, 5), "north": (5, 5)}
        assert not shop.audit().discrepancies

    @pytest.mark.parametrize("seconds", [None, 900])
    def test_an_order_that_is_placed_later_keeps_its_locations(self, shop: Shop, seconds: int | None) -> None:
        stocked(shop)
        prepared = shop.order(("A", 6), locations=["north", "east"])
        if seconds is not None:
            prepared = shop.order_to_hold(("A", 6), seconds=seconds, locations=["north", "east"])
        other = shop.queue_up(("A", 1))
        (outcome,) = shop.accept(prepared)
        assert isinstance(outcome, Placed)
        assert outcome.order.locations == ("north", "east")
        shop.settle(other.id, outcome.order.id)
        assert served(shop, outcome.order) == [[(1, "east", 1, 0, 0), (1, "north", 5, 0, 0)]]
        assert shop.get(outcome.order.id).locations == ("north", "east")
        assert not shop.audit().discrepancies

    def test_a_held_order_keeps_its_locations(self, shop: Shop) -> None:
        stocked(shop)
        order = shop.hold(("A", 2), locations=("north",))
        assert (order.locations, shop.get(order.id)) == (("north",), order)
        assert served(shop, order) == [[(1, "north", 2, 0, 0)]]

    def test_a_change_is_served_from_the_same_locations(self, shop: Shop) -> None:
        stocked(shop)
        order = shop.buy(("A", 6), locations=("north", "east"))
        change(shop, order.id, (1, 9))
        assert served(shop, order) == [[(1, "east", 4, 0, 0), (1, "north", 5, 0, 0)]]
        change(shop, order.id, (1, 3))
        assert served(shop, order) == [[(1, "north", 3, 0, 0)]]
        assert shop.levels("A")["main"] == (5, 0)
