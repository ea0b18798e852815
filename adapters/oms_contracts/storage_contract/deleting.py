"""What `StockStorage.delete` promises: a product that was never used goes, and any other stays as it is."""

from __future__ import annotations

from typing import Any

import pytest

from oms_contracts.storage_contract.lossy_shop import LossyShop
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.preconditions import Precondition
from oms_core.errors import OmsError


def refusal(shop: Shop, sku: str, precondition: Precondition | None = None) -> str:
    """Delete a product that must stay; give the code of the error."""
    before = shop.everything()
    with pytest.raises(OmsError) as caught:
        shop.delete(sku, **({} if precondition is None else {"precondition": precondition}))
    assert shop.everything() == before
    return caught.value.code


class DeletionPromises:
    """Products that go, and products that stay."""

    @pytest.mark.parametrize("given", [{}, {"on_hand": 0}, {"name": "Wigdet", "low_stock_threshold": 5}])
    def test_a_product_that_was_never_used_is_deleted(self, shop: Shop, given: dict[str, Any]) -> None:
        shop.set("OTHER", 1)
        kept = shop.everything()
        shop.set("WIGDET", **given)
        shop.delete("WIGDET")
        assert shop.everything() == kept
        assert refusal(shop, "WIGDET") == "sku_not_found"

    def test_a_product_that_has_moved_stays_also_when_nothing_is_left(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        shop.set("WIDGET", 0)
        assert refusal(shop, "WIDGET") == "product_in_use"

    def test_a_product_that_an_order_names_stays(self, shop: Shop) -> None:
        shop.set("WIDGET", 0)
        order = shop.queue_up(("WIDGET", 1))
        assert refusal(shop, "WIDGET") == "product_in_use"
        shop.move(order.id, OrderStatus.CANCELLED)
        assert refusal(shop, "WIDGET") == "product_in_use"

    def test_a_product_that_was_deleted_can_be_made_again(self, shop: Shop) -> None:
        shop.set("WIDGET", 0, name="first")
        shop.delete("WIDGET")
        changed = shop.set("WIDGET", 5)
        assert (changed.before, changed.product.name, shop.levels("WIDGET")) == (None, "", {"main": (5, 0)})
        assert not shop.audit().discrepancies

    def test_a_product_at_another_revision_stays(self, shop: Shop) -> None:
        read = shop.set("WIDGET", name="first").product
        shop.set("WIDGET", name="second")
        assert refusal(shop, "WIDGET", Precondition(one_of=frozenset({read.revision}))) == "version_mismatch"
        shop.delete("WIDGET", precondition=Precondition(one_of=frozenset({shop.product("WIDGET").revision})))

    def test_a_deletion_whose_commit_was_lost_is_not_told_as_missing(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 0)
        lossy_shop.losing(lambda: ours.delete("WIDGET"), lambda: rival.set("WIDGET", 7))
        assert ours.levels("WIDGET") == {"main": (7, 0)}
