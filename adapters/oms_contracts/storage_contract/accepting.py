"""What `QueueStorage.accept` promises: a numbered row that waits, no stock, one order per key whoever took it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from oms_contracts.storage_contract.shop import CLERK, Shop, placed, refused
from oms_core.domain.events import EventType
from oms_core.domain.limits import ORDER_LINES_MAX, TRANSACTION_ORDERS_MAX
from oms_core.domain.orders.new_orders import queued_order
from oms_core.domain.orders.placement import EnteredAs, Placement, Verdict
from oms_core.domain.orders.queueing import AcceptanceView, decide_acceptance
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.errors import OmsError


def queue_numbers(shop: Shop) -> list[int]:
    """Return the numbers of all who wait."""
    return list(shop.storage.queue.sample().numbers)


class AcceptingPromises:
    """Queueing, one order or many."""

    def test_an_accepted_order_waits_as_it_was_given(self, shop: Shop) -> None:
        shop.set("A", 1)
        placement = shop.order(
            ("A", 2, "0.0001"),
            ("A", 1, "12.50"),
            currency="CLF",
            reference="PO-1",
            metadata={"channel": "web"},
            idempotency_key="K",
        )
        outcome = placed(shop.accept(placement)[0])
        assert (outcome.replayed, outcome.entered_as) == (False, EnteredAs.QUEUED)
        assert outcome.order.queue_no is not None
        assert outcome.order == queued_order(placement, outcome.order.queue_no)
        assert (outcome.order.status, outcome.order.total) == (OrderStatus.QUEUED, Decimal("12.5002"))
        assert shop.get(placement.id) == outcome.order

    def test_accepting_touches_no_stock(self, shop: Shop) -> None:
        before = shop.set("WIDGET", 1).product
        shop.queue_up(("WIDGET", 5))
        assert shop.product("WIDGET") == before
        assert len(shop.movements("WIDGET")) == 1
        assert not shop.audit().discrepancies

    def test_accepting_is_an_event_of_the_order(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        order = shop.queue_up(("WIDGET", 1))
        (entry,) = shop.events(order.id)
        event = entry.event
        assert (event.type, event.order_id, event.order_version) == (EventType.ORDER_QUEUED, order.id, 1)
        assert event.data == {"from": None, "to": "queued", "reason": None}
        assert (entry.actor, entry.request_id, entry.created_at) == (CLERK.name, CLERK.request_id, order.created_at)

    def test_orders_are_numbered_in_order_of_arrival(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 1)
        keys = ["z", None, "a", "m"]  # Rows may be written in the order of their keys.
        batch = [
            placed(each).order for each in shop.accept(*(shop.order(("WIDGET", 1), idempotency_key=k) for k in keys))
        ]
        later = [rival_shop.queue_up(("WIDGET", 1)), shop.queue_up(("WIDGET", 1))]
        numbers = [order.queue_no for order in (*batch, *later)]
        assert [shop.get(order.id).queue_no for order in (*batch, *later)] == numbers
        assert numbers == queue_numbers(shop)
        assert len(set(numbers)) == len(numbers)

    def test_an_unknown_sku_is_refused_and_named_and_costs_the_others_nothing(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        before = shop.everything()
        error = refused(shop.accept(shop.order(("WIDGET", 1), ("widget", 1)))[0])
        assert (error.code, [found.pointer for found in error.errors]) == ("unknown_sku", ["/lines/1/sku"])
        assert shop.everything() == before
        bad, good = shop.accept(shop.order(("UNKNOWN", 1)), shop.order(("WIDGET", 1)))
        assert refused(bad).code == "unknown_sku"
        assert placed(good).order.status is OrderStatus.QUEUED

    def test_a_product_without_any_level_may_be_waited_for(self, shop: Shop) -> None:
        shop.set("WIDGET", name="announced")
        assert shop.queue_up(("WIDGET", 1)).status is OrderStatus.QUEUED

    def test_a_replay_gives_the_order_as_it_is_now_whatever_became_of_it(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        first, second = (shop.queue_up(("WIDGET", 1), idempotency_key=key) for key in ("K", "L"))
        for step in (lambda: None, lambda: shop.settle(first.id, second.id), lambda: shop.retry(second.id)):
            step()
            for key, order in (("K", first), ("L", second)):
                again = placed(shop.accept(shop.order(("WIDGET", 1), idempotency_key=key))[0])
                assert (again.replayed, again.entered_as) == (True, EnteredAs.QUEUED)
                assert again.order == shop.get(order.id)
        assert [shop.get(each.id).status.value for each in (first, second)] == ["pending", "queued"]

    def test_placing_and_accepting_share_their_keys(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        waiting = shop.queue_up(("WIDGET", 1), idempotency_key="waiting")
        bought = shop.buy(("WIDGET", 1), idempotency_key="bought")
        before = shop.everything()
        replay = placed(shop.place(shop.order(("WIDGET", 1), idempotency_key="waiting"))[0])
        assert (replay.order, replay.replayed, replay.entered_as) == (waiting, True, EnteredAs.QUEUED)
        replay = placed(shop.accept(shop.order(("WIDGET", 1), idempotency_key="bought"))[0])
        assert (replay.order, replay.replayed, replay.entered_as) == (bought, True, EnteredAs.PLACED)
        for take in (shop.place, shop.accept):
            for key in ("waiting", "bought"):
                other = shop.order(("WIDGET", 2), idempotency_key=key)
                assert refused(take(other)[0]).code == "idempotency_key_reused"
        assert shop.everything() == before

    def test_a_key_twice_in_one_call_is_one_order_or_refused(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        first, repeat, other = shop.accept(
            *(shop.order(("WIDGET", quantity), idempotency_key="K") for quantity in (1, 1, 2))
        )
        assert [placed(first).replayed, placed(repeat).replayed] == [False, True]
        assert placed(repeat).order == placed(first).order
        assert placed(repeat).entered_as == EnteredAs.QUEUED
        assert refused(other).code == "idempotency_key_reused"
        assert len(queue_numbers(shop)) == 1

    def test_accepting_again_what_was_accepted_writes_nothing(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        placements = [shop.order(("WIDGET", 1)), shop.order(("WIDGET", 2), idempotency_key="K")]
        first = shop.accept(*placements)
        before = shop.everything()
        assert shop.accept(*placements) == first
        assert shop.everything() == before
        third = shop.order(("WIDGET", 3))
        again = [placed(each).order.id for each in shop.accept(third, *placements)]
        assert again == [each.id for each in (third, *placements)]
        assert len(queue_numbers(shop)) == 3

    def test_accepting_again_finds_what_was_settled_meanwhile(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        placements = [shop.order(("WIDGET", 1)), shop.order(("WIDGET", 20), idempotency_key="K")]
        shop.accept(*placements)
        shop.settle(*(each.id for each in placements))
        outcomes = [placed(each) for each in shop.accept(*placements)]
        assert [(each.order.status.value, each.replayed) for each in outcomes] == [
            ("pending", False),
            ("rejected", False),
        ]
        assert shop.levels("WIDGET") == {"main": (10, 1)}

    def test_one_call_accepts_five_hundred_orders(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        placements = [shop.order(("WIDGET", 1)) for _ in range(TRANSACTION_ORDERS_MAX)]
        orders = [placed(each).order for each in shop.accept(*placements)]
        assert [order.id for order in orders] == [each.id for each in placements]
        assert [order.queue_no for order in orders] == queue_numbers(shop)

    def test_an_order_of_two_thousand_lines_is_accepted(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        order = shop.queue_up(*[("WIDGET", 1 + number % 3) for number in range(ORDER_LINES_MAX)])
        assert shop.get(order.id) == order

    def test_accepting_nothing_is_nothing(self, shop: Shop) -> None:
        assert shop.accept() == []

    def test_what_the_decision_on_accepting_raises_passes_through_and_writes_nothing(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        before = shop.everything()

        def fail(placements: Sequence[Placement], view: AcceptanceView) -> list[Verdict]:
            decide_acceptance(placements, view)
            raise OmsError("overloaded", "on purpose")

        with pytest.raises(OmsError, match="on purpose"):
            shop.storage.queue.accept([shop.order(("WIDGET", 1))], fail)
        assert shop.everything() == before
        assert shop.queue_up(("WIDGET", 1))
