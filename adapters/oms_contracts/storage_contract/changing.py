"""What a storage promises of changed orders: other quantities, further lines, other details."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from oms_contracts.storage_contract.allocating import served
from oms_contracts.storage_contract.hooks import StorageHooks
from oms_contracts.storage_contract.order_races import attempt
from oms_contracts.storage_contract.returning import back, take_in
from oms_contracts.storage_contract.shipping import deliver, standing, told, units
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.change_commands import ChangeOrderLines, LineChange, UpdateOrder
from oms_core.domain.orders.order import Order, OrderFilter
from oms_core.domain.orders.order_changes import Changed
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.errors import OmsError
from oms_core.use_cases.orders.changes import Changes


def changes(shop: Shop) -> Changes:
    """Return the use cases of changes, over the storage of a shop."""
    return Changes(storage=shop.storage, clock=shop.clock, location_priority=shop.locations)


def change(shop: Shop, order_id: UUID, *lines: tuple[int | str, int], **given: Any) -> Changed:
    """Run `Changes.lines` with lines from (line_no or SKU, quantity)."""
    wanted = [
        LineChange(sku=what, quantity=quantity)
        if isinstance(what, str)
        else LineChange(line_no=what, quantity=quantity)
        for what, quantity in lines
    ]
    command = ChangeOrderLines(order_id=order_id, **{"lines": wanted, **given})
    return changes(shop).lines(command, caller=shop.caller)


def update(shop: Shop, order_id: UUID, **given: Any) -> Order:
    """Run `Changes.details` with the fields of UpdateOrder."""
    return changes(shop).details(UpdateOrder(order_id=order_id, **given), caller=shop.caller)


def content(order: Order) -> list[tuple[int, str, int]]:
    """Return (line_no, sku, quantity) of an order's lines."""
    return [(line.line_no, line.sku, line.quantity) for line in order.lines]


