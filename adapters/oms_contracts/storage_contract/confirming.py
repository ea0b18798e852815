"""What a storage promises of confirmations and extensions: each once, a payment for one order."""

from __future__ import annotations

from datetime import timedelta

import pytest

from oms_contracts.storage_contract.failing import rejected
from oms_contracts.storage_contract.holding import last_event, let_run_out, seconds_left, standing
from oms_contracts.storage_contract.order_races import attempt
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.callers import ALL_SCOPES, Caller
from oms_core.domain.hold_commands import ConfirmOrder, ExtendHold
from oms_core.domain.limits import PAYMENT_REFERENCE_LENGTH_MAX
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.errors import OmsError

DAY = 86_400


class ConfirmPromises:
    """Orders that are confirmed."""

    def test_a_confirmed_order_is_pending_and_keeps_its_units(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        order = shop.hold(("WIDGET", 2))
        ledger = shop.ledger("WIDGET")
        confirmed = shop.confirm(order.id, "pay-1")
        assert confirmed == shop.get(order.id)
        assert (standing(confirmed), confirmed.payment_reference) == (("pending", 2), "pay-1")
        assert (confirmed.hold_seconds, confirmed.hold_until) == (900, order.hold_until)
        assert last_event(shop, order) == ("order.placed", 2, {"from": "held", "to": "pending", "reason": None})
        assert (shop.ledger("WIDGET"), shop.levels("WIDGET")) == (ledger, {"main": (5, 2)})
        assert shop.move(order.id, OrderStatus.SHIPPED).status is OrderStatus.SHIPPED
        assert not shop.audit().discrepancies

    def test_a_hold_that_has_run_out_but_was_not_expired_is_confirmed(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        order = shop.hold(("WIDGET", 2), seconds=-3_600)
        assert standing(shop.confirm(order.id)) == ("pending", 2)
        assert (shop.expire(order.id), shop.storage.holds.count_overdue()) == ([], 0)

    def test_an_expired_hold_is_not_confirmed_or_extended(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        order = shop.hold(("WIDGET", 2), seconds=-60)
        shop.expire(order.id)
        before = shop.everything()
        ended = [attempt(lambda: shop.confirm(order.id, "pay-1")), attempt(lambda: shop.extend(order.id, 60))]
        assert ended == ["hold_expired"] * 2
        assert shop.everything() == before

    def test_confirming_again_changes_nothing_unless_it_is_with_another_payment(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        order = shop.hold(("WIDGET", 2))
        confirmed = shop.confirm(order.id, "pay-1")
        assert [shop.confirm(order.id), shop.confirm(order.id, "pay-1")] == [confirmed] * 2
        assert attempt(lambda: shop.confirm(order.id, "pay-2")) == "already_confirmed"
        shop.move(order.id, OrderStatus.SHIPPED)
        assert attempt(lambda: shop.confirm(order.id, "pay-2")) == "already_confirmed"
        assert standing(shop.confirm(order.id, "pay-1")) == ("shipped", 3)

    def test_an_order_that_was_never_held_gets_its_payment_once(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        order = shop.buy(("WIDGET", 2))
        assert shop.confirm(order.id) == order
        paid = shop.confirm(order.id, "pay-1")
        assert (paid, standing(paid), paid.payment_reference) == (shop.get(order.id), ("pending", 2), "pay-1")
        assert shop.confirm(order.id, "pay-1") == paid
        assert attempt(lambda: shop.confirm(order.id, "pay-2")) == "already_confirmed"
        assert len(shop.events(order.id)) == 1

    def test_a_payment_is_for_one_order_for_good(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        paid, order = shop.hold(("WIDGET", 1)), shop.hold(("WIDGET", 1))
        shop.confirm(paid.id, "pay-1")
        shop.move(paid.id, OrderStatus.CANCELLED)
        with pytest.raises(OmsError, match="another order") as caught:
            shop.confirm(order.id, "pay-1")
        assert caught.value.code == "payment_reference_in_use"
        assert str(paid.id) not in f"{caught.value.detail} {caught.value.data}"
        assert shop.get(order.id) == order
        assert standing(shop.confirm(order.id, "pay-2")) == ("pending", 2)
        longest = "ß" * PAYMENT_REFERENCE_LENGTH_MAX
        assert shop.confirm(shop.hold(("WIDGET", 1)).id, longest).payment_reference == longest

    def test_what_has_no_stock_is_not_confirmed(self, shop: Shop) -> None:
        shop.set("GADGET", 5)
        order, cancelled = rejected(shop), shop.hold(("GADGET", 1))
        shop.move(cancelled.id, OrderStatus.CANCELLED)
        ended = [attempt(lambda: shop.confirm(each.id, "pay-1")) for each in (order, cancelled)]  # noqa: B023  At once.
        assert ended == ["invalid_transition"] * 2

    def test_a_confirmation_under_a_key_is_made_once_and_shown_as_it_is_now(self, shop: Shop) -> None:
        shop.set("GADGET", 5)
        order = shop.hold(("GADGET", 1))
        command = ConfirmOrder(order_id=order.id, payment_reference="pay-1", idempotency_key="K")
        first = shop.holds.confirm(command, caller=shop.caller)
        moved = shop.move(order.id, OrderStatus.CANCELLED)
        again = shop.holds.confirm(command, caller=shop.caller)
        assert (standing(first.order), first.replayed) == (("pending", 2), False)
        assert (again.order, again.replayed) == (moved, True)
        other = ConfirmOrder(order_id=order.id, payment_reference="pay-2", idempotency_key="K")
        assert attempt(lambda: shop.holds.confirm(other, caller=shop.caller)) == "idempotency_key_reused"

    def test_a_confirmation_that_is_refused_does_not_burn_its_key(self, shop: Shop) -> None:
        shop.set("GADGET", 5)
        paid, order = shop.hold(("GADGET", 1)), shop.hold(("GADGET", 1))
        shop.confirm(paid.id, "pay-1")
        assert attempt(lambda: shop.confirm(order.id, "pay-1", idempotency_key="K")) == "payment_reference_in_use"
        assert standing(shop.confirm(order.id, "pay-2", idempotency_key="K")) == ("pending", 2)

    def test_a_confirmation_of_another_version_is_refused(self, shop: Shop) -> None:
        shop.set("GADGET", 5)
        order = shop.hold(("GADGET", 1))
        assert attempt(lambda: shop.confirm(order.id, if_version=2)) == "version_mismatch"
        assert standing(shop.confirm(order.id, if_version=1)) == ("pending", 2)

    def test_callers_that_are_bound_to_a_customer_do_neither(self, shop: Shop) -> None:
        shop.set("GADGET", 5)
        order = shop.hold(("GADGET", 1), customer_id="C1")
        bound = shop.of(Caller(name="shop", scopes=ALL_SCOPES, customer_id="C1"))
        ended = [attempt(lambda: bound.confirm(order.id)), attempt(lambda: bound.extend(order.id, 60))]
        assert ended == ["forbidden"] * 2


class ExtensionPromises:
    """Holds that are extended."""

    def test_an_extended_hold_ends_later(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        order = shop.hold(("WIDGET", 2), seconds=60)
        extended = shop.extend(order.id, 1_200)
        assert extended == shop.get(order.id)
        assert (standing(extended), extended.hold_extensions, extended.hold_seconds) == (("held", 2), 1, 60)
        assert 1_180 < seconds_left(shop, extended) <= 1_200
        kind, version, data = last_event(shop, order)
        assert (kind, version, data["hold_extensions"]) == ("order.hold_extended", 2, 1)
        assert extended.hold_until is not None
        assert data["hold_until"] == extended.hold_until.isoformat(timespec="microseconds").replace("+00:00", "Z")
        assert shop.levels("WIDGET") == {"main": (5, 2)}

    def test_an_extension_that_moves_nothing_is_none(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        order = shop.hold(("WIDGET", 2), seconds=900)
        assert shop.extend(order.id, 600) == order
        assert len(shop.events(order.id)) == 1

    def test_an_overdue_hold_is_extended_until_it_is_expired(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        order = shop.hold(("WIDGET", 2), seconds=-60)
        assert shop.extend(order.id, 60).hold_extensions == 1
        assert (shop.expire(order.id), shop.storage.holds.overdue(limit=9)) == ([], [])
        let_run_out(shop, order)
        assert shop.expire(order.id) == [order.id]

    def test_a_hold_is_extended_so_often_and_no_more(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        order = shop.hold(("WIDGET", 2), seconds=60)
        ends = [shop.extend(order.id, seconds).hold_until for seconds in (120, 180, 240)]
        with pytest.raises(OmsError) as caught:
            shop.extend(order.id, 300)
        figures = caught.value.figures("extension_limit")
        assert figures is not None
        assert (figures["extensions"], figures["extensions_max"]) == (3, 3)
        assert shop.get(order.id).hold_until == ends[-1]
        assert shop.extend(order.id, 120).hold_until == ends[-1]  # Nothing to extend.

    def test_each_extension_is_one_longest_hold_at_most(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        order = shop.hold(("WIDGET", 2), seconds=-60)
        extended = shop.extend(order.id, DAY)
        assert order.hold_until is not None
        assert extended.hold_until == order.hold_until + timedelta(seconds=DAY)
        assert attempt(lambda: shop.extend(order.id, DAY + 1)) == "validation_error"

    def test_what_is_not_held_is_not_extended(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        for order in (shop.buy(("WIDGET", 1)), shop.confirm(shop.hold(("WIDGET", 1)).id)):
            assert attempt(lambda: shop.extend(order.id, 60)) == "invalid_transition"  # noqa: B023  At once.

    def test_an_extension_under_a_key_is_made_once(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        order = shop.hold(("WIDGET", 2), seconds=60)
        command = ExtendHold(order_id=order.id, seconds=600, idempotency_key="K")
        first = shop.holds.extend(command, caller=shop.caller)
        let_run_out(shop, order)
        again = shop.holds.extend(command, caller=shop.caller)
        assert (first.replayed, again.replayed) == (False, True)
        assert again.order == shop.get(order.id)
        assert again.order.hold_extensions == 1
        assert attempt(lambda: shop.extend(order.id, 601, idempotency_key="K")) == "idempotency_key_reused"
        assert attempt(lambda: shop.confirm(order.id, idempotency_key="K")) == "idempotency_key_reused"
