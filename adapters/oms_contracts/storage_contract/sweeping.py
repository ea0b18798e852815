"""What `claim`, `sweep` and `sample` promise: tries are counted first, what is due is found, the queue is seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from oms_contracts.clock import TickingClock
from oms_contracts.storage_contract.settling import NOTHING
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.queueing import Claim, QueueSample
from oms_core.domain.orders.statuses import OrderStatus

LONG_SECONDS = 3_600.0
NOBODY = QueueSample(numbers=[], last_number=None, oldest_since=None, failed=0, rejected=0)


def at(shop: Shop, ago: timedelta) -> Shop:
    """Return the shop with a clock that lies so far back from this machine's."""
    return Shop(storage=shop.storage, clock=TickingClock(seed=9, beginning=datetime.now(UTC) - ago))


def queue_up_some(shop: Shop, count: int) -> list[Order]:
    """Queue orders of one unit."""
    shop.set("WIDGET", 100)
    return [shop.queue_up(("WIDGET", 1)) for _ in range(count)]


def claims(shop: Shop, *orders: Order, lease_seconds: float = LONG_SECONDS) -> list[Claim]:
    """Claim these orders."""
    return shop.storage.queue.claim([order.id for order in orders], lease_seconds=lease_seconds)


class SweepingPromises:
    """Finding orders that no message brought."""

    def test_a_claim_counts_the_try_and_changes_nothing_else(self, shop: Shop) -> None:
        first, second = queue_up_some(shop, 2)
        assert claims(shop, second, first) == [
            Claim(order_id=first.id, attempts=1),
            Claim(order_id=second.id, attempts=1),
        ]
        assert claims(shop, first) == [Claim(order_id=first.id, attempts=2)]
        after = shop.get(first.id)
        assert (after.attempts, after.version, after.updated_at) == (2, 1, first.updated_at)
        assert (after.status, after.queue_no, len(shop.events(first.id))) == (first.status, first.queue_no, 1)

    def test_an_id_that_stands_twice_is_claimed_once(self, shop: Shop) -> None:
        (order,) = queue_up_some(shop, 1)
        assert claims(shop, order, order) == [Claim(order_id=order.id, attempts=1)]

    def test_what_is_claimed_is_due_for_nobody_else(self, shop: Shop, rival_shop: Shop) -> None:
        first, second = queue_up_some(shop, 2)
        claims(shop, first)
        assert rival_shop.settle(first.id) == NOTHING
        assert rival_shop.sweep() == [second.id]
        claims(shop, second, lease_seconds=0)
        assert rival_shop.sweep() == [second.id]

    def test_a_claim_that_is_given_up_counts_no_try_and_is_due_for_everybody(
        self, shop: Shop, rival_shop: Shop
    ) -> None:
        kept, given_up = queue_up_some(shop, 2)
        _, claim = claims(shop, kept, given_up)
        shop.storage.queue.unclaim([claim])
        assert [shop.get(order.id).attempts for order in (kept, given_up)] == [1, 0]
        assert shop.get(given_up.id) == given_up
        assert rival_shop.sweep() == [given_up.id]

    def test_only_what_is_as_its_claim_has_left_it_can_be_given_up(self, shop: Shop, rival_shop: Shop) -> None:
        settled, claimed_again, cancelled = orders = queue_up_some(shop, 3)
        held = claims(shop, *orders)
        shop.settle(settled.id, claimed=[settled.id])
        claims(rival_shop, claimed_again)
        rival_shop.move(cancelled.id, OrderStatus.CANCELLED)
        before = [shop.get(order.id) for order in orders]
        shop.storage.queue.unclaim(held)
        shop.storage.queue.unclaim([])
        assert [shop.get(order.id) for order in orders] == before
        assert rival_shop.sweep() == []

    def test_who_was_tried_twice_is_claimed_alone(self, shop: Shop) -> None:
        orders = queue_up_some(shop, 5)
        for _ in range(2):
            for tried in (orders[1], orders[3]):
                claims(shop, tried, lease_seconds=0)
        assert [claims(shop, *rest) for rest in (orders, orders[1:], orders[2:], orders[3:])] == [
            [Claim(order_id=orders[0].id, attempts=1)],
            [Claim(order_id=orders[1].id, attempts=3)],
            [Claim(order_id=orders[2].id, attempts=1)],
            [Claim(order_id=orders[3].id, attempts=3)],
        ]
        assert [shop.get(order.id).attempts for order in orders] == [1, 3, 1, 3, 0]

    def test_a_sweep_claims_alone_who_was_tried_twice(self, shop: Shop) -> None:
        orders = queue_up_some(shop, 4)
        for _ in range(2):
            claims(shop, orders[2], lease_seconds=0)
        swept = [shop.sweep(lease_seconds=LONG_SECONDS) for _ in range(4)]
        assert swept == [[order.id for order in part] for part in (orders[:2], orders[2:3], orders[3:], [])]

    def test_only_what_is_queued_is_claimed(self, shop: Shop) -> None:
        settled, gone, waiting = queue_up_some(shop, 3)
        shop.settle(settled.id)
        shop.move(gone.id, OrderStatus.CANCELLED)
        bought = shop.buy(("WIDGET", 1))
        assert [claim.order_id for claim in claims(shop, bought, settled, gone, waiting)] == [waiting.id]
        assert [shop.get(each.id).attempts for each in (bought, settled, gone)] == [0, 0, 0]
        assert claims(shop) == []

    def test_a_sweep_claims_what_waits_by_number_up_to_its_limit(self, shop: Shop) -> None:
        orders = queue_up_some(shop, 5)
        swept = shop.storage.queue.sweep(older_than_seconds=0, limit=3, lease_seconds=LONG_SECONDS)
        assert swept == [Claim(order_id=order.id, attempts=1) for order in orders[:3]]
        assert shop.sweep(limit=3, lease_seconds=LONG_SECONDS) == [order.id for order in orders[3:]]
        assert shop.sweep() == []
        assert [shop.get(order.id).attempts for order in orders] == [1] * 5

    def test_a_retried_order_is_swept_after_those_who_wait(self, shop: Shop) -> None:
        shop.set("WIDGET", 0)
        first, second = shop.queue_up(("WIDGET", 1)), shop.queue_up(("WIDGET", 1))
        shop.settle(first.id)
        shop.retry(first.id)
        assert shop.sweep() == [second.id, first.id]

    def test_a_sweep_leaves_alone_what_is_not_old_enough(self, shop: Shop) -> None:
        shop.set("WIDGET", 100)
        old = at(shop, timedelta(hours=2)).queue_up(("WIDGET", 1))
        new = at(shop, timedelta(minutes=5)).queue_up(("WIDGET", 1))
        assert shop.sweep(older_than_seconds=LONG_SECONDS) == [old.id]
        assert shop.sweep(older_than_seconds=60) == [old.id, new.id]
        at(shop, timedelta(minutes=1)).fail(old.id, attempts=1, jitter=0.0)
        assert shop.sweep(older_than_seconds=LONG_SECONDS) == []

    def test_a_sweep_at_any_age_takes_what_a_clock_ahead_has_written(self, shop: Shop) -> None:
        shop.set("WIDGET", 100)
        ahead = at(shop, -timedelta(hours=2)).queue_up(("WIDGET", 1))
        assert shop.sweep() == [ahead.id]

    def test_what_is_due_is_told_by_the_clock_of_the_database(self, shop: Shop) -> None:
        shop.set("WIDGET", 100)
        old = at(shop, timedelta(days=2))
        order = old.queue_up(("WIDGET", 1))
        old.fail(order.id, attempts=12, attempts_max=20)  # Due in five minutes, two days ago by the caller's clock.
        assert shop.sweep() == []
        old.fail(order.id, attempts=1, jitter=0.0)
        assert shop.sweep() == [order.id]

    def test_an_empty_queue_is_seen_empty(self, shop: Shop) -> None:
        assert shop.storage.queue.sample() == NOBODY
        assert shop.sweep() == []
        shop.set("WIDGET", 1)
        shop.buy(("WIDGET", 1))
        assert shop.storage.queue.sample() == NOBODY

    def test_a_sample_shows_who_waits_and_what_failed(self, shop: Shop) -> None:
        orders = queue_up_some(shop, 6)
        shop.settle(orders[0].id)
        shop.move(orders[1].id, OrderStatus.CANCELLED)
        shop.fail(orders[4].id, attempts=3, attempts_max=3)
        rejected = [shop.queue_up(("WIDGET", 1_000)) for _ in range(2)]
        shop.settle(*(order.id for order in rejected))
        waiting = [orders[2], orders[3], orders[5]]
        sample = shop.storage.queue.sample()
        assert list(sample.numbers) == [order.queue_no for order in waiting]
        assert (sample.depth, sample.last_number) == (3, waiting[-1].queue_no)
        assert sample.oldest_since == waiting[0].updated_at
        assert (sample.failed, sample.rejected) == (1, 2)
        assert [sample.position(order.queue_no or 0) for order in waiting] == [1, 2, 3]

    def test_claimed_orders_still_wait_in_their_place(self, shop: Shop) -> None:
        orders = queue_up_some(shop, 3)
        before = shop.storage.queue.sample()
        claims(shop, *orders)
        assert shop.storage.queue.sample() == before
