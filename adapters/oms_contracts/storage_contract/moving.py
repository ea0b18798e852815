"""What `OrderStorage.change` promises: the move, its stock, its event, all or nothing, to whom it is allowed."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from oms_contracts.storage_contract.shop import CLERK, Shop
from oms_core.domain.callers import ALL_SCOPES, Caller
from oms_core.domain.commands import ChangeOrderStatus
from oms_core.domain.limits import ORDER_LINES_MAX
from oms_core.domain.orders.order import Holding, Order
from oms_core.domain.orders.order_changes import OrderChange
from oms_core.domain.orders.shipments import Standing
from oms_core.domain.orders.status_changes import decide_status_change
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.errors import OmsError

NO_ORDERS = [UUID(int=0), UUID(int=2**128 - 1), UUID("00000000-0000-4000-8000-000000000000")]


class OrderMovePromises:
    """Moving an order through its statuses."""

    def test_shipping_takes_units_from_where_they_were_reserved(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        shop.set("WIDGET", 5, location="north")
        order = shop.buy(("WIDGET", 4))
        shipped = shop.move(order.id, OrderStatus.SHIPPED)
        assert (shipped.status, shipped.version) == (OrderStatus.SHIPPED, 2)
        assert shop.levels("WIDGET") == {"main": (0, 0), "north": (4, 0)}
        assert shop.ledger("WIDGET")[-2:] == [("ship", "main", -3, -3), ("ship", "north", -1, -1)]

    def test_cancelling_releases_units_where_they_were_reserved(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        shop.set("WIDGET", 5, location="north")
        order = shop.buy(("WIDGET", 4))
        shop.move(order.id, OrderStatus.PROCESSING)
        shop.move(order.id, OrderStatus.CANCELLED)
        assert shop.levels("WIDGET") == {"main": (3, 0), "north": (5, 0)}
        assert shop.ledger("WIDGET")[-2:] == [("release", "main", 0, -3), ("release", "north", 0, -1)]

    @pytest.mark.parametrize("delivered", [False, True])
    def test_returning_puts_units_back_where_they_came_from(self, shop: Shop, delivered: bool) -> None:
        shop.set("WIDGET", 3)
        shop.set("WIDGET", 5, location="north")
        order = shop.buy(("WIDGET", 4))
        shop.move(order.id, OrderStatus.SHIPPED)
        if delivered:
            shop.move(order.id, OrderStatus.DELIVERED)
        shop.move(order.id, OrderStatus.RETURNED)
        assert shop.levels("WIDGET") == {"main": (3, 0), "north": (5, 0)}
        assert shop.ledger("WIDGET")[-2:] == [("return", "main", 3, 0), ("return", "north", 1, 0)]

    def test_processing_and_delivering_move_no_stock(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        order = shop.buy(("WIDGET", 2))
        shop.move(order.id, OrderStatus.PROCESSING)
        assert shop.levels("WIDGET") == {"main": (3, 2)}
        shop.move(order.id, OrderStatus.SHIPPED)
        before = shop.product("WIDGET"), shop.movements("WIDGET")
        shop.move(order.id, OrderStatus.DELIVERED)
        assert (shop.product("WIDGET"), shop.movements("WIDGET")) == before

    def test_a_move_is_one_event_with_its_reason(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        order = shop.buy(("WIDGET", 2))
        other = shop.of(Caller(name="warehouse", scopes=ALL_SCOPES, request_id="request-2"))
        moved = other.move(order.id, OrderStatus.CANCELLED, reason="changed my mind")
        entry = shop.events(order.id)[-1]
        assert len(shop.events(order.id)) == 2
        assert (entry.event.type.value, entry.event.order_version) == ("order.cancelled", 2)
        assert entry.event.data == {"from": "pending", "to": "cancelled", "reason": "changed my mind"}
        assert (entry.actor, entry.request_id, entry.created_at) == ("warehouse", "request-2", moved.updated_at)
        assert shop.movements("WIDGET")[-1].movement.reason == "changed my mind"

    def test_a_moved_order_is_otherwise_as_it_was(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        order = shop.buy(("WIDGET", 2, "1.5"), metadata={"a": "b"}, reference="R", idempotency_key="K")
        moved = shop.move(order.id, OrderStatus.PROCESSING)
        assert moved == replace(order, status=OrderStatus.PROCESSING, version=2, updated_at=moved.updated_at)
        assert moved.updated_at > order.updated_at
        assert shop.get(order.id) == moved

    def test_a_move_to_the_present_status_changes_nothing(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        order = shop.buy(("WIDGET", 2))
        moved = shop.move(order.id, OrderStatus.SHIPPED)
        before = shop.everything()
        assert shop.move(order.id, OrderStatus.SHIPPED, if_version=1) == moved
        assert shop.everything() == before

    def test_a_level_of_several_lines_changes_once(self, shop: Shop) -> None:
        shop.set("WIDGET", 9)
        order = shop.buy(("WIDGET", 2), ("WIDGET", 3))
        before = shop.product("WIDGET")
        moved = shop.move(order.id, OrderStatus.SHIPPED)
        product = shop.product("WIDGET")
        assert (product.version, product.updated_at) == (before.version + 1, moved.updated_at)
        assert shop.ledger("WIDGET")[-2:] == [("ship", "main", -2, -2), ("ship", "main", -3, -3)]

    def test_an_order_of_two_thousand_lines_moves(self, shop: Shop) -> None:
        for number in range(50):
            shop.set(f"SKU-{number}", 100)
        order = shop.buy(*((f"SKU-{number % 50}", 1) for number in range(ORDER_LINES_MAX)))
        for status in (OrderStatus.SHIPPED, OrderStatus.RETURNED):
            assert shop.move(order.id, status).status is status
        assert shop.levels("SKU-0") == {"main": (100, 0)}
        assert not shop.audit().discrepancies

    def test_the_decision_is_given_the_order_and_what_it_holds(self, shop: Shop) -> None:
        shop.set("A", 5)
        shop.set("B", 1, location="a-shop")
        shop.set("B", 5, location="north")
        order = shop.buy(("B", 3), ("A", 1), ("A", 2))
        seen: list[tuple[Order, Standing]] = []

        def look(order: Order, standing: Standing) -> None:
            seen.append((order, standing))

        shop.storage.orders.change(order.id, owner=None, caller=CLERK, now=shop.clock.now(), decide=look)
        shop.move(order.id, OrderStatus.SHIPPED)
        shop.storage.orders.change(order.id, owner=None, caller=CLERK, now=shop.clock.now(), decide=look)
        held = [(1, "B", "a-shop", 1), (1, "B", "north", 2), (2, "A", "main", 1), (3, "A", "main", 2)]
        assert seen[0][0] == order
        assert [_figures(holding) for holding in seen[0][1].holdings] == [(*where, units, 0) for *where, units in held]
        assert [_figures(holding) for holding in seen[1][1].holdings] == [(*where, 0, units) for *where, units in held]

    def test_what_the_decision_raises_passes_through_and_writes_nothing(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        order = shop.buy(("WIDGET", 2))
        before = shop.everything()
        for status, given, code in (
            (OrderStatus.DELIVERED, {}, "invalid_transition"),
            (OrderStatus.SHIPPED, {"if_version": 2}, "version_mismatch"),
        ):
            with pytest.raises(OmsError) as caught:
                shop.move(order.id, status, **given)
            assert caught.value.code == code
        assert shop.everything() == before

    def test_a_move_that_stock_does_not_cover_is_not_written(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        order = shop.buy(("WIDGET", 2))
        before = shop.everything()

        def ship_twice(order: Order, standing: Standing) -> OrderChange:
            command = ChangeOrderStatus(order_id=order.id, status=OrderStatus.SHIPPED)
            change = decide_status_change(order, standing, command, CLERK)
            assert change is not None
            return replace(change, movements=change.movements * 2)

        with pytest.raises(OmsError) as caught:
            shop.storage.orders.change(order.id, owner=None, caller=CLERK, now=shop.clock.now(), decide=ship_twice)
        assert caught.value.code == "internal_error"
        assert shop.everything() == before

    @pytest.mark.parametrize("order_id", NO_ORDERS, ids=str)
    def test_an_order_that_is_not_there_is_not_found(self, shop: Shop, order_id: UUID) -> None:
        for read in (
            lambda: shop.move(order_id, OrderStatus.CANCELLED),
            lambda: shop.get(order_id),
            lambda: shop.events(order_id),
        ):
            with pytest.raises(OmsError) as caught:
                read()
            assert caught.value.code == "order_not_found"

    def test_another_customers_order_is_not_found(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        order = shop.buy(("WIDGET", 2), customer_id="C1")
        before = shop.everything()
        orders, their = shop.storage.orders, shop.of(Caller(name="shop", scopes=ALL_SCOPES, customer_id="c1"))
        for attempt in (
            lambda: their.move(order.id, OrderStatus.CANCELLED),
            lambda: orders.get(order.id, owner="C2"),
            lambda: orders.events(order.id, owner="C2", after=None, limit=10),
        ):
            with pytest.raises(OmsError) as caught:
                attempt()
            assert caught.value.code == "order_not_found"
        assert shop.everything() == before

    def test_ones_own_order_is_found_and_moved(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        order = shop.buy(("WIDGET", 2), customer_id="C1")
        our = shop.of(Caller(name="shop", scopes=ALL_SCOPES, customer_id="C1"))
        assert shop.storage.orders.get(order.id, owner="C1") == order
        assert shop.storage.orders.events(order.id, owner="C1", after=None, limit=10) == shop.events(order.id)
        assert our.move(order.id, OrderStatus.CANCELLED).status is OrderStatus.CANCELLED


def _figures(holding: Holding) -> tuple[int, str, str, int, int]:
    return holding.line_no, holding.sku, holding.location, holding.reserved, holding.shipped
