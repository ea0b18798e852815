"""Races over changes of orders, and changes whose COMMIT was lost: what is promised is reserved once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from oms_contracts.concurrency import run_together
from oms_contracts.storage_contract.changing import change, content, update
from oms_contracts.storage_contract.lossy_shop import LossyShop
from oms_contracts.storage_contract.order_races import ROUNDS, THREADS, attempt, buy_until_refused, buyers
from oms_contracts.storage_contract.returning import back, take_in
from oms_contracts.storage_contract.shipping import standing, units
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.statuses import OrderStatus


def reserved(shop: Shop, sku: str = "A") -> int:
    """Return the units of a SKU that orders hold."""
    return sum(units for _, units in shop.levels(sku).values())


class ChangeRacePromises:
    """Races over changes."""

    def test_of_changes_at_once_the_last_one_stands(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("A", 100)
        order = shop.buy(("A", 1))
        works = [
            partial(change, hand, order.id, (1, number))
            for number, hand in enumerate(buyers(shop, rival_shop), start=2)
        ]
        run_together(works)
        (line,) = shop.get(order.id).lines
        assert (reserved(shop), shop.get(order.id).version) == (line.quantity, THREADS + 1)
        assert not shop.audit().discrepancies

    def test_lines_added_at_once_take_different_numbers(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("A", 100)
        order = shop.buy(("A", 1))
        run_together([partial(change, hand, order.id, ("A", 1)) for hand in buyers(shop, rival_shop)])
        assert [line.line_no for line in shop.get(order.id).lines] == list(range(1, THREADS + 2))
        assert reserved(shop) == THREADS + 1
        assert not shop.audit().discrepancies

    def test_the_last_units_are_sold_or_added(self, shop: Shop, rival_shop: Shop) -> None:
        for number in range(ROUNDS):
            sku = f"SKU-{number}"
            shop.set(sku, 6)
            order = shop.buy((sku, 1))
            grow = partial(attempt, partial(change, rival_shop, order.id, (1, 5)))
            works: list[Callable[[], object]] = [partial(buy_until_refused, shop, sku), grow]
            bought, grown = run_together(works)
            units_of_order = 5 if grown == "done" else 1
            assert shop.levels(sku)["main"] == (6, len(bought) - 1 + units_of_order)  # type: ignore[arg-type]
        assert not shop.audit().discrepancies

    def test_of_a_change_and_what_else_becomes_of_the_order_each_sees_the_other(
        self, shop: Shop, rival_shop: Shop
    ) -> None:
        shop.set("A", 10_000)
        for name in ("cancel", "ship", "expire", "confirm", "settle", "return") * ROUNDS:
            order, act = self.rival_of(shop, rival_shop, name)
            works: list[Callable[[], object]] = [
                partial(attempt, partial(change, shop, order.id, (1, 7))),
                partial(attempt, act),
            ]
            changed, acted = run_together(works)
            assert (changed in {"done", "invalid_transition"}, acted) == (True, "done"), name
            assert content(shop.get(order.id)) == [(1, "A", 7 if changed == "done" else 3)]
        assert not shop.audit().discrepancies

    def rival_of(self, shop: Shop, rival: Shop, name: str) -> tuple[Order, Callable[[], object]]:
        """Return an order of three units, and what somebody else does with it."""
        if name in {"expire", "confirm"}:
            order = shop.hold(("A", 3), seconds=-60 if name == "expire" else 900)
            return order, partial(rival.expire if name == "expire" else rival.confirm, order.id)
        if name == "settle":
            order = shop.queue_up(("A", 3))
            return order, partial(rival.settle, order.id)
        order = shop.buy(("A", 3))
        if name == "return":
            shop.ship(order.id, lines=units((1, 2)))
            return order, partial(take_in, rival, order.id, lines=back((1, 1)))
        return order, partial(rival.move, order.id, OrderStatus.CANCELLED if name == "cancel" else OrderStatus.SHIPPED)

    def test_one_key_on_sixteen_threads_is_one_change_of_lines(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("A", 100)
        order = shop.buy(("A", 1))
        works = [partial(change, hand, order.id, ("A", 2), idempotency_key="K") for hand in buyers(shop, rival_shop)]
        assert sorted(each.replayed for each in run_together(works)) == [False] + [True] * (THREADS - 1)
        assert (content(shop.get(order.id)), reserved(shop)) == ([(1, "A", 1), (2, "A", 2)], 3)

    def test_details_told_at_once_are_all_kept(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("A", 5)
        order = shop.buy(("A", 1))
        works = [
            partial(update, hand, order.id, metadata={f"m{number}": "x"})
            for number, hand in enumerate(buyers(shop, rival_shop))
        ]
        run_together(works)
        assert len(shop.get(order.id).metadata) == THREADS


class LostChangeCommitPromises:
    """Changes, with the answer to the COMMIT lost and a rival who acts before it is looked for."""

    @pytest.mark.parametrize("key", [None, "K"])
    def test_a_change_that_a_rival_has_followed_was_made_once(self, lossy_shop: LossyShop, key: str | None) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("A", 9)
        order = ours.buy(("A", 1))
        made, _ = lossy_shop.losing(
            lambda: change(ours, order.id, ("A", 2), idempotency_key=key), lambda: change(rival, order.id, ("A", 4))
        )
        assert (made.replayed, content(made.order)) == (False, [(1, "A", 1), (2, "A", 2), (3, "A", 4)])
        assert (standing(made.order), reserved(ours)) == (("pending", 3), 7)
        assert not ours.audit().discrepancies

    def test_a_change_that_a_rival_has_undone_since_stays_undone(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("A", 9)
        order = ours.buy(("A", 1))
        made, _ = lossy_shop.losing(lambda: change(ours, order.id, (1, 5)), lambda: change(rival, order.id, (1, 1)))
        assert (standing(made.order), content(made.order), reserved(ours)) == (("pending", 3), [(1, "A", 1)], 1)

    def test_an_order_that_a_rival_has_cancelled_since_holds_nothing(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("A", 9)
        order = ours.buy(("A", 1))
        made, _ = lossy_shop.losing(
            lambda: change(ours, order.id, (1, 5)), lambda: rival.move(order.id, OrderStatus.CANCELLED)
        )
        assert (standing(made.order), reserved(ours)) == (("cancelled", 3), 0)
        assert not ours.audit().discrepancies

    def test_details_that_a_rival_has_told_anew_since_stay(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("A", 9)
        order = ours.buy(("A", 1))
        told, _ = lossy_shop.losing(
            lambda: update(ours, order.id, reference="ours"), lambda: update(rival, order.id, reference="theirs")
        )
        assert (told.reference, standing(told)) == ("theirs", ("pending", 3))
