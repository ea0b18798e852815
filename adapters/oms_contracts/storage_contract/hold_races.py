"""Races over holds: whoever comes first decides, and units are released once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from oms_contracts.concurrency import Rival, run_together
from oms_contracts.storage_contract.holding import OVERDUE
from oms_contracts.storage_contract.order_races import ROUNDS, THREADS, attempt, buy_until_refused, buyers
from oms_contracts.storage_contract.shop import CLERK, Shop, placed
from oms_core.domain.hold_commands import ConfirmOrder
from oms_core.domain.orders.holds import decide_confirmation
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.order_changes import OrderChange
from oms_core.domain.orders.placement import Placed, PlacementOutcome, Refused
from oms_core.domain.orders.shipments import Standing
from oms_core.domain.orders.statuses import OrderStatus

HOLDS = 64


def swept(shop: Shop, order: Order) -> str:
    """Expire one order, and say whether it was."""
    return "expired" if shop.expire(order.id) else "left"


def against_the_sweep(shop: Shop, rival_shop: Shop, act: Callable[[Order], object]) -> None:
    """Let an act on an overdue hold and the sweep meet; see that one of them happened, and the other did not."""
    shop.set("WIDGET", 100)
    for _ in range(ROUNDS):
        order = shop.hold(("WIDGET", 1), seconds=OVERDUE)
        ended = run_together([partial(attempt, partial(act, order)), partial(swept, rival_shop, order)])
        assert ended in (["done", "left"], ["hold_expired", "expired"])
        assert len(shop.events(order.id)) == 2
    assert not shop.audit().discrepancies


def confirm_while(shop: Shop, order: Order, step: Callable[[], None]) -> Order:
    """Confirm an order, with a step between the decision and what it writes."""
    command = ConfirmOrder(order_id=order.id, payment_reference="pay-1")

    def decide(found: Order, _: Standing) -> OrderChange | None:
        change = decide_confirmation(found, command, CLERK)
        step()
        return change

    return shop.storage.orders.change(order.id, owner=None, caller=CLERK, now=shop.clock.now(), decide=decide)


def place_and_hold(shop: Shop, to_place: str, to_hold: str) -> list[PlacementOutcome]:
    """Place an order for good under one key, and hold another under the other, in one batch."""
    return shop.place(
        shop.order(("WIDGET", 1), idempotency_key=to_place), shop.order_to_hold(("WIDGET", 1), idempotency_key=to_hold)
    )


class HoldRacePromises:
    """Races over holds."""

    def test_of_confirming_and_expiring_one_happens(self, shop: Shop, rival_shop: Shop) -> None:
        against_the_sweep(shop, rival_shop, lambda order: shop.confirm(order.id))

    def test_of_extending_and_expiring_one_happens(self, shop: Shop, rival_shop: Shop) -> None:
        against_the_sweep(shop, rival_shop, lambda order: shop.extend(order.id, 600))

    def test_who_cancels_a_hold_that_is_being_expired_releases_its_units_once(
        self, shop: Shop, rival_shop: Shop
    ) -> None:
        shop.set("WIDGET", 100)
        for _ in range(ROUNDS):
            order = shop.hold(("WIDGET", 3), seconds=OVERDUE)
            cancel = partial(attempt, partial(shop.move, order.id, OrderStatus.CANCELLED))
            cancelled, sweep = run_together([cancel, partial(swept, rival_shop, order)])
            assert (cancelled, sweep, shop.get(order.id).version) in {("done", "left", 2), ("done", "expired", 3)}
            assert shop.levels("WIDGET") == {"main": (100, 0)}
        assert not shop.audit().discrepancies

    def test_sixteen_who_sweep_expire_each_hold_once(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", HOLDS)
        batch = [shop.order_to_hold(("WIDGET", 1), seconds=OVERDUE) for _ in range(HOLDS)]
        ids = [placed(each).order.id for each in shop.place(*batch)]

        def sweep(hand: Shop) -> list[UUID]:
            return hand.expire(*[each.order_id for each in hand.storage.holds.overdue(limit=HOLDS)])

        expired = run_together([partial(sweep, hand) for hand in buyers(shop, rival_shop)])
        assert sorted(each for one in expired for each in one) == sorted(ids)
        assert shop.levels("WIDGET") == {"main": (HOLDS, 0)}
        assert not shop.audit().discrepancies

    def test_buyers_of_the_last_units_and_the_sweep_sell_each_unit_once(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 2 * HOLDS)
        batch = [shop.order_to_hold(("WIDGET", 1), seconds=OVERDUE) for _ in range(HOLDS)]
        ids = [placed(each).order.id for each in shop.place(*batch)]

        def sweep(hand: Shop) -> list[object]:
            return [hand.expire(*ids[start : start + 8]) for start in range(0, HOLDS, 8)]

        def buy(hand: Shop) -> list[object]:
            return [*buy_until_refused(hand, "WIDGET")]

        run_together([*(partial(buy, hand) for hand in buyers(shop, rival_shop)[:4]), partial(sweep, rival_shop)])
        last = buy_until_refused(shop, "WIDGET")
        assert not isinstance(last[-1], Placed)
        assert shop.levels("WIDGET") == {"main": (2 * HOLDS, 2 * HOLDS)}
        assert not shop.audit().discrepancies

    def test_batches_that_hold_what_others_place_under_the_same_keys_all_come_to_an_end(
        self, shop: Shop, rival_shop: Shop
    ) -> None:
        """Held orders are written after the others, and with them their keys: two batches meet them crosswise."""
        shop.set("WIDGET", 1_000)
        for number in range(ROUNDS):
            keys = [f"K-{number}", f"L-{number}"]
            works = [
                partial(place_and_hold, hand, *keys[:: (-1) ** turn])
                for turn, hand in enumerate(buyers(shop, rival_shop)[:4])
            ]
            outcomes = [outcome for both in run_together(works) for outcome in both]
            refused = {outcome.error.code for outcome in outcomes if isinstance(outcome, Refused)}
            assert refused <= {"idempotency_key_reused"}
            assert len({outcome.order.id for outcome in outcomes if isinstance(outcome, Placed)}) == len(keys)
        assert not shop.audit().discrepancies

    def test_of_two_payments_at_once_an_order_has_one(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 100)
        for number in range(ROUNDS):
            order = shop.hold(("WIDGET", 1))
            works = [
                partial(attempt, partial(hand.confirm, order.id, f"pay-{number}-{which}"))
                for which, hand in enumerate((shop, rival_shop))
            ]
            assert sorted(run_together(works)) == ["already_confirmed", "done"]
        assert not shop.audit().discrepancies

    def test_one_payment_for_two_orders_at_once_confirms_one(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 100)
        for number in range(ROUNDS):
            orders = [shop.hold(("WIDGET", 1)), shop.hold(("WIDGET", 1))]
            works = [
                partial(attempt, partial(hand.confirm, order.id, f"pay-{number}"))
                for hand, order in zip((shop, rival_shop), orders, strict=True)
            ]
            assert sorted(run_together(works)) == ["done", "payment_reference_in_use"]
            assert sorted(shop.get(order.id).status.value for order in orders) == ["held", "pending"]

    def test_confirming_sixteen_times_at_once_confirms_once(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 10)
        order = shop.hold(("WIDGET", 4))
        works = [partial(hand.confirm, order.id, "pay-1") for hand in buyers(shop, rival_shop)]
        assert [confirmed.version for confirmed in run_together(works)] == [2] * THREADS
        assert len(shop.events(order.id)) == 2

    def test_who_sweeps_while_an_order_is_being_confirmed_leaves_it(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 4)
        order = shop.hold(("WIDGET", 3), seconds=OVERDUE)
        rival = Rival(lambda: rival_shop.expire(order.id))
        confirmed = confirm_while(shop, order, rival.let_in)
        assert (rival.outcome(), confirmed.status) == ([], OrderStatus.PENDING)
        assert not shop.audit().discrepancies
