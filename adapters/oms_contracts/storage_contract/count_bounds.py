"""No movement takes a count above its bound: it is refused by the decision, on every storage in the same words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from oms_contracts.storage_contract.importing import apply
from oms_contracts.storage_contract.shop import CLERK, Shop
from oms_core.domain.commands import ChangeOrderStatus
from oms_core.domain.import_commands import ImportMode
from oms_core.domain.limits import COUNT_MAX
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.order_changes import OrderChange
from oms_core.domain.orders.shipments import Standing
from oms_core.domain.orders.status_changes import decide_status_change
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.import_decisions import RefusalCode, StockEntry
from oms_core.errors import OmsError


class CountBoundPromises:
    """Counts at a million million."""

    def test_nothing_raises_a_count_above_a_million_million(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        order = shop.buy(("WIDGET", 1), ("WIDGET", 1))
        shop.move(order.id, OrderStatus.SHIPPED)
        shop.set("WIDGET", COUNT_MAX - 1)
        before = shop.everything()
        with pytest.raises(OmsError) as full:
            shop.move(order.id, OrderStatus.RETURNED)
        figures = {"sku": "WIDGET", "location": "main", "on_hand": COUNT_MAX + 1, "on_hand_max": COUNT_MAX}
        assert (full.value.code, full.value.data) == ("stock_limit", figures)
        works: dict[str, Callable[[], object]] = {
            "/delta": lambda: shop.adjust("WIDGET", 2),
            "/quantity": lambda: shop.receive("WIDGET", 2),
        }
        for pointer, work in works.items():
            with pytest.raises(OmsError) as caught:
                work()
            assert [(found.pointer, found.code) for found in caught.value.errors] == [(pointer, "out_of_range")]
            assert str(COUNT_MAX + 1) in str(caught.value.errors[0].detail)
        assert shop.everything() == before
        shop.adjust("WIDGET", -1)
        shop.move(order.id, OrderStatus.RETURNED)
        assert shop.levels("WIDGET") == {"main": (COUNT_MAX, 0)}
        assert not shop.audit().discrepancies

    @pytest.mark.parametrize("mode", ImportMode)
    def test_an_import_raises_no_count_above_a_million_million_either(self, shop: Shop, mode: ImportMode) -> None:
        shop.set("WIDGET", 1)
        entry = StockEntry("WIDGET", "main", COUNT_MAX + 1, None, None, None, 1)
        result = apply(shop, mode, entry)
        assert [refused.code for refused in result.refusals] == [RefusalCode.OUT_OF_RANGE]
        assert shop.levels("WIDGET") == {"main": (1, 0)}

    def test_a_decision_above_a_million_million_is_a_defect_of_the_decision(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        order = shop.buy(("WIDGET", 2))
        shop.move(order.id, OrderStatus.SHIPPED)
        shop.set("WIDGET", COUNT_MAX)
        before, seen = shop.everything(), list[int | None]()

        def decide(order: Order, standing: Standing) -> OrderChange | None:
            seen.append(standing.counts.get(("WIDGET", "main")))
            blind = replace(standing, counts={})
            command = ChangeOrderStatus(order_id=order.id, status=OrderStatus.RETURNED)
            return decide_status_change(order, blind, command, CLERK)

        with pytest.raises(OmsError) as caught:
            shop.storage.orders.change(order.id, owner=None, caller=CLERK, now=shop.clock.now(), decide=decide)
        assert caught.value.code == "internal_error"
        assert seen[-1] == COUNT_MAX
        assert shop.everything() == before
