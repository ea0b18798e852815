"""What a storage promises of returns: units that came back, by what became of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from oms_contracts.storage_contract.allocating import served
from oms_contracts.storage_contract.locating import set_location
from oms_contracts.storage_contract.order_races import attempt
from oms_contracts.storage_contract.shipping import standing, take_back, told, units
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.limits import COUNT_MAX
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.returns import Disposition, Return, ReturnLine
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.return_commands import CreateReturn
from oms_core.domain.stock.locations import LocationKind
from oms_core.errors import OmsError
from oms_core.use_cases.returns import ReturnMade, Returns

RESTOCK, QUARANTINE, DISCARD, MISSING = Disposition


def returns(shop: Shop) -> Returns:
    """Return the use cases of returns, over the storage of a shop."""
    return Returns(storage=shop.storage, clock=shop.clock)


def take_in(shop: Shop, order_id: UUID, **given: Any) -> ReturnMade:
    """Run `Returns.create` with the fields of CreateReturn."""
    return returns(shop).create(CreateReturn(order_id=order_id, **given), caller=shop.caller)


def returned(shop: Shop, order: Order) -> list[Return]:
    """Read the returns of an order."""
    return shop.storage.orders.returns([order.id], owner=None).get(order.id, [])


def back(*wanted: tuple[int, int], disposition: Disposition = RESTOCK, location: str | None = None) -> list[ReturnLine]:
    """Return lines of a return from (line_no, quantity)."""
    return [
        ReturnLine(line_no=line_no, quantity=quantity, disposition=disposition, location=location)
        for line_no, quantity in wanted
    ]


def content(made: Return) -> list[tuple[int, str, int, str, str, str | None]]:
    """Return (line_no, sku, quantity, disposition, shipped from, location) of what came back."""
    return [
        (line.line_no, line.sku, line.quantity, line.disposition.value, line.shipped_from, line.location)
        for line in made.lines
    ]


def shipped_order(shop: Shop, *lines: tuple[str, int]) -> Order:
    """Place an order and ship all of it."""
    return shop.move(shop.buy(*lines).id, OrderStatus.SHIPPED)


class ReturnPromises:
    """Returns."""

    def test_units_come_back_in_parts_and_what_became_of_them_is_kept(self, shop: Shop) -> None:
        set_location(shop, "lab", kind=LocationKind.QUARANTINE)
        shop.set("A", 9)
        shop.set("B", 9)
        order = shipped_order(shop, ("A", 6), ("B", 1))
        lines = [
            *back((1, 1)),
            *back((1, 2), disposition=QUARANTINE),
            *back((1, 1), disposition=DISCARD),
            *back((1, 1), disposition=MISSING),
        ]
        first = take_in(shop, order.id, lines=lines, reference="RMA-1", reason="too small")
        assert standing(first.order) == ("partly_returned", 3)
        assert content(first.made) == [
            (1, "A", 1, "restock", "main", "main"),
            (1, "A", 2, "quarantine", "main", "lab"),
            (1, "A", 1, "discard", "main", None),
            (1, "A", 1, "missing", "main", None),
        ]
        assert (first.made.return_no, first.made.reference, first.made.reason) == (1, "RMA-1", "too small")
        assert first.made.created_at == first.order.updated_at
        assert shop.levels("A") == {"main": (4, 0), "lab": (2, 0)}
        assert shop.product("A").available == 4
        assert served(shop, order) == [[(1, "main", 0, 6, 5), (2, "main", 0, 1, 0)]]
        second = take_in(shop, order.id)
        assert standing(second.order) == ("returned", 4)
        assert content(second.made) == [
            (1, "A", 1, "restock", "main", "main"),
            (2, "B", 1, "restock", "main", "main"),
        ]
        assert returned(shop, order) == [first.made, second.made]
        assert not shop.audit().discrepancies

    def test_every_return_is_told_and_booked(self, shop: Shop) -> None:
        set_location(shop, "lab", kind=LocationKind.QUARANTINE)
        shop.set("A", 9)
        order = shipped_order(shop, ("A", 6))
        lines = [*back((1, 1)), *back((1, 2), disposition=QUARANTINE), *back((1, 2), disposition=DISCARD)]
        first, second = take_in(shop, order.id, lines=lines, reason="too small"), take_in(shop, order.id)
        assert told(shop, order)[2:] == [
            ("return.created", 3),
            ("order.partly_returned", 3),
            ("return.created", 4),
            ("order.returned", 4),
        ]
        rows = [row.movement for row in shop.movements("A") if row.movement.kind.value == "return"]
        assert [(row.location, row.on_hand_delta, row.reserved_delta, row.reason) for row in rows] == [
            ("main", 1, 0, "too small"),
            ("lab", 2, 0, "too small"),
            ("main", 1, 0, None),
        ]
        assert [row.act_id for row in rows] == [first.made.id, first.made.id, second.made.id]
        assert not shop.audit().discrepancies

    def test_restocked_units_go_back_to_where_they_were_shipped_from(self, shop: Shop) -> None:
        shop.set("A", 1, location="a-shop")
        shop.set("A", 5, location="north")
        order = shipped_order(shop, ("A", 4))
        made = take_in(shop, order.id, lines=[ReturnLine(sku="A", quantity=2)]).made
        assert content(made) == [(1, "A", 1, "restock", "a-shop", "a-shop"), (1, "A", 1, "restock", "north", "north")]
        assert shop.levels("A") == {"a-shop": (1, 0), "north": (3, 0)}
        assert served(shop, order) == [[(1, "a-shop", 0, 1, 1), (1, "north", 0, 3, 1)]]
        assert not shop.audit().discrepancies

    def test_units_go_to_another_location_which_may_have_had_none(self, shop: Shop) -> None:
        shop.set("A", 5)
        shop.set("B", 5, location="yard")
        set_location(shop, "lab", sells=False)
        order = shipped_order(shop, ("A", 3))
        take_in(shop, order.id, lines=[*back((1, 1), location="yard"), *back((1, 2), location="lab")])
        assert shop.levels("A") == {"main": (2, 0), "yard": (1, 0), "lab": (2, 0)}
        assert [level.version for level in shop.product("A").levels] == [1, 3, 1]
        assert shop.product("A").available == 3
        assert served(shop, order) == [[(1, "main", 0, 3, 3)]]
        assert not shop.audit().discrepancies

    def test_an_order_stays_partly_shipped_while_something_is_reserved(self, shop: Shop) -> None:
        shop.set("A", 9)
        order = shop.buy(("A", 5))
        shop.ship(order.id, lines=units((1, 2)))
        assert standing(take_in(shop, order.id).order) == ("partly_shipped", 3)
        assert attempt(lambda: take_in(shop, order.id)) == "exceeds_shipped"
        assert standing(shop.ship(order.id).order) == ("partly_returned", 4)
        assert shop.levels("A") == {"main": (6, 0)}
        assert standing(take_back(shop, order.id, 2).order) == ("partly_shipped", 5)
        assert not shop.audit().discrepancies

    def test_no_more_comes_back_than_is_out(self, shop: Shop) -> None:
        shop.set("A", 9)
        order = shipped_order(shop, ("A", 3), ("A", 1))
        take_in(shop, order.id, lines=back((1, 1)))
        before = shop.everything()
        by_line = {"line_no": 1, "sku": "A", "requested": 2, "shipped": 3, "returned": 1}
        by_sku = {"line_no": None, "sku": "A", "requested": 4, "shipped": 4, "returned": 1}
        for lines, short in (
            ([*back((1, 1)), *back((1, 2), disposition=DISCARD)], by_line),
            ([ReturnLine(sku="A", quantity=4)], by_sku),
        ):
            with pytest.raises(OmsError) as caught:
                take_in(shop, order.id, lines=lines)
            assert (caught.value.code, caught.value.data) == ("exceeds_shipped", {"lines": [short]})
        assert shop.everything() == before

    def test_only_what_was_shipped_comes_back(self, shop: Shop) -> None:
        shop.set("A", 9)
        order = shop.buy(("A", 1))
        whole = shipped_order(shop, ("A", 1))
        take_in(shop, whole.id)
        before = shop.everything()
        for each in (order, whole):
            assert attempt(lambda: take_in(shop, each.id)) == "invalid_transition"  # noqa: B023  At once.
        assert shop.everything() == before

    def test_units_go_to_no_place_that_is_not_known_or_would_sell_them(self, shop: Shop) -> None:
        shop.set("A", 9)
        order = shipped_order(shop, ("A", 3))
        before = shop.everything()
        assert attempt(lambda: take_in(shop, order.id, lines=back((1, 1), location="typo"))) == "validation_error"
        selling = back((1, 1), disposition=QUARANTINE, location="main")
        assert attempt(lambda: take_in(shop, order.id, lines=selling)) == "validation_error"
        with pytest.raises(OmsError) as caught:
            take_in(shop, order.id, lines=back((1, 1), disposition=QUARANTINE))
        assert (caught.value.code, caught.value.data) == ("location_required", {"locations": []})
        assert shop.everything() == before

    def test_a_return_past_the_bound_of_a_count_is_refused(self, shop: Shop) -> None:
        shop.set("A", 9)
        order = shipped_order(shop, ("A", 3))
        shop.set("A", COUNT_MAX - 2)
        before = shop.everything()
        with pytest.raises(OmsError) as caught:
            take_in(shop, order.id)
        figures = {"sku": "A", "location": "main", "on_hand": COUNT_MAX + 1, "on_hand_max": COUNT_MAX}
        assert (caught.value.code, caught.value.data) == ("stock_limit", figures)
        assert shop.everything() == before
        assert standing(take_in(shop, order.id, lines=back((1, 2))).order) == ("partly_returned", 3)

    def test_a_key_is_a_return_once(self, shop: Shop) -> None:
        shop.set("A", 9)
        order = shipped_order(shop, ("A", 3))
        made = take_in(shop, order.id, lines=back((1, 1)), idempotency_key="K")
        again = take_in(shop, order.id, lines=back((1, 1)), idempotency_key="K")
        assert (made.replayed, again.replayed, again.made) == (False, True, made.made)
        assert shop.levels("A") == {"main": (7, 0)}
        other = attempt(lambda: take_in(shop, order.id, lines=back((1, 2)), idempotency_key="K"))
        assert other == "idempotency_key_reused"

    def test_many_orders_come_back_together(self, shop: Shop) -> None:
        set_location(shop, "lab", kind=LocationKind.QUARANTINE)
        shop.set("A", 20)
        orders = [shipped_order(shop, ("A", 2)) for _ in range(4)]
        open_order = shop.buy(("A", 1))
        version = shop.product("A").version
        commands = [
            *(CreateReturn(order_id=order.id, lines=back((1, 1), disposition=QUARANTINE)) for order in orders),
            CreateReturn(order_id=open_order.id),
        ]
        *done, refused = returns(shop).create_many(commands, caller=shop.caller)
        assert [each.act_no for each in done if not isinstance(each, OmsError)] == [1] * 4
        assert isinstance(refused, OmsError)
        assert refused.code == "invalid_transition"
        assert shop.levels("A") == {"main": (12, 1), "lab": (4, 0)}
        assert shop.product("A").version == version + 1
        assert not shop.audit().discrepancies

    def test_setting_returned_brings_back_all_that_is_out(self, shop: Shop) -> None:
        shop.set("A", 9)
        order = shipped_order(shop, ("A", 4))
        take_in(shop, order.id, lines=back((1, 1), disposition=MISSING))
        assert standing(shop.move(order.id, OrderStatus.RETURNED, reason="refused")) == ("returned", 4)
        assert content(returned(shop, order)[1]) == [(1, "A", 3, "restock", "main", "main")]
        assert returned(shop, order)[1].reason == "refused"
        assert shop.levels("A") == {"main": (8, 0)}
        assert not shop.audit().discrepancies
