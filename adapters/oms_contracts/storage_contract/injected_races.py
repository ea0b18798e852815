"""Races without luck: a rival is let in while the decision is being made, between reading and writing.

A storage that locks keeps the rival waiting; one that does not has to notice. The outcome is as if one had come first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from oms_contracts.concurrency import Rival
from oms_contracts.storage_contract.order_races import attempt
from oms_contracts.storage_contract.shop import CLERK, Shop, placed
from oms_core.domain.commands import ChangeOrderStatus, SetStock
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.order_changes import OrderChange
from oms_core.domain.orders.placement import Placed, Placement, PlacementOutcome, PlacementView, Refused, Verdict
from oms_core.domain.orders.shipments import Standing
from oms_core.domain.orders.status_changes import decide_status_change
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.changes import ProductChange, decide_set
from oms_core.domain.stock.products import Product


def set_while(shop: Shop, command: SetStock, step: Callable[[], None]) -> Product:
    """Set stock, with a step between the decision and what it writes."""

    def decide(product: Product | None) -> ProductChange | None:
        change = decide_set(product, command, "main")
        step()
        return change

    key = IdempotencyKey(actor=CLERK.name, key=f"once:{shop.clock.random_bits(64)}", act="set", fingerprint=None)
    return shop.storage.stock.change(command.sku, key=key, caller=CLERK, now=shop.clock.now(), decide=decide)[0]


def move_while(shop: Shop, order: Order, status: OrderStatus, step: Callable[[], None]) -> Order:
    """Move an order, with a step between the decision and what it writes."""
    command = ChangeOrderStatus(order_id=order.id, status=status)

    def decide(order: Order, standing: Standing) -> OrderChange | None:
        change = decide_status_change(order, standing, command, CLERK)
        step()
        return change

    return shop.storage.orders.change(order.id, owner=None, caller=CLERK, now=shop.clock.now(), decide=decide)


def sold(outcomes: Sequence[PlacementOutcome]) -> list[int]:
    """Return the units that each outcome sold."""
    return [sum(line.quantity for line in one.order.lines) if isinstance(one, Placed) else 0 for one in outcomes]


class InjectedRacePromises:
    """Races with the rival at a named point."""

    @pytest.mark.parametrize("units", [1, 3])
    def test_a_rival_who_buys_the_last_units_meanwhile_is_not_sold_them_again(
        self, shop: Shop, rival_shop: Shop, units: int
    ) -> None:
        shop.set("WIDGET", units)
        rival = Rival(lambda: rival_shop.place(rival_shop.order(("WIDGET", units)))[0])
        ours = shop.place_deciding(shop.deciding_after(rival.let_in), shop.order(("WIDGET", units)))[0]
        assert sorted(sold([ours, rival.outcome()])) == [0, units]
        (refusal,) = (one.error for one in (ours, rival.outcome()) if isinstance(one, Refused))
        assert refusal.data == {"shortages": [{"sku": "WIDGET", "requested": units, "available": 0}]}
        assert shop.levels("WIDGET") == {"main": (units, units)}
        assert not shop.audit().discrepancies

    def test_the_last_decision_is_what_was_written(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 5)
        rival = Rival(lambda: rival_shop.place(rival_shop.order(("WIDGET", 3)))[0])
        decisions: list[list[Verdict]] = []

        def decide(placements: Sequence[Placement], view: PlacementView) -> list[Verdict]:
            decisions.append(shop.decide(placements, view))
            rival.let_in()
            return decisions[-1]

        outcomes = shop.place_deciding(decide, *(shop.order(("WIDGET", quantity)) for quantity in (2, 2, 1)))
        written = [type(outcome).__name__.replace("Placed", "Reserve") for outcome in outcomes]
        assert written == [type(verdict).__name__.replace("Refuse", "Refused") for verdict in decisions[-1]]
        assert sum(sold([*outcomes, rival.outcome()])) == 5
        assert shop.levels("WIDGET") == {"main": (5, 5)}

    def test_a_rival_who_takes_the_key_meanwhile_has_placed_the_order(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 10)
        rival = Rival(lambda: rival_shop.place(rival_shop.order(("WIDGET", 2), idempotency_key="K"))[0])
        order = shop.order(("WIDGET", 2), idempotency_key="K")
        ours = shop.place_deciding(shop.deciding_after(rival.let_in), order)[0]
        assert placed(ours).order == placed(rival.outcome()).order
        assert sorted([placed(ours).replayed, placed(rival.outcome()).replayed]) == [False, True]
        assert shop.levels("WIDGET") == {"main": (10, 2)}

    def test_a_rival_who_moves_units_elsewhere_meanwhile_is_noticed(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 2)
        shop.set("WIDGET", 2, location="north")
        rival = Rival(lambda: attempt(lambda: rival_shop.set("WIDGET", 0)))
        ours = shop.place_deciding(shop.deciding_after(rival.let_in), shop.order(("WIDGET", 2)))[0]
        emptied = {"done": {"main": (0, 0), "north": (2, 2)}, "stock_below_reserved": {"main": (2, 2), "north": (2, 0)}}
        assert sold([ours]) == [2]
        assert shop.levels("WIDGET") == emptied[rival.outcome()]
        assert not shop.audit().discrepancies

    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            (OrderStatus.SHIPPED, OrderStatus.CANCELLED),
            (OrderStatus.CANCELLED, OrderStatus.SHIPPED),
        ],
    )
    def test_a_rival_who_moves_the_order_meanwhile_waits_or_comes_first(
        self, shop: Shop, rival_shop: Shop, ours: OrderStatus, theirs: OrderStatus
    ) -> None:
        shop.set("WIDGET", 4)
        order = shop.buy(("WIDGET", 3))
        rival = Rival(lambda: attempt(lambda: rival_shop.move(order.id, theirs)))
        ended = [attempt(lambda: move_while(shop, order, ours, rival.let_in)), rival.outcome()]
        assert sorted(ended) == ["done", "invalid_transition"]
        assert shop.get(order.id).version == 2
        assert len(shop.moves(order.id)) == 2
        assert not shop.audit().discrepancies

    def test_a_rival_who_replaces_the_expected_count_meanwhile_is_not_overwritten(
        self, shop: Shop, rival_shop: Shop
    ) -> None:
        shop.set("WIDGET", 5)
        ours = SetStock(sku="WIDGET", on_hand=7, expected_on_hand=5)
        rival = Rival(lambda: attempt(lambda: rival_shop.set("WIDGET", 8, expected_on_hand=5)))
        ended = [attempt(lambda: set_while(shop, ours, rival.let_in)), rival.outcome()]
        assert sorted(ended) == ["done", "stock_count_mismatch"]
        assert len(shop.movements("WIDGET")) == 2
        assert not shop.audit().discrepancies

    def test_a_rival_who_creates_the_level_meanwhile_is_not_overwritten(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", name="A widget")
        ours = SetStock(sku="WIDGET", on_hand=7, expected_on_hand=0)
        rival = Rival(lambda: attempt(lambda: rival_shop.set("WIDGET", 8, expected_on_hand=0)))
        ended = [attempt(lambda: set_while(shop, ours, rival.let_in)), rival.outcome()]
        assert sorted(ended) == ["done", "stock_count_mismatch"]
        assert (len(shop.movements("WIDGET")), shop.product("WIDGET").version) == (1, 1)
        assert not shop.audit().discrepancies

    def test_a_rival_who_reserves_meanwhile_keeps_what_he_was_promised(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 5)
        rival = Rival(lambda: rival_shop.place(rival_shop.order(("WIDGET", 5)))[0])
        emptied = attempt(lambda: set_while(shop, SetStock(sku="WIDGET", on_hand=0), rival.let_in))
        outcomes = {"done": (0, (0, 0)), "stock_below_reserved": (5, (5, 5))}
        assert (sold([rival.outcome()])[0], shop.levels("WIDGET")["main"]) == outcomes[emptied]
        assert not shop.audit().discrepancies

    def test_a_rival_who_creates_the_product_meanwhile_does_not_collide(self, shop: Shop, rival_shop: Shop) -> None:
        rival = Rival(lambda: rival_shop.set("WIDGET", 3))
        set_while(shop, SetStock(sku="WIDGET", on_hand=5, name="ours"), rival.let_in)
        rival.outcome()
        assert shop.product("WIDGET").on_hand in {3, 5}
        assert shop.product("WIDGET").version == len(shop.movements("WIDGET")) == 2
        assert shop.product("WIDGET").name == "ours"
        assert not shop.audit().discrepancies
