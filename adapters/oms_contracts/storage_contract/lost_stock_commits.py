"""Changes of stock whose COMMIT was lost while a rival changed it further: what the rival was told stays."""

from __future__ import annotations

from typing import Any

import pytest

from oms_contracts.storage_contract.importing import ADJUST, SET, apply, counts, entry, key_of
from oms_contracts.storage_contract.lossy_shop import LossyShop
from oms_core.errors import OmsError


class LostStockCommitPromises:
    """Counts, corrections, names and imports, with the answer to the COMMIT lost and a rival at work."""

    def test_what_a_rival_adds_to_a_count_stays(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 10)
        changed, _ = lossy_shop.losing(
            lambda: ours.set("WIDGET", 100, expected_on_hand=10), lambda: rival.receive("WIDGET", 5)
        )
        assert changed.before is not None
        assert (changed.before.on_hand, changed.product.on_hand, changed.replayed) == (10, 105, False)
        assert ours.levels("WIDGET") == {"main": (105, 0)}
        assert not ours.audit().discrepancies

    def test_a_correction_is_added_once_to_what_a_rival_counts(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 10)
        changed, _ = lossy_shop.losing(
            lambda: ours.adjust("WIDGET", 4, idempotency_key="K"), lambda: rival.set("WIDGET", 3)
        )
        assert (changed.product.on_hand, changed.replayed) == (3, False)
        assert len(ours.movements("WIDGET")) == 3

    @pytest.mark.parametrize(
        ("mine", "theirs"),
        [
            ({"name": "ours"}, {"name": "theirs"}),
            ({"name": "ours"}, {"name": "first"}),
            ({"low_stock_threshold": 5}, {"low_stock_threshold": 7}),
            ({"low_stock_threshold": None}, {"low_stock_threshold": 1}),
        ],
    )
    def test_what_a_rival_says_of_a_product_stays(
        self, lossy_shop: LossyShop, mine: dict[str, Any], theirs: dict[str, Any]
    ) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 10, name="first", low_stock_threshold=1)
        changed, _ = lossy_shop.losing(lambda: ours.set("WIDGET", **mine), lambda: rival.set("WIDGET", **theirs))
        product = ours.product("WIDGET")
        assert {field: getattr(product, field) for field in theirs} == theirs
        assert changed.product == product

    def test_units_that_a_rival_receives_at_a_new_level_stay(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 10)
        changed, _ = lossy_shop.losing(
            lambda: ours.set("WIDGET", 0, location="north"), lambda: rival.receive("WIDGET", 5, location="north")
        )
        assert changed.product.on_hand == 15
        assert ours.levels("WIDGET") == {"main": (10, 0), "north": (5, 0)}

    def test_a_product_that_a_rival_renames_since_was_created(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        changed, _ = lossy_shop.losing(
            lambda: ours.set("WIDGET", 3, name="ours"), lambda: rival.set("WIDGET", 4, name="theirs")
        )
        assert changed.before is None
        assert (changed.product.name, changed.product.on_hand) == ("theirs", 4)
        assert [row[2] for row in ours.ledger("WIDGET")] == [3, 1]

    def test_a_product_that_a_rival_deletes_since_was_created(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        changed, _ = lossy_shop.losing(lambda: ours.set("WIDGET", name="ours"), lambda: rival.delete("WIDGET"))
        assert (changed.before, changed.product.name) == (None, "ours")
        with pytest.raises(OmsError, match="sku_not_found"):
            ours.product("WIDGET")

    def test_what_a_rival_adds_to_an_imported_count_stays(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("A", 10)
        ours.set("C", 9)
        ours.storage.orders.place([ours.order(("C", 9))], ours.decide)
        entries = [entry("A", 100, rows=2), entry("B", 0, name="ours"), entry("C", 8)]

        def act() -> None:
            rival.adjust("A", 5)
            rival.receive("B", 7)

        result, _ = lossy_shop.losing(lambda: apply(ours, SET, *entries), act)
        assert counts(result) == (3, 0, 1)
        assert [refusal.sku for refusal in result.refusals] == ["C"]
        assert [ours.levels(sku)["main"] for sku in "ABC"] == [(105, 0), (7, 0), (9, 9)]
        assert not ours.audit().discrepancies

    def test_a_name_that_a_rival_gives_to_an_imported_product_stays(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("A", 10, name="first")
        result, _ = lossy_shop.losing(
            lambda: apply(ours, SET, entry("A", 10, name="ours")), lambda: rival.set("A", name="theirs")
        )
        assert counts(result) == (1, 0, 0)
        assert ours.product("A").name == "theirs"

    def test_differences_of_an_import_are_added_once_to_what_a_rival_counts(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("A", 10)
        result, _ = lossy_shop.losing(
            lambda: apply(ours, ADJUST, entry("A", 3), entry("B", 1), key=key_of()), lambda: rival.set("A", 50)
        )
        assert (counts(result), [refusal.sku for refusal in result.refusals]) == ((1, 0, 1), ["B"])
        assert ours.levels("A") == {"main": (50, 0)}
