"""What a storage promises of transfers: units change their location in one act, and none is reserved or lost by it."""

from __future__ import annotations

from functools import partial

import pytest

from oms_contracts.concurrency import run_together
from oms_contracts.storage_contract.lossy_shop import LossyShop
from oms_contracts.storage_contract.order_races import ROUNDS, attempt, buyers
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.limits import COUNT_MAX
from oms_core.domain.orders.order import Order
from oms_core.domain.stock.transfers import TransferStock
from oms_core.errors import OmsError
from oms_core.use_cases.stock import StockChanged

LEVELS = ("main", "north")


def transfer(shop: Shop, quantity: int, *, to: str = "north", key: str | None = None) -> StockChanged:
    """Move units of A between main and north."""
    source = "main" if to != "main" else "north"
    command = TransferStock(sku="A", quantity=quantity, from_location=source, to_location=to, idempotency_key=key)
    return shop.stock.transfer(command, caller=shop.caller)


class TransferPromises:
    """Transfers."""

    def test_units_are_moved_in_one_act(self, shop: Shop) -> None:
        shop.set("A", 5, low_stock_threshold=5)
        before = shop.product("A").version
        moved = transfer(shop, 2)
        assert shop.levels("A") == {"main": (3, 0), "north": (2, 0)}
        assert (moved.product, moved.product.available) == (shop.product("A"), 5)
        rows = [row.movement for row in shop.movements("A")[-2:]]
        assert [(row.kind.value, row.location, row.on_hand_delta, row.reserved_delta) for row in rows] == [
            ("transfer", "main", -2, 0),
            ("transfer", "north", 2, 0),
        ]
        assert rows[0].act_id is not None
        assert rows[0].act_id == rows[1].act_id
        assert moved.product.version == before + 2
        assert not shop.audit().discrepancies

    def test_units_that_are_reserved_stay(self, shop: Shop) -> None:
        shop.set("A", 5)
        shop.buy(("A", 3))
        before = shop.everything()
        with pytest.raises(OmsError) as caught:
            transfer(shop, 3)
        assert (caught.value.code, caught.value.data) == ("stock_below_reserved", {"on_hand": 2, "reserved": 3})
        assert attempt(lambda: transfer(shop, 1, to="main")) == "validation_error"  # There is none at north.
        assert shop.everything() == before
        assert transfer(shop, 2).product.available == 2

    def test_no_count_goes_above_its_bound(self, shop: Shop) -> None:
        shop.set("A", 5)
        shop.set("A", COUNT_MAX, location="north")
        before = shop.everything()
        with pytest.raises(OmsError) as caught:
            transfer(shop, 1)
        assert [(each.pointer, each.code) for each in caught.value.errors] == [("/quantity", "out_of_range")]
        assert shop.everything() == before

    def test_a_transfer_under_a_key_is_made_once(self, shop: Shop) -> None:
        shop.set("A", 5)
        assert [transfer(shop, 2, key="K").replayed for _ in range(2)] == [False, True]
        assert attempt(lambda: transfer(shop, 1, key="K")) == "idempotency_key_reused"
        assert shop.levels("A") == {"main": (3, 0), "north": (2, 0)}


class TransferRacePromises:
    """Races over transfers."""

    def test_transfers_that_cross_lose_nothing(self, shop: Shop, rival_shop: Shop) -> None:
        for location in LEVELS:
            shop.set("A", 100, location=location)
        works = [
            partial(transfer, hand, 1 + turn % 3, to=LEVELS[turn % 2])
            for turn, hand in enumerate(buyers(shop, rival_shop))
        ]
        run_together(works)
        assert shop.product("A").on_hand == 200
        assert not shop.audit().discrepancies

    def test_the_last_units_are_sold_or_moved(self, shop: Shop, rival_shop: Shop) -> None:
        for _ in range(ROUNDS):
            shop.set("A", 2)
            shop.set("A", 0, location="north")
            moved: list[str] = []
            bought: list[Order] = []
            run_together(
                [
                    lambda: moved.append(attempt(lambda: transfer(rival_shop, 2))),  # noqa: B023  At once.
                    lambda: bought.append(shop.buy(("A", 2))),  # noqa: B023
                ]
            )
            product = shop.product("A")
            assert (product.on_hand, product.reserved) == (2, 2)
            assert moved in (["done"], ["stock_below_reserved"])
            shop.ship(bought[0].id)
        assert not shop.audit().discrepancies

    def test_one_key_on_sixteen_threads_is_one_transfer(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("A", 50)
        made = run_together([partial(transfer, hand, 1, key="K") for hand in buyers(shop, rival_shop)])
        assert sum(not each.replayed for each in made) == 1
        assert shop.levels("A") == {"main": (49, 0), "north": (1, 0)}


class LostTransferCommitPromises:
    """Transfers, with the answer to the COMMIT lost and a rival who acts before it is looked for."""

    @pytest.mark.parametrize("key", [None, "K"])
    def test_a_transfer_that_a_rival_has_taken_back_since_was_made_once(
        self, lossy_shop: LossyShop, key: str | None
    ) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("A", 5)
        moved, _ = lossy_shop.losing(lambda: transfer(ours, 2, key=key), lambda: transfer(rival, 2, to="main"))
        assert (moved.replayed, ours.levels("A")) == (False, {"main": (5, 0), "north": (0, 0)})
        assert len(ours.movements("A")) == 5
        assert not ours.audit().discrepancies
