"""What `OrderStorage.place` promises: what an accepted order writes, and that a refused one writes nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from oms_contracts.storage_contract.shop import CLERK, Shop, placed, refused
from oms_core.domain.events import EventType
from oms_core.domain.limits import ORDER_LINES_MAX, TRANSACTION_ORDERS_MAX
from oms_core.domain.orders.new_orders import placed_order
from oms_core.domain.orders.order import PlacedLine
from oms_core.domain.orders.placement import EnteredAs, Placement, PlacementView, Reserve, Verdict
from oms_core.domain.orders.unpromised import Allocation
from oms_core.domain.stock.products import MovementKind
from oms_core.errors import OmsError


class PlacingPromises:
    """Placing, one order or many, where nobody interferes."""

    def test_an_order_reserves_what_it_takes(self, shop: Shop) -> None:
        before = shop.set("WIDGET", 10).product
        outcome = placed(shop.place(shop.order(("WIDGET", 3)))[0])
        product = shop.product("WIDGET")
        assert (outcome.replayed, outcome.entered_as) == (False, EnteredAs.PLACED)
        assert (product.on_hand, product.reserved, product.available) == (10, 3, 7)
        assert product.version == before.version + 1
        assert product.updated_at == outcome.order.created_at

    def test_an_order_is_kept_as_it_was_given(self, shop: Shop) -> None:
        shop.set("A", 10)
        shop.set("B", 10)
        placement = shop.order(
            ("A", 2, "0.0001"),
            ("B", 1),
            ("A", 1, "12.50"),
            customer_id="C-77",
            currency="CLF",
            reference="PO-1",
            metadata={"channel": "web", "note": ""},
        )
        outcome = placed(shop.place(placement)[0])
        assert outcome.order == placed_order(placement)
        assert shop.get(placement.id) == outcome.order
        assert outcome.order.lines[1] == PlacedLine(line_no=2, sku="B", quantity=1, unit_price=None)
        assert outcome.order.total is None

    def test_every_reservation_is_a_row_of_the_ledger(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        order = shop.buy(("WIDGET", 2), ("WIDGET", 1))
        first, second = shop.movements("WIDGET")[1:]
        assert (first.movement.kind, first.movement.on_hand_delta, first.movement.reserved_delta) == (
            MovementKind.RESERVE,
            0,
            2,
        )
        assert (first.movement.order_id, first.movement.line_no, second.movement.line_no) == (order.id, 1, 2)
        assert (first.movement.reason, first.movement.reference) == (None, None)
        assert (first.actor, first.created_at, second.created_at) == (CLERK.name, order.created_at, order.created_at)

    def test_placing_is_an_event_of_the_order(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        order = shop.buy(("WIDGET", 1))
        (entry,) = shop.events(order.id)
        assert (entry.event.type, entry.event.order_id, entry.event.order_version) == (
            EventType.ORDER_PLACED,
            order.id,
            1,
        )
        assert entry.event.data == {"from": None, "to": "pending", "reason": None}
        assert (entry.actor, entry.request_id, entry.created_at) == (CLERK.name, CLERK.request_id, order.created_at)

    def test_an_order_that_falls_short_is_refused_with_the_figures(self, shop: Shop) -> None:
        shop.set("WIDGET", 2)
        error = refused(shop.place(shop.order(("WIDGET", 3)))[0])
        assert error.code == "insufficient_inventory"
        assert error.data == {"shortages": [{"sku": "WIDGET", "requested": 3, "available": 2}]}

    def test_an_order_is_all_or_nothing(self, shop: Shop) -> None:
        shop.set("MANY", 100)
        shop.set("FEW", 1)
        before = shop.everything()
        assert refused(shop.place(shop.order(("MANY", 1), ("FEW", 2), ("MANY", 1)))[0]).code == "insufficient_inventory"
        assert shop.everything() == before

    def test_an_unknown_sku_is_refused_and_named(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        before = shop.everything()
        error = refused(shop.place(shop.order(("WIDGET", 1), ("widget", 1)))[0])
        assert error.code == "unknown_sku"
        assert [found.pointer for found in error.errors] == ["/lines/1/sku"]
        assert shop.everything() == before

    def test_a_product_without_any_level_has_nothing_to_sell(self, shop: Shop) -> None:
        shop.set("WIDGET", name="announced")
        assert refused(shop.place(shop.order(("WIDGET", 1)))[0]).code == "insufficient_inventory"

    def test_lines_of_one_sku_are_summed(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        error = refused(shop.place(shop.order(("WIDGET", 3), ("WIDGET", 3)))[0])
        assert error.data == {"shortages": [{"sku": "WIDGET", "requested": 6, "available": 5}]}
        shop.buy(("WIDGET", 3), ("WIDGET", 2))
        assert shop.levels("WIDGET") == {"main": (5, 5)}

    def test_a_line_is_served_from_locations_in_their_order_and_may_be_split(self, shop: Shop) -> None:
        shop = Shop(storage=shop.storage, clock=shop.clock, locations=("north", "main"))
        for location, on_hand in (("a-shop", 4), ("main", 2), ("north", 3), ("b-shop", 4)):
            shop.set("WIDGET", on_hand, location=location)
        shop.buy(("WIDGET", 1), ("WIDGET", 6))
        assert shop.levels("WIDGET") == {"a-shop": (4, 2), "b-shop": (4, 0), "main": (2, 2), "north": (3, 3)}
        reserved = [(row.movement.line_no, row.movement.location) for row in shop.movements("WIDGET")[4:]]
        assert reserved == [(1, "north"), (2, "north"), (2, "main"), (2, "a-shop")]

    def test_orders_of_one_call_are_served_in_their_order(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        outcomes = shop.place(*(shop.order(("WIDGET", quantity)) for quantity in (3, 3, 2, 1)))
        assert placed(outcomes[0]).order.lines[0].quantity == 3
        assert refused(outcomes[1]).data == {"shortages": [{"sku": "WIDGET", "requested": 3, "available": 2}]}
        assert placed(outcomes[2]).order.lines[0].quantity == 2
        assert refused(outcomes[3]).data == {"shortages": [{"sku": "WIDGET", "requested": 1, "available": 0}]}

    def test_one_call_is_one_change_of_a_level(self, shop: Shop) -> None:
        before = shop.set("WIDGET", 10).product
        outcomes = shop.place(shop.order(("WIDGET", 3)), shop.order(("WIDGET", 2), ("WIDGET", 1)))
        product = shop.product("WIDGET")
        assert (product.reserved, product.version) == (6, before.version + 1)
        assert product.updated_at == placed(outcomes[1]).order.created_at

    def test_one_call_takes_five_hundred_orders(self, shop: Shop) -> None:
        shop.set("HOT", TRANSACTION_ORDERS_MAX - 1)
        for number in range(10):
            shop.set(f"SKU-{number}", 1_000)
        placements = [shop.order(("HOT", 1), (f"SKU-{n % 10}", 2)) for n in range(TRANSACTION_ORDERS_MAX)]
        outcomes = shop.place(*placements)
        assert [placed(outcome).order.id for outcome in outcomes[:-1]] == [order.id for order in placements[:-1]]
        assert refused(outcomes[-1]).data == {"shortages": [{"sku": "HOT", "requested": 1, "available": 0}]}
        assert shop.product("HOT").available == 0
        assert not shop.audit().discrepancies

    def test_one_order_takes_two_thousand_lines(self, shop: Shop) -> None:
        for number in range(50):
            shop.set(f"SKU-{number}", 100)
        lines = [(f"SKU-{number % 50}", 1 + number % 2, f"{number}.5") for number in range(ORDER_LINES_MAX)]
        order = shop.buy(*lines)
        assert shop.get(order.id) == order
        assert [line.line_no for line in order.lines] == list(range(1, ORDER_LINES_MAX + 1))
        assert not shop.audit().discrepancies

    def test_a_placement_that_was_written_is_not_written_again(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        first, second = shop.order(("WIDGET", 3)), shop.order(("WIDGET", 1))
        shop.place(first)
        before = shop.everything()
        assert placed(shop.place(first)[0]).order.id == first.id
        assert shop.everything() == before
        assert [placed(outcome).order.id for outcome in shop.place(second, first)] == [second.id, first.id]
        assert shop.levels("WIDGET") == {"main": (10, 4)}

    def test_what_the_decision_raises_passes_through_and_writes_nothing(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        before = shop.everything()

        def fail() -> None:
            raise OmsError("overloaded", "on purpose")

        with pytest.raises(OmsError, match="on purpose"):
            shop.place_deciding(shop.deciding_after(fail), shop.order(("WIDGET", 1)))
        assert shop.everything() == before
        shop.buy(("WIDGET", 1))

    @pytest.mark.parametrize(
        ("location", "quantity"), [("main", 4), ("shop", 1), ("nowhere", 1)], ids=["too many", "reserved", "no level"]
    )
    def test_a_decision_that_stock_does_not_cover_is_not_written(
        self, shop: Shop, location: str, quantity: int
    ) -> None:
        shop.set("WIDGET", 4, location="shop")
        shop.buy(("WIDGET", 4))
        shop.set("WIDGET", 3)
        before = shop.everything()

        oversold = Reserve((Allocation(1, "WIDGET", location, quantity),))
        with pytest.raises(OmsError) as caught:
            shop.place_deciding(lambda *_: [oversold], shop.order(("WIDGET", quantity)))
        assert caught.value.code == "internal_error"
        assert shop.everything() == before

    def test_the_decision_is_given_products_with_all_levels_and_only_known_ones(self, shop: Shop) -> None:
        shop.set("WIDGET", 3, location="north")
        shop.set("WIDGET", 1)
        shop.set("OTHER", 9)
        views: list[PlacementView] = []

        def look(placements: Sequence[Placement], view: PlacementView) -> list[Verdict]:
            views.append(view)
            return shop.decide(placements, view)

        shop.place_deciding(look, shop.order(("WIDGET", 1), ("UNKNOWN", 1), idempotency_key="K"))
        assert dict(views[-1].products) == {"WIDGET": shop.product("WIDGET")}
        assert dict(views[-1].keyed_orders) == {}
