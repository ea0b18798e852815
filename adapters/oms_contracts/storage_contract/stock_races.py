"""Changes of stock at once: none is lost, none is made twice, and an expected count is replaced by one only."""

from __future__ import annotations

from collections import Counter
from functools import partial

from oms_contracts.concurrency import run_together
from oms_contracts.storage_contract.order_races import ROUNDS, THREADS, attempt, buyers
from oms_contracts.storage_contract.shop import Shop


class StockRacePromises:
    """Races over stock."""

    def test_adjustments_at_once_add_up(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 1_000)

        def adjust(hand: Shop, delta: int) -> None:
            for _ in range(ROUNDS):
                hand.adjust("WIDGET", delta)

        hands = buyers(shop, rival_shop)
        run_together([partial(adjust, hand, delta) for hand, delta in zip(hands, [3, -2] * 8, strict=True)])
        product = shop.product("WIDGET")
        assert (product.on_hand, product.version) == (1_000 + 8 * ROUNDS, 1 + THREADS * ROUNDS)
        assert len(shop.movements("WIDGET")) == 1 + THREADS * ROUNDS
        assert not shop.audit().discrepancies

    def test_what_is_taken_away_at_once_stops_at_what_is_reserved(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 13)
        shop.buy(("WIDGET", 3))
        works = [partial(attempt, partial(hand.adjust, "WIDGET", -1)) for hand in buyers(shop, rival_shop)]
        assert Counter(run_together(works)) == {"done": 10, "stock_below_reserved": THREADS - 10}
        assert shop.levels("WIDGET") == {"main": (3, 3)}

    def test_an_expected_count_is_replaced_by_one(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 5)
        works = [
            partial(attempt, partial(hand.set, "WIDGET", count, expected_on_hand=5))
            for count, hand in enumerate(buyers(shop, rival_shop), start=100)
        ]
        assert Counter(run_together(works)) == {"done": 1, "stock_count_mismatch": THREADS - 1}
        assert len(shop.movements("WIDGET")) == 2

    def test_sixteen_creators_of_a_product_do_not_collide(self, shop: Shop, rival_shop: Shop) -> None:
        for number in range(ROUNDS):
            sku = f"SKU-{number}"
            works = [partial(hand.set, sku, 7) for hand in buyers(shop, rival_shop)]
            assert Counter(made.before is None for made in run_together(works)) == {True: 1, False: THREADS - 1}
            assert shop.ledger(sku) == [("count", "main", 7, 0)]
            assert shop.product(sku).version == 1

    def test_creators_of_levels_do_not_collide(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", name="A widget")
        works = [
            partial(hand.receive, "WIDGET", 1, location=f"shelf-{number % 4}")
            for number, hand in enumerate(buyers(shop, rival_shop))
        ]
        run_together(works)
        assert shop.levels("WIDGET") == {f"shelf-{number}": (4, 0) for number in range(4)}
        assert not shop.audit().discrepancies

    def test_one_key_on_sixteen_threads_is_one_change(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 10)
        works = [partial(hand.receive, "WIDGET", 5, idempotency_key="K") for hand in buyers(shop, rival_shop)]
        assert Counter(made.replayed for made in run_together(works)) == {False: 1, True: THREADS - 1}
        assert shop.levels("WIDGET") == {"main": (15, 0)}