class ChangePromises(StorageHooks):
    """Changes of orders that are there."""

    def test_lines_are_raised_lowered_removed_and_added(self, shop: Shop) -> None:
        for sku in "ABC":
            shop.set(sku, 9)
        order = shop.buy(("A", 2), ("B", 3))
        changed = change(shop, order.id, (1, 5), (2, 0), ("C", 4), reason="called").order
        assert content(changed) == [(1, "A", 5), (2, "B", 0), (3, "C", 4)]
        assert (standing(changed), shop.get(order.id)) == (("pending", 2), changed)
        assert [shop.levels(sku) for sku in "ABC"] == [{"main": (9, 5)}, {"main": (9, 0)}, {"main": (9, 4)}]
        assert served(shop, order) == [[(1, "main", 5, 0, 0), (3, "main", 4, 0, 0)]]
        (event,) = [entry.event for entry in shop.events(order.id)][1:]
        assert (event.type.value, event.order_version, event.data["reason"]) == ("order.changed", 2, "called")
        rows = [row.movement for sku in "ABC" for row in shop.movements(sku)[-1:]]
        assert [(row.kind.value, row.line_no, row.reserved_delta, row.reason) for row in rows] == [
            ("reserve", 1, 3, "called"),
            ("release", 2, -3, "called"),
            ("reserve", 3, 4, "called"),
        ]
        assert not shop.audit().discrepancies

    def test_a_total_follows_its_lines(self, shop: Shop) -> None:
        shop.set("A", 9)
        order = shop.buy(("A", 2, "1.50"))
        priced = LineChange(sku="A", quantity=3, unit_price=Decimal("0.0001"))
        changed = change(shop, order.id, lines=[priced]).order
        assert (changed.total, shop.get(order.id)) == (Decimal("3.0003"), changed)
        assert change(shop, order.id, (1, 0)).order.total == Decimal("0.0003")
        assert change(shop, order.id, ("A", 1)).order.total is None
        assert shop.get(order.id).total is None

    def test_what_is_lowered_is_released_from_the_last_location(self, shop: Shop) -> None:
        shop.set("A", 2)
        shop.set("A", 2, location="a-shop")
        shop.set("A", 5, location="north")
        order = shop.buy(("A", 6))
        change(shop, order.id, (1, 3))
        assert shop.levels("A") == {"main": (2, 2), "a-shop": (2, 1), "north": (5, 0)}
        assert change(shop, order.id, (1, 9)).order.lines[0].quantity == 9
        assert shop.levels("A") == {"main": (2, 2), "a-shop": (2, 2), "north": (5, 5)}
        assert not shop.audit().discrepancies

    def test_units_go_from_one_line_to_another_without_any_being_free(self, shop: Shop) -> None:
        shop.set("A", 5)
        order = shop.buy(("A", 4), ("A", 1))
        changed = change(shop, order.id, (1, 1), (2, 4)).order
        assert content(changed) == [(1, "A", 1), (2, "A", 4)]
        assert shop.levels("A") == {"main": (5, 5)}
        assert not shop.audit().discrepancies

    def test_no_more_is_promised_than_there_is_and_then_nothing_changes(self, shop: Shop) -> None:
        shop.set("A", 5)
        shop.set("B", 5)
        order = shop.buy(("A", 4), ("B", 1))
        before = shop.everything()
        with pytest.raises(OmsError) as caught:
            change(shop, order.id, (1, 6), (2, 0))
        short = {"sku": "A", "requested": 2, "available": 1}
        assert (caught.value.code, caught.value.data) == ("insufficient_inventory", {"shortages": [short]})
        assert attempt(lambda: change(shop, order.id, ("Z", 1))) == "unknown_sku"
        assert attempt(lambda: change(shop, order.id, (1, 0), (2, 0))) == "empty_order"
        assert attempt(lambda: change(shop, order.id, (3, 1))) == "validation_error"
        assert shop.everything() == before

    def test_a_dry_run_tells_and_changes_nothing(self, shop: Shop) -> None:
        shop.set("A", 5)
        order = shop.buy(("A", 4))
        before = shop.everything()
        would_be = change(shop, order.id, (1, 5), dry_run=True).order
        assert (content(would_be), standing(would_be)) == ([(1, "A", 5)], ("pending", 2))
        assert attempt(lambda: change(shop, order.id, (1, 6), dry_run=True)) == "insufficient_inventory"
        assert shop.everything() == before

    def test_an_order_that_waits_is_settled_as_it_was_changed(self, shop: Shop) -> None:
        shop.set("A", 5)
        shop.set("B", 5)
        order = shop.queue_up(("A", 9), ("B", 1))
        changed = change(shop, order.id, (1, 3), (2, 0), ("B", 2)).order
        assert (standing(changed), changed.queue_no) == (("queued", 2), order.queue_no)
        assert shop.levels("A") == {"main": (5, 0)}
        shop.set("B", 0)
        shop.set("B", 2)
        shop.settle(order.id)
        assert standing(shop.get(order.id)) == ("pending", 3)
        assert served(shop, order) == [[(1, "main", 3, 0, 0), (3, "main", 2, 0, 0)]]
        assert not shop.audit().discrepancies

    def test_a_line_that_was_removed_needs_no_stock_when_its_order_is_settled(self, shop: Shop) -> None:
        shop.set("A", 1)
        shop.set("B", 5)
        order = shop.queue_up(("A", 1), ("B", 1))
        change(shop, order.id, (1, 0))
        shop.buy(("A", 1))
        shop.settle(order.id)
        assert standing(shop.get(order.id)) == ("pending", 3)
        assert (shop.levels("A"), shop.levels("B")) == ({"main": (1, 1)}, {"main": (5, 1)})
        assert not shop.audit().discrepancies

    def test_a_held_order_is_changed_and_then_expires_with_all_that_it_holds(self, shop: Shop) -> None:
        shop.set("A", 5)
        order = shop.hold(("A", 2), seconds=-60)
        changed = change(shop, order.id, (1, 4)).order
        assert (standing(changed), changed.hold_until) == (("held", 2), order.hold_until)
        assert shop.levels("A") == {"main": (5, 4)}
        shop.expire(order.id)
        assert (standing(shop.get(order.id)), shop.levels("A")) == (("expired", 3), {"main": (5, 0)})
        assert not shop.audit().discrepancies

    def test_what_has_shipped_bounds_a_line_and_the_status_follows(self, shop: Shop) -> None:
        shop.set("A", 9)
        order = shop.buy(("A", 5), ("A", 1))
        shop.ship(order.id, lines=units((1, 2)))
        with pytest.raises(OmsError) as caught:
            change(shop, order.id, (1, 1))
        figures = {"line_no": 1, "sku": "A", "requested": 1, "shipped": 2}
        assert (caught.value.code, caught.value.data) == ("below_shipped", {"lines": [figures]})
        assert standing(change(shop, order.id, (1, 4)).order) == ("partly_shipped", 3)
        assert standing(change(shop, order.id, (1, 2), (2, 0)).order) == ("shipped", 4)
        assert told(shop, order)[-2:] == [("order.changed", 4), ("order.shipped", 4)]
        assert shop.levels("A") == {"main": (7, 0)}
        assert attempt(lambda: change(shop, order.id, (1, 3))) == "invalid_transition"
        assert not shop.audit().discrepancies

    @pytest.mark.parametrize(("returns", "ends"), [(0, "delivered"), (1, "partly_returned"), (2, "returned")])
    def test_an_order_of_which_the_rest_is_let_go_is_what_became_of_what_shipped(
        self, shop: Shop, returns: int, ends: str
    ) -> None:
        shop.set("A", 9)
        order = shop.buy(("A", 5))
        shop.ship(order.id, lines=units((1, 2)))
        deliver(shop, order.id)
        for _ in range(returns):
            take_in(shop, order.id, lines=back((1, 1)))
        assert change(shop, order.id, (1, 2)).order.status.value == ends
        assert not shop.audit().discrepancies

    def test_a_key_changes_once(self, shop: Shop) -> None:
        shop.set("A", 9)
        order = shop.buy(("A", 2))
        first = change(shop, order.id, (1, 4), idempotency_key="K")
        change(shop, order.id, (1, 3))
        again = change(shop, order.id, (1, 4), idempotency_key="K")
        assert (first.replayed, again.replayed, content(again.order)) == (False, True, [(1, "A", 3)])
        assert attempt(lambda: change(shop, order.id, (1, 5), idempotency_key="K")) == "idempotency_key_reused"
        assert shop.levels("A") == {"main": (9, 3)}

    def test_what_is_so_already_changes_nothing(self, shop: Shop) -> None:
        shop.set("A", 9)
        order = shop.buy(("A", 2))
        before = shop.everything()
        assert change(shop, order.id, (1, 2)).order == order
        assert update(shop, order.id, metadata={"gone": None}) == order
        assert shop.everything() == before

    def test_an_order_is_no_more_found_by_the_sku_of_a_line_that_was_removed(self, shop: Shop) -> None:
        shop.set("A", 9)
        shop.set("B", 9)
        order = shop.buy(("A", 1), ("B", 1))
        change(shop, order.id, (2, 0))
        found = {sku: shop.storage.orders.find(OrderFilter(sku=sku), after=None, limit=9) for sku in "AB"}
        assert [[each.id for each in orders] for orders in found.values()] == [[order.id], []]

    def test_details_change_in_any_status(self, shop: Shop) -> None:
        shop.set("A", 9)
        order = shop.move(shop.buy(("A", 1), reference="R", metadata={"a": "1", "b": "2"}).id, OrderStatus.SHIPPED)
        updated = update(shop, order.id, reference="S", metadata={"a": None, "b": "3", "c": ""})
        assert (updated.reference, updated.metadata, standing(updated)) == (
            *("S", {"b": "3", "c": ""}),
            ("shipped", 3),
        )
        assert shop.get(order.id) == updated
        assert [each.id for each in shop.storage.orders.find(OrderFilter(reference="S"), after=None, limit=9)] == [
            order.id
        ]
        assert update(shop, order.id, reference=None).reference is None
        assert told(shop, order)[-2:] == [("order.changed", 3), ("order.changed", 4)]
        assert attempt(lambda: update(shop, order.id, reference="T", if_version=3)) == "version_mismatch"
