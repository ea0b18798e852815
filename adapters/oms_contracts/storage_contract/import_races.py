"""Imports beside everybody else: nobody is sold what a count took away, and creators do not collide."""

from __future__ import annotations

from collections import Counter
from functools import partial

from oms_contracts.concurrency import run_together
from oms_contracts.storage_contract.importing import ADJUST, SET, apply, apply_batch, batch_of, counts, entry, key_of
from oms_contracts.storage_contract.order_races import ROUNDS, THREADS, attempt, buyers
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.stock.import_decisions import BatchResult
from oms_core.ports.import_storage import ImportState

TURNS = 3
SKUS = [f"SKU-{number:02}" for number in range(20)]


class ImportRacePromises:
    """Races of imports."""

    def test_counts_and_sales_at_once_leave_the_books_right(self, shop: Shop, rival_shop: Shop) -> None:
        apply(shop, SET, *(entry(sku, 20) for sku in SKUS))

        def count(hand: Shop) -> None:
            for turn in range(ROUNDS):
                apply(hand, SET, *(entry(sku, 20 + turn) for sku in SKUS))

        def buy(hand: Shop) -> None:
            for _ in range(ROUNDS):
                hand.place(hand.order(*((sku, 1) for sku in reversed(SKUS))))

        hands = buyers(shop, rival_shop)
        run_together([partial(count if number % 4 == 0 else buy, hand) for number, hand in enumerate(hands)])
        assert sum(shop.product(sku).reserved for sku in SKUS) > 0
        assert not shop.audit().discrepancies

    def test_importers_and_single_creators_of_the_same_products_do_not_collide(
        self, shop: Shop, rival_shop: Shop
    ) -> None:
        for turn in range(TURNS):
            skus = [f"{sku}-{turn}" for sku in SKUS]

            def work(hand: Shop, number: int, skus: list[str] = skus) -> str:
                if number % 2:
                    return attempt(lambda: [hand.set(sku, 7, location="west") for sku in reversed(skus)])
                entries = [entry(sku, 7, place, name="ours") for sku in skus for place in ("east", "main")]
                return attempt(lambda: apply(hand, SET, *entries))

            hands = buyers(shop, rival_shop)
            assert Counter(run_together([partial(work, hand, number) for number, hand in enumerate(hands)])) == {
                "done": THREADS
            }
            assert {shop.product(sku).version for sku in skus} == {3}
            assert {shop.product(sku).name for sku in skus} == {"ours"}
        assert not shop.audit().discrepancies

    def test_one_key_on_sixteen_threads_is_one_import(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("A", 10)
        batch, key = batch_of(ADJUST, entry("A", 5), entry("B", 1)), key_of()

        def work(hand: Shop) -> BatchResult:
            return apply_batch(hand, batch, key, ImportState())

        results = run_together([partial(work, hand) for hand in buyers(shop, rival_shop)])
        assert {counts(result) for result in results} == {(1, 0, 1)}
        assert len(set(results)) == 1
        assert shop.levels("A") == {"main": (15, 0)}
