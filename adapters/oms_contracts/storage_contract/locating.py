"""What a storage promises of locations: whether what they have is sold and shipped, and units that are kept back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from oms_contracts.concurrency import run_together
from oms_contracts.storage_contract.hooks import StorageHooks
from oms_contracts.storage_contract.lossy_shop import LossyShop
from oms_contracts.storage_contract.order_races import ROUNDS, attempt, buy_until_refused
from oms_contracts.storage_contract.shop import Shop, refused
from oms_core.domain.idempotency import own_key
from oms_core.domain.import_commands import ImportMode
from oms_core.domain.limits import COUNT_MAX
from oms_core.domain.orders.placement import Placed
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.import_decisions import StockEntry
from oms_core.domain.stock.locations import Location, LocationKind, SetLocation, decide_location
from oms_core.errors import OmsError
from oms_core.ports.import_storage import ImportBatch
from oms_core.use_cases.locations import Locations


def set_location(shop: Shop, name: str, **given: Any) -> Location:
    """Run `Locations.set` with the fields of SetLocation."""
    locations = Locations(storage=shop.storage, clock=shop.clock)
    return locations.set(SetLocation(name=name, **given), caller=shop.caller)


def figures(location: Location) -> tuple[str, str, bool, bool]:
    """Return name, kind, and whether it sells and ships."""
    return location.name, location.kind.value, location.sells, location.ships


def import_count(shop: Shop, sku: str, location: str, quantity: int) -> None:
    """Set a count as an import does."""
    entry = StockEntry(sku, location, quantity, None, None, None, 1)
    batch = ImportBatch(mode=ImportMode.SET, entries=[entry])
    key = own_key(shop.caller.name, "import", random_bits=shop.clock.random_bits(64))
    shop.storage.imports.apply_once(batch, key=key, caller=shop.caller, now=shop.clock.now())


def buy_some(shop: Shop, sku: str) -> None:
    """Try to buy a unit ten times."""
    for _ in range(10):
        shop.place(shop.order((sku, 1)))


class LocationPromises(StorageHooks):
    """Locations."""

    def test_every_location_of_stock_is_known(self, shop: Shop) -> None:
        shop.set("A", 1)
        shop.set("A", 0, location="north")
        shop.set("B", name="nowhere yet")
        import_count(shop, "A", "west", 3)
        set_location(shop, "yard", kind=LocationKind.QUARANTINE, note="behind the hall")
        assert [figures(each) for each in shop.storage.locations.find()] == [
            ("main", "stock", True, True),
            ("north", "stock", True, True),
            ("west", "stock", True, True),
            ("yard", "quarantine", False, False),
        ]
        assert shop.storage.locations.find()[-1].note == "behind the hall"

    def test_a_name_that_differs_in_case_or_width_only_is_refused(self, shop: Shop) -> None:
        shop.set("A", 1, location="East")
        before = shop.everything()
        for act in (
            lambda: shop.set("A", 1, location="east"),
            lambda: shop.set("B", 1, location="\uff25\uff21\uff33\uff34"),
            lambda: shop.receive("A", 1, location="EAST"),
            lambda: set_location(shop, "east"),
        ):
            with pytest.raises(OmsError) as caught:
                act()
            assert [(each.pointer, each.code) for each in caught.value.errors] == [("/location", "similar_location")]
        assert shop.everything() == before

    def test_what_does_not_sell_is_not_available(self, shop: Shop) -> None:
        shop.set("A", 5, low_stock_threshold=2)
        shop.set("A", 4, location="yard")
        changed = set_location(shop, "yard", sells=False)
        assert figures(changed) == ("yard", "stock", False, True)
        product = shop.product("A")
        assert (product.on_hand, product.available, product.unsellable) == (9, 5, 4)
        assert refused(shop.place(shop.order(("A", 6)))[0]).code == "insufficient_inventory"
        shop.buy(("A", 5))
        assert shop.levels("A") == {"main": (5, 5), "yard": (4, 0)}
        set_location(shop, "yard", sells=True)
        assert shop.product("A").available == 4
        assert [event.type for event in self.stock_events(shop.storage, "A")] == ["stock.depleted", "stock.replenished"]
        assert not shop.audit().discrepancies

    def test_a_product_is_depleted_when_the_last_location_that_has_it_sells_no_more(self, shop: Shop) -> None:
        shop.set("A", 5)
        version = shop.product("A").version
        for _ in range(2):
            set_location(shop, "main", sells=False)
        assert [(event.type, event.available) for event in self.stock_events(shop.storage, "A")] == [
            ("stock.depleted", 0)
        ]
        assert shop.product("A").version == version + 1

    def test_levels_that_have_not_followed_their_location_are_found_and_follow_when_it_is_set_again(
        self, shop: Shop
    ) -> None:
        shop.set("A", 5, location="yard")
        shop.set("B", 5, location="yard", kept_back=2)
        now, closed = shop.clock.now(), SetLocation(name="yard", sells=False)
        key = own_key(shop.caller.name, "set_location", random_bits=shop.clock.random_bits(64))
        shop.storage.locations.set("yard", key=key, now=now, decide=lambda there: decide_location(there, closed, now))
        assert [each.subject for each in shop.audit().discrepancies] == ["A yard", "B yard"]
        set_location(shop, "yard", sells=False)
        assert not shop.audit().discrepancies

    def test_a_level_that_is_made_later_does_not_sell_either(self, shop: Shop) -> None:
        set_location(shop, "yard", kind=LocationKind.QUARANTINE)
        shop.set("A", 4, location="yard")
        shop.set("B", 0)
        shop.receive("B", 3, location="yard")
        import_count(shop, "C", "yard", 3)
        assert [shop.product(sku).available for sku in "ABC"] == [0, 0, 0]
        assert {level.withheld for level in shop.product("A").levels} == {COUNT_MAX}
        set_location(shop, "yard", kind=LocationKind.STOCK)
        assert [shop.product(sku).available for sku in "ABC"] == [4, 3, 3]
        assert not shop.audit().discrepancies

    def test_what_is_reserved_stays_reserved_and_is_not_shipped(self, shop: Shop) -> None:
        shop.set("A", 2, location="a-shop")
        shop.set("A", 9, location="north")
        order = shop.buy(("A", 3))
        set_location(shop, "a-shop", ships=False, sells=False)
        with pytest.raises(OmsError) as caught:
            shop.ship(order.id, location="a-shop")
        lines = [{"line_no": 1, "sku": "A", "location": "a-shop", "quantity": 2}]
        assert (caught.value.code, caught.value.data) == ("not_shippable", {"lines": lines})
        assert attempt(lambda: shop.move(order.id, OrderStatus.SHIPPED)) == "not_shippable"
        assert shop.ship(order.id).shipment.location == "north"
        assert attempt(lambda: shop.ship(order.id)) == "not_shippable"
        set_location(shop, "a-shop", ships=True)
        assert shop.ship(order.id).order.status is OrderStatus.SHIPPED
        assert not shop.audit().discrepancies

    def test_queued_orders_are_not_settled_from_where_nothing_sells(self, shop: Shop) -> None:
        shop.set("A", 5)
        shop.set("A", 5, location="north")
        first, second = shop.queue_up(("A", 3)), shop.queue_up(("A", 3))
        set_location(shop, "main", sells=False)
        settled = shop.settle(first.id, second.id).statuses
        assert [settled[each.id] for each in (first, second)] == [OrderStatus.PENDING, OrderStatus.REJECTED]
        assert shop.levels("A") == {"main": (5, 0), "north": (5, 3)}


class KeptBackPromises(StorageHooks):
    """Safety stock."""

    def test_units_that_are_kept_back_are_not_sold(self, shop: Shop) -> None:
        shop.set("A", 5, low_stock_threshold=1)
        kept = shop.set("A", kept_back=3)
        assert (kept.product.available, kept.product.unsellable, kept.product.version) == (2, 3, 2)
        assert kept.product.levels[0].kept_back == 3
        assert shop.set("A", kept_back=3).product.version == 2
        assert [isinstance(each, Placed) for each in buy_until_refused(shop, "A")] == [True, True, False]
        assert shop.levels("A") == {"main": (5, 2)}
        told = [(event.type, event.available) for event in self.stock_events(shop.storage, "A")]
        assert told == [("stock.low", 1), ("stock.depleted", 0)]
        assert shop.set("A", 6, kept_back=0).product.available == 4
        assert not shop.audit().discrepancies

    def test_a_level_that_is_made_to_keep_units_back_is_one_change(self, shop: Shop) -> None:
        shop.set("A", 5)
        assert shop.set("A", location="north", kept_back=2).product.version == 2
        assert shop.set("A", 4, location="north", kept_back=1).product.version == 3

    def test_more_may_be_kept_back_than_there_is(self, shop: Shop) -> None:
        shop.set("A", 2, kept_back=9)
        shop.set("A", 3, location="north")
        product = shop.product("A")
        assert (product.available, product.unsellable) == (3, 2)
        shop.buy(("A", 3))
        assert shop.levels("A") == {"main": (2, 0), "north": (3, 3)}
        shop.receive("A", 9)
        assert shop.product("A").available == 2

    def test_what_comes_back_fills_up_what_is_kept_back_first(self, shop: Shop) -> None:
        shop.set("A", 4, kept_back=3)
        order = shop.buy(("A", 1))
        shop.set("A", 2)
        assert shop.product("A").available == 0
        events = len(self.stock_events(shop.storage, "A"))
        shop.move(order.id, OrderStatus.CANCELLED)
        assert shop.product("A").available == 0
        assert len(self.stock_events(shop.storage, "A")) == events
        import_count(shop, "A", "main", 5)
        assert shop.product("A").available == 2
        assert self.stock_events(shop.storage, "A")[-1].available == 2

    def test_a_batch_takes_no_more_than_is_free(self, shop: Shop) -> None:
        shop.set("A", 100, kept_back=98)
        shop.set("A", 100, location="north", kept_back=99)
        outcomes = shop.place(*(shop.order(("A", 1)) for _ in range(5)))
        assert [isinstance(each, Placed) for each in outcomes] == [True] * 3 + [False] * 2
        assert shop.levels("A") == {"main": (100, 2), "north": (100, 1)}

    @pytest.mark.parametrize("accepted", [False, True], ids=["placed", "accepted"])
    def test_a_product_that_has_plenty_sells_beside_what_is_withheld(self, shop: Shop, accepted: bool) -> None:
        set_location(shop, "yard", sells=False)
        shop.set("A", 500, kept_back=3)
        shop.set("B", 500)
        shop.set("B", 500, location="yard")
        shop.set("C", 500, kept_back=3)
        shop.set("C", 500, location="north", kept_back=3)
        for _ in range(3):
            order = shop.order(("A", 1), ("B", 1), ("C", 1))
            if accepted:
                shop.accept(order)
                shop.settle(order.id)
            else:
                assert isinstance(shop.place(order)[0], Placed)
        assert [shop.product(sku).available for sku in "ABC"] == [494, 497, 991]


class LocationRacePromises:
    """Races over locations."""

    def test_nothing_is_sold_from_where_selling_was_ended(self, shop: Shop, rival_shop: Shop) -> None:
        for number in range(ROUNDS):
            sku = f"SKU-{number}"
            set_location(shop, "main", sells=True)
            shop.set(sku, 100)
            works: list[Callable[[], object]] = [
                partial(buy_some, shop, sku),
                partial(set_location, rival_shop, "main", sells=False),
            ]
            run_together(works)
            taken = shop.levels(sku)["main"][1]
            assert refused(shop.place(shop.order((sku, 1)))[0]).data["shortages"][0]["available"] == 0
            assert shop.levels(sku)["main"][1] == taken
        assert not shop.audit().discrepancies

    def test_the_last_free_units_are_sold_or_kept_back(self, shop: Shop, rival_shop: Shop) -> None:
        for number in range(ROUNDS):
            sku = f"SKU-{number}"
            shop.set(sku, 4)
            works: list[Callable[[], object]] = [
                partial(shop.place, shop.order((sku, 3))),
                partial(rival_shop.set, sku, kept_back=2),
            ]
            run_together(works)
            product = shop.product(sku)
            assert (product.reserved, product.available) in {(3, 0), (0, 2)}
        assert not shop.audit().discrepancies

    def test_of_two_names_alike_one_is_made(self, shop: Shop, rival_shop: Shop) -> None:
        for number in range(ROUNDS):
            works = [
                partial(attempt, partial(shop.set, "A", 1, location=f"Yard {number}")),
                partial(attempt, partial(rival_shop.set, "B", 1, location=f"YARD {number}")),
            ]
            assert sorted(run_together(works)) == ["done", "validation_error"]


class LostLocationCommitPromises:
    """Locations, with the answer to the COMMIT lost and a rival who acts before it is looked for."""

    def test_a_location_that_a_rival_has_set_since_is_as_he_has_it(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("A", 5)
        lossy_shop.losing(
            lambda: set_location(ours, "main", sells=False), lambda: set_location(rival, "main", note="told")
        )
        (location,) = ours.storage.locations.find()
        assert (location.sells, location.note) == (False, "told")
        assert ours.product("A").available == 0
