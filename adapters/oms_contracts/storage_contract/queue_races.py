"""Races over orders that wait: each is placed once, never twice and never after it was cancelled.

What waits for a lock and what passes it over is the storage's own; the outcome is as if one had come first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from oms_contracts.concurrency import Rival, run_together
from oms_contracts.storage_contract.injected_races import move_while
from oms_contracts.storage_contract.order_races import ROUNDS, THREADS, attempt, buyers
from oms_contracts.storage_contract.shop import Shop, placed
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.placement import Placed
from oms_core.domain.orders.queueing import Settlement
from oms_core.domain.orders.statuses import OrderStatus

UNITS = 200
BATCH = 10


def queue_up_many(shop: Shop, sku: str, count: int) -> list[UUID]:
    """Queue orders of one unit."""
    return [placed(each).order.id for each in shop.accept(*(shop.order((sku, 1)) for _ in range(count)))]


def settled_by(settlements: Sequence[Settlement]) -> list[UUID]:
    """Return the ids that were settled, as often as they were."""
    return sorted(order_id for settlement in settlements for order_id in settlement.statuses)


def written_once(shop: Shop, orders: Sequence[Order], sku: str) -> bool:
    """Return whether each order has two events and, if it is pending, its one reservation."""
    pending = [order.id for order in orders if order.status is OrderStatus.PENDING]
    reserved = [row.movement.order_id for row in shop.movements(sku) if row.movement.kind.value == "reserve"]
    events = {len(shop.events(order.id)) for order in orders}
    return events == {2} and sorted(reserved, key=str) == sorted(pending, key=str)


class QueueRacePromises:
    """Settling, cancelling, claiming and placing at the same time."""

    def test_the_same_orders_settled_by_sixteen_are_placed_once(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("HOT", 1_000)
        for _ in range(3):
            ids = queue_up_many(shop, "HOT", BATCH)
            works = [partial(hand.settle, *ids) for hand in buyers(shop, rival_shop)]
            run_together(works)
            shop.settle(*ids)  # Each may have found some of them in the hands of another.
            orders = [shop.get(order_id) for order_id in ids]
            assert [order.status for order in orders] == [OrderStatus.PENDING] * BATCH
            assert [order.version for order in orders] == [2] * BATCH
            assert {len(shop.events(order_id)) for order_id in ids} == {2}
        assert shop.levels("HOT") == {"main": (1_000, 3 * BATCH)}
        assert not shop.audit().discrepancies

    def test_a_rival_who_settles_the_same_orders_meanwhile_places_none_of_them_again(
        self, shop: Shop, rival_shop: Shop
    ) -> None:
        shop.set("HOT", 100)
        ids = queue_up_many(shop, "HOT", 3)
        rival = Rival(lambda: rival_shop.settle(*ids))
        ours = shop.settle_deciding(shop.deciding_after(rival.let_in), *ids)
        assert settled_by([ours, rival.outcome()]) == sorted(ids)
        assert written_once(shop, [shop.get(order_id) for order_id in ids], "HOT")
        assert shop.levels("HOT") == {"main": (100, 3)}
        assert not shop.audit().discrepancies

    def test_a_rival_who_settles_others_meanwhile_is_not_sold_the_same_units(
        self, shop: Shop, rival_shop: Shop
    ) -> None:
        shop.set("HOT", 3)
        ours, theirs = queue_up_many(shop, "HOT", 3), queue_up_many(shop, "HOT", 3)
        rival = Rival(lambda: rival_shop.settle(*theirs))
        settlement = shop.settle_deciding(shop.deciding_after(rival.let_in), *ours)
        assert settled_by([settlement, rival.outcome()]) == sorted([*ours, *theirs])
        orders = [shop.get(order_id) for order_id in (*ours, *theirs)]
        assert sorted(order.status.value for order in orders) == ["pending"] * 3 + ["rejected"] * 3
        assert written_once(shop, orders, "HOT")
        assert shop.levels("HOT") == {"main": (3, 3)}
        assert not shop.audit().discrepancies

    def test_a_rival_who_buys_the_last_units_meanwhile_leaves_none_to_settle(
        self, shop: Shop, rival_shop: Shop
    ) -> None:
        shop.set("WIDGET", 2)
        order = shop.queue_up(("WIDGET", 2))
        rival = Rival(lambda: rival_shop.place(rival_shop.order(("WIDGET", 2)))[0])
        ours = shop.settle_deciding(shop.deciding_after(rival.let_in), order.id).statuses[order.id]
        is_sold_to_rival = isinstance(rival.outcome(), Placed)
        assert (ours is OrderStatus.REJECTED) == is_sold_to_rival
        assert shop.levels("WIDGET") == {"main": (2, 2)}
        assert not shop.audit().discrepancies

    def test_a_rival_who_is_settling_meanwhile_leaves_none_to_buy(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 2)
        order = shop.queue_up(("WIDGET", 2))
        rival = Rival(lambda: rival_shop.settle(order.id).statuses[order.id])
        ours = shop.place_deciding(shop.deciding_after(rival.let_in), shop.order(("WIDGET", 2)))[0]
        assert isinstance(ours, Placed) == (rival.outcome() is OrderStatus.REJECTED)
        assert shop.levels("WIDGET") == {"main": (2, 2)}
        assert not shop.audit().discrepancies

    def test_who_cancels_while_an_order_is_being_settled_waits_and_gives_back_what_it_took(
        self, shop: Shop, rival_shop: Shop
    ) -> None:
        shop.set("WIDGET", 5)
        order = shop.queue_up(("WIDGET", 2))
        rival = Rival(lambda: rival_shop.move(order.id, OrderStatus.CANCELLED))
        settlement = shop.settle_deciding(shop.deciding_after(rival.let_in), order.id)
        assert settlement.statuses == {order.id: OrderStatus.PENDING}
        assert (rival.outcome().status, rival.outcome().version) == (OrderStatus.CANCELLED, 3)
        assert [event.event.data["to"] for event in shop.events(order.id)] == ["queued", "pending", "cancelled"]
        assert shop.levels("WIDGET") == {"main": (5, 0)}
        assert [row[0] for row in shop.ledger("WIDGET")] == ["count", "reserve", "release"]
        assert not shop.audit().discrepancies

    def test_what_is_being_cancelled_is_not_settled(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 5)
        order, other = shop.queue_up(("WIDGET", 2)), shop.queue_up(("WIDGET", 3))
        rival = Rival(lambda: rival_shop.settle(order.id, other.id))
        cancelled = move_while(shop, order, OrderStatus.CANCELLED, rival.let_in)
        assert (cancelled.status, cancelled.version) == (OrderStatus.CANCELLED, 2)
        assert rival.outcome().statuses == {other.id: OrderStatus.PENDING}
        assert shop.get(order.id) == cancelled
        assert shop.levels("WIDGET") == {"main": (5, 3)}
        assert not shop.audit().discrepancies

    def test_of_settling_and_cancelling_at_once_nothing_stays_reserved(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 100)
        for _ in range(ROUNDS):
            order = shop.queue_up(("WIDGET", 2))
            run_together(
                [
                    partial(attempt, partial(shop.settle, order.id)),
                    partial(attempt, partial(rival_shop.move, order.id, OrderStatus.CANCELLED)),
                ]
            )
            assert shop.get(order.id).status is OrderStatus.CANCELLED
        assert shop.levels("WIDGET") == {"main": (100, 0)}
        assert not shop.audit().discrepancies

    def test_sixteen_sweepers_claim_each_order_once(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 1_000)
        ids = queue_up_many(shop, "WIDGET", THREADS * BATCH)
        sweepers = [partial(hand.sweep, limit=BATCH, lease_seconds=3_600) for hand in buyers(shop, rival_shop)]
        swept = [order_id for claimed in run_together(sweepers) for order_id in claimed]
        swept += shop.sweep(lease_seconds=3_600)  # What nobody took for being in the hands of another.
        assert sorted(swept) == sorted(ids)
        assert {shop.get(order_id).attempts for order_id in ids} == {1}

    def test_workers_and_buyers_sell_each_unit_once(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("HOT", UNITS)
        ids = queue_up_many(shop, "HOT", UNITS)

        def drain(hand: Shop) -> int:
            settled = 0
            while claimed := hand.sweep(limit=BATCH, lease_seconds=3_600):
                settled += len(hand.settle(*claimed, claimed=claimed).statuses)
            return settled

        def buy(hand: Shop) -> int:
            outcomes = [hand.place(hand.order(("HOT", 1)))[0] for _ in range(UNITS // 8)]
            return sum(isinstance(outcome, Placed) for outcome in outcomes)

        hands = buyers(shop, rival_shop)[:8]
        run_together([partial(job, hand) for job, hand in zip([drain, buy] * 4, hands, strict=True)])
        drain(shop)
        orders = [shop.get(order_id) for order_id in ids]
        assert {order.status for order in orders} <= {OrderStatus.PENDING, OrderStatus.REJECTED}
        assert {(order.version, order.attempts) for order in orders} == {(2, 0)}
        assert shop.levels("HOT") == {"main": (UNITS, UNITS)}
        assert not shop.audit().discrepancies

    def test_retrying_sixteen_times_at_once_queues_once(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 0)
        order = shop.queue_up(("WIDGET", 1))
        shop.settle(order.id)
        retried = run_together([partial(hand.retry, order.id) for hand in buyers(shop, rival_shop)])
        assert {(each.version, each.status) for each in retried} == {(3, OrderStatus.QUEUED)}
        assert len(shop.events(order.id)) == 3
        assert list(shop.storage.queue.sample().numbers) == [shop.get(order.id).queue_no]

    def test_one_key_accepted_and_placed_on_sixteen_threads_is_one_order(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 100)
        for number in range(3):
            hands = buyers(shop, rival_shop)
            placements = [hand.order(("WIDGET", 1), idempotency_key=f"K-{number}") for hand in hands]
            works = [
                partial((hand.place, hand.accept)[index // 2 % 2], placement)
                for index, (hand, placement) in enumerate(zip(hands, placements, strict=True))
            ]
            outcomes = [placed(one[0]) for one in run_together(works)]
            assert len({(outcome.order.id, outcome.entered_as) for outcome in outcomes}) == 1
            assert sorted(outcome.replayed for outcome in outcomes) == [False] + [True] * (THREADS - 1)
        assert not shop.audit().discrepancies

    def test_of_many_who_ask_at_once_one_may_publish(self, shop: Shop, rival_shop: Shop) -> None:
        for _ in range(3):
            hands = [(f"relay-{number}", (shop, rival_shop)[number % 2]) for number in range(8)]
            given = run_together([partial(hand.storage.outbox.lease, name, seconds=3_600) for name, hand in hands])
            assert sorted(given) == [False] * 7 + [True]
            name, hand = hands[given.index(True)]
            hand.storage.outbox.release(name)
