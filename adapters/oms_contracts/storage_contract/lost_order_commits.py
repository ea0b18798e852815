"""Changes of an order whose COMMIT was lost while a rival changed it further: made once, and told as made."""

from __future__ import annotations

import pytest

from oms_contracts.storage_contract.failing import rejected
from oms_contracts.storage_contract.keyed_changes import retry_once
from oms_contracts.storage_contract.lossy_shop import LossyShop
from oms_contracts.storage_contract.shop import Shop, placed, refused
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.statuses import OrderStatus


def history(shop: Shop, order: Order) -> list[tuple[object, int | None]]:
    """Return where an order went, and its version then."""
    return [(event.event.data["to"], event.event.order_version) for event in shop.moves(order.id)]


def standing(order: Order) -> tuple[str, int]:
    """Return an order's status and version."""
    return order.status.value, order.version


class LostOrderCommitPromises:
    """Placing, moving, retrying and putting off, with the answer to the COMMIT lost and a rival at work."""

    @pytest.mark.parametrize("if_version", [None, 1])
    def test_a_move_that_a_rival_has_followed_is_told_as_made(
        self, lossy_shop: LossyShop, if_version: int | None
    ) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        order = ours.buy(("WIDGET", 2))
        moved, shipped = lossy_shop.losing(
            lambda: ours.move(order.id, OrderStatus.PROCESSING, if_version=if_version),
            lambda: rival.move(order.id, OrderStatus.SHIPPED),
        )
        assert moved == shipped == ours.get(order.id)
        assert history(ours, order) == [("pending", 1), ("processing", 2), ("shipped", 3)]
        assert ours.levels("WIDGET") == {"main": (3, 0)}
        assert not ours.audit().discrepancies

    def test_units_that_a_rival_has_sent_back_since_were_shipped_once(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        order = ours.buy(("WIDGET", 2))

        def send_back() -> None:
            rival.move(order.id, OrderStatus.DELIVERED)
            rival.move(order.id, OrderStatus.RETURNED)

        moved, _ = lossy_shop.losing(lambda: ours.move(order.id, OrderStatus.SHIPPED), send_back)
        assert standing(moved) == ("returned", 4)
        assert ours.levels("WIDGET") == {"main": (5, 0)}
        assert not ours.audit().discrepancies

    def test_a_move_that_had_been_made_before_is_told_as_it_was_found(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        order = ours.buy(("WIDGET", 2))
        ours.move(order.id, OrderStatus.SHIPPED)
        moved, _ = lossy_shop.losing(
            lambda: ours.move(order.id, OrderStatus.SHIPPED), lambda: rival.move(order.id, OrderStatus.DELIVERED)
        )
        assert moved.status in {OrderStatus.SHIPPED, OrderStatus.DELIVERED}
        assert history(ours, order)[1:] == [("shipped", 2), ("delivered", 3)]

    def test_an_order_that_was_cancelled_while_it_waited_is_not_settled(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        order = ours.queue_up(("WIDGET", 2))
        cancelled, settlement = lossy_shop.losing(
            lambda: ours.move(order.id, OrderStatus.CANCELLED), lambda: rival.settle(order.id)
        )
        assert not settlement.statuses
        assert standing(cancelled) == ("cancelled", 2)
        assert history(ours, order) == [("queued", 1), ("cancelled", 2)]

    def test_a_rival_who_cancels_too_finds_it_done(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        order = ours.buy(("WIDGET", 2))
        both = lossy_shop.losing(
            lambda: ours.move(order.id, OrderStatus.CANCELLED), lambda: rival.move(order.id, OrderStatus.CANCELLED)
        )
        assert [standing(each) for each in both] == [("cancelled", 2)] * 2
        assert ours.levels("WIDGET") == {"main": (5, 0)}

    def test_an_order_that_was_placed_and_cancelled_since_was_placed(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 2)
        order = ours.order(("WIDGET", 2), idempotency_key="K")
        (outcome,), _ = lossy_shop.losing(
            lambda: ours.place(order), lambda: rival.move(order.id, OrderStatus.CANCELLED)
        )
        assert (standing(placed(outcome).order), placed(outcome).replayed) == (("cancelled", 2), False)
        assert ours.levels("WIDGET") == {"main": (2, 0)}
        assert not ours.audit().discrepancies

    def test_a_rival_who_repeats_the_order_meanwhile_is_shown_it(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 2)
        order, other = ours.order(("WIDGET", 2), idempotency_key="K"), ours.order(("WIDGET", 1))
        again = rival.order(("WIDGET", 2), idempotency_key="K")
        (first, second), (theirs,) = lossy_shop.losing(lambda: ours.place(order, other), lambda: rival.place(again))
        assert [placed(each).order.id for each in (first, theirs)] == [order.id, order.id]
        assert [placed(each).replayed for each in (first, theirs)] == [False, True]
        assert refused(second).code == "insufficient_inventory"
        assert ours.levels("WIDGET") == {"main": (2, 2)}

    def test_an_order_that_was_queued_again_and_turned_down_since_is_not_retried_twice(
        self, lossy_shop: LossyShop
    ) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        order = rejected(ours)
        retried, _ = lossy_shop.losing(lambda: ours.retry(order.id), lambda: rival.settle(order.id))
        assert standing(retried) == ("rejected", 4)
        assert history(ours, order)[1:] == [("rejected", 2), ("queued", 3), ("rejected", 4)]

    def test_a_retry_that_a_rival_has_cancelled_since_is_told_as_made(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        order = rejected(ours)
        retried, _ = lossy_shop.losing(
            lambda: ours.retry(order.id), lambda: rival.move(order.id, OrderStatus.CANCELLED)
        )
        assert standing(retried) == ("cancelled", 4)

    def test_a_retry_under_a_key_is_made_once_and_is_no_replay(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        order = rejected(ours)
        (retried, replayed), _ = lossy_shop.losing(lambda: retry_once(ours, order), lambda: rival.settle(order.id))
        assert (standing(retried), replayed) == (("rejected", 4), False)
        assert retry_once(rival, order) == (retried, True)
        assert len(history(ours, order)) == 4

    def test_a_failed_try_that_a_rival_has_counted_since_is_not_counted_again(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        order = ours.queue_up(("WIDGET", 2))
        lossy_shop.losing(lambda: ours.fail(order.id, attempts=1), lambda: rival.fail(order.id, attempts=2))
        assert (ours.get(order.id).attempts, ours.get(order.id).version) == (2, 3)

    def test_a_failed_try_that_nobody_followed_is_counted_once(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        order = ours.queue_up(("WIDGET", 2))
        failed, _ = lossy_shop.losing(lambda: ours.fail(order.id, attempts=1), lambda: rival.get(order.id))
        assert failed == ours.get(order.id)
        assert (failed.attempts, failed.version) == (1, 2)

    def test_an_order_that_a_rival_retries_after_its_last_try_does_not_fail_again(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        order = ours.queue_up(("WIDGET", 2))
        failed, _ = lossy_shop.losing(lambda: ours.fail(order.id, attempts=3), lambda: rival.retry(order.id))
        assert (standing(failed), failed.attempts) == (("queued", 3), 0)
        assert history(ours, order) == [("queued", 1), ("failed", 2), ("queued", 3)]
