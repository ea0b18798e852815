"""Holds whose COMMIT was lost while a rival went on with the order: begun, confirmed, extended and expired once."""

from __future__ import annotations

import pytest

from oms_contracts.storage_contract.holding import OVERDUE, let_run_out, standing
from oms_contracts.storage_contract.lossy_shop import LossyShop
from oms_contracts.storage_contract.lost_order_commits import history
from oms_contracts.storage_contract.order_races import attempt
from oms_contracts.storage_contract.shop import placed
from oms_core.domain.hold_commands import ConfirmOrder, ExtendHold
from oms_core.domain.orders.statuses import OrderStatus


class LostHoldCommitPromises:
    """Placing with a hold, settling, confirming, extending and expiring, with the answer to the COMMIT lost."""

    def test_a_hold_that_a_rival_has_confirmed_since_was_begun_once(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        order = ours.order_to_hold(("WIDGET", 2), idempotency_key="K")
        (outcome,), confirmed = lossy_shop.losing(lambda: ours.place(order), lambda: rival.confirm(order.id))
        assert (placed(outcome).order, placed(outcome).replayed) == (confirmed, False)
        assert history(ours, confirmed) == [("held", 1), ("pending", 2)]
        assert ours.levels("WIDGET") == {"main": (5, 2)}

    def test_an_order_that_was_held_when_it_was_settled_and_confirmed_since_is_told_as_held(
        self, lossy_shop: LossyShop
    ) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        order = placed(ours.accept(ours.order_to_hold(("WIDGET", 2)))[0]).order
        settlement, confirmed = lossy_shop.losing(lambda: ours.settle(order.id), lambda: rival.confirm(order.id))
        assert settlement.statuses == {order.id: OrderStatus.HELD}
        assert history(ours, order) == [("queued", 1), ("held", 2), ("pending", 3)]
        assert (standing(confirmed), ours.levels("WIDGET")) == (("pending", 3), {"main": (5, 2)})

    def test_a_confirmation_that_a_rival_has_followed_is_told_as_made(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        order = ours.hold(("WIDGET", 2))
        confirmed, shipped = lossy_shop.losing(
            lambda: ours.confirm(order.id, "pay-1"), lambda: rival.move(order.id, OrderStatus.SHIPPED)
        )
        assert confirmed == shipped == ours.get(order.id)
        assert history(ours, order) == [("held", 1), ("pending", 2), ("shipped", 3)]

    def test_a_rival_with_another_payment_comes_too_late(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        order = ours.hold(("WIDGET", 2))
        confirmed, other = lossy_shop.losing(
            lambda: ours.confirm(order.id, "pay-1"), lambda: attempt(lambda: rival.confirm(order.id, "pay-2"))
        )
        assert (other, confirmed.payment_reference) == ("already_confirmed", "pay-1")

    def test_a_rival_who_sweeps_after_a_confirmation_finds_nothing(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        order = ours.hold(("WIDGET", 2), seconds=OVERDUE)
        confirmed, expired = lossy_shop.losing(lambda: ours.confirm(order.id), lambda: rival.expire(order.id))
        assert (standing(confirmed), expired) == (("pending", 2), [])
        assert not ours.audit().discrepancies

    def test_a_payment_of_an_order_that_a_rival_has_shipped_since_is_kept_once(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        order = ours.buy(("WIDGET", 2))
        paid, shipped = lossy_shop.losing(
            lambda: ours.confirm(order.id, "pay-1"), lambda: rival.move(order.id, OrderStatus.SHIPPED)
        )
        assert (paid, standing(paid), paid.payment_reference) == (shipped, ("shipped", 3), "pay-1")

    def test_a_confirmation_under_a_key_is_made_once_and_is_no_replay(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        command = ConfirmOrder(order_id=ours.hold(("WIDGET", 2)).id, payment_reference="pay-1", idempotency_key="K")
        ours_made, theirs = lossy_shop.losing(
            lambda: ours.holds.confirm(command, caller=ours.caller),
            lambda: rival.holds.confirm(command, caller=rival.caller),
        )
        assert (ours_made.replayed, theirs.replayed) == (False, True)
        assert ours_made.order == theirs.order
        assert standing(theirs.order) == ("pending", 2)

    @pytest.mark.parametrize("key", [None, "K"])
    def test_an_extension_that_a_rival_has_followed_is_counted_once(
        self, lossy_shop: LossyShop, key: str | None
    ) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        order = ours.hold(("WIDGET", 2), seconds=60)
        command = ExtendHold(order_id=order.id, seconds=600, idempotency_key=key)
        made, followed = lossy_shop.losing(
            lambda: ours.holds.extend(command, caller=ours.caller), lambda: rival.extend(order.id, 1_200)
        )
        assert (made.order, made.replayed) == (followed, False)
        assert (followed.hold_extensions, followed.version) == (2, 3)

    def test_an_extension_that_ran_out_and_expired_since_was_made(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        order = ours.hold(("WIDGET", 2), seconds=60)

        def run_out() -> object:
            let_run_out(rival, order)
            return rival.expire(order.id)

        extended, expired = lossy_shop.losing(lambda: ours.extend(order.id, 600), run_out)
        assert (standing(extended), expired) == (("expired", 4), [order.id])
        assert ours.levels("WIDGET") == {"main": (5, 0)}

    def test_holds_that_were_expired_and_gone_on_with_since_are_told_as_expired(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        orders = sorted(ours.hold(("WIDGET", 2), seconds=OVERDUE).id for _ in range(2))

        def go_on() -> None:
            rival.retry(orders[0])
            rival.settle(orders[0])
            rival.move(orders[1], OrderStatus.CANCELLED)

        expired, _ = lossy_shop.losing(lambda: ours.expire(*orders), go_on)
        assert expired == orders
        assert [standing(ours.get(order_id)) for order_id in orders] == [("held", 4), ("cancelled", 3)]
        assert ours.levels("WIDGET") == {"main": (5, 2)}
        assert not ours.audit().discrepancies

    def test_a_rival_who_sweeps_too_finds_it_done(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 5)
        order = ours.hold(("WIDGET", 2), seconds=OVERDUE)
        both = lossy_shop.losing(lambda: ours.expire(order.id), lambda: rival.expire(order.id))
        assert both == ([order.id], [])
        assert standing(ours.get(order.id)) == ("expired", 2)
        assert ours.levels("WIDGET") == {"main": (5, 0)}
