"""How much one settlement takes, and that a fault in it leaves everything as it was."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from oms_contracts.storage_contract.settling import NOTHING, statuses
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.limits import ORDER_LINES_MAX, TRANSACTION_LINES_MAX, TRANSACTION_ORDERS_MAX
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.placement import PlacementView, Reserve, Verdict
from oms_core.domain.orders.queueing import QueuedOrder
from oms_core.domain.orders.unpromised import Allocation
from oms_core.errors import OmsError


def queue_up_lines(shop: Shop, lines: int) -> Order:
    """Queue an order of so many lines."""
    return shop.queue_up(*[("WIDGET", 1)] * lines)


class SettlingBoundPromises:
    """Settling much at once, and settling that fails."""

    def test_one_call_settles_five_hundred_orders(self, shop: Shop) -> None:
        shop.set("HOT", TRANSACTION_ORDERS_MAX - 1)
        for number in range(10):
            shop.set(f"SKU-{number}", 1_000)
        placements = [shop.order(("HOT", 1), (f"SKU-{n % 10}", 2)) for n in range(TRANSACTION_ORDERS_MAX)]
        shop.accept(*placements)
        ids = [placement.id for placement in placements]
        settlement = shop.settle(*ids)
        ended = [settlement.statuses[each].value for each in ids]
        assert ended == ["pending"] * (TRANSACTION_ORDERS_MAX - 1) + ["rejected"]
        assert shop.product("HOT").available == 0
        assert not shop.audit().discrepancies

    def test_what_a_transaction_has_no_room_for_is_left(self, shop: Shop) -> None:
        shop.set("WIDGET", 100_000)
        sizes = [ORDER_LINES_MAX, ORDER_LINES_MAX, TRANSACTION_LINES_MAX - 2 * ORDER_LINES_MAX, 1]
        orders = [queue_up_lines(shop, lines) for lines in sizes]
        first = shop.settle(*(order.id for order in orders))
        assert statuses(first, *orders[:3]) == ["pending"] * 3
        assert first.left == (orders[3].id,)
        second = shop.settle(*first.left)
        assert (statuses(second, orders[3]), second.left) == (["pending"], ())
        assert shop.levels("WIDGET") == {"main": (100_000, sum(sizes))}

    def test_four_orders_of_two_thousand_lines_are_two_transactions(self, shop: Shop) -> None:
        shop.set("WIDGET", 100_000)
        orders = [queue_up_lines(shop, ORDER_LINES_MAX) for _ in range(4)]
        first = shop.settle(*(order.id for order in orders))
        second = shop.settle(*first.left)
        assert statuses(first, *orders[:2]) == statuses(second, *orders[2:]) == ["pending"] * 2
        assert second.left == ()
        assert not shop.audit().discrepancies

    def test_an_order_that_is_left_waits_as_before(self, shop: Shop) -> None:
        shop.set("WIDGET", 100_000)
        orders = [queue_up_lines(shop, ORDER_LINES_MAX) for _ in range(3)]
        assert shop.settle(*(order.id for order in orders)).left == (orders[2].id,)
        assert shop.get(orders[2].id) == orders[2]
        assert shop.sweep() == [orders[2].id]

    def test_what_the_decision_on_settling_raises_passes_through_and_writes_nothing(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        orders = [shop.queue_up(("WIDGET", 1)) for _ in range(2)]
        before = shop.everything()

        def fail() -> None:
            raise ZeroDivisionError("a bug")

        with pytest.raises(ZeroDivisionError):
            shop.settle_deciding(shop.deciding_after(fail), *(order.id for order in orders))
        assert shop.everything() == before
        assert statuses(shop.settle(*(order.id for order in orders)), *orders) == ["pending"] * 2

    @pytest.mark.parametrize(
        ("location", "quantity"),
        [("main", 4), ("nowhere", 1), ("main", 2**63)],
        ids=["too many", "no level", "beyond 64 bits"],
    )
    def test_a_settlement_that_cannot_be_written_is_not_written_at_all(
        self, shop: Shop, location: str, quantity: int
    ) -> None:
        shop.set("WIDGET", 3)
        orders = [shop.queue_up(("WIDGET", 1)) for _ in range(3)]
        ids = [order.id for order in orders]
        shop.storage.queue.claim(ids, lease_seconds=0)
        before = shop.everything()
        oversold = Reserve((Allocation(1, "WIDGET", location, quantity),))

        def decide(orders: Sequence[QueuedOrder], view: PlacementView) -> list[Verdict]:
            return [*shop.decide(orders, view)[:-1], oversold]

        with pytest.raises(OmsError) as caught:
            shop.settle_deciding(decide, *ids, claimed=ids)
        assert caught.value.code == "internal_error"
        assert shop.everything() == before
        assert statuses(shop.settle(*ids), *orders) == ["pending"] * 3
        assert shop.settle(*ids) == NOTHING
