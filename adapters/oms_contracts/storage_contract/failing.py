"""What becomes of an order that cannot be written: later tries, the last one, and the person who retries it."""

from __future__ import annotations

import pytest

from oms_contracts.storage_contract.finding_orders import found
from oms_contracts.storage_contract.settling import NOTHING, short, statuses
from oms_contracts.storage_contract.shop import CLERK, Shop
from oms_core.domain.events import EventType
from oms_core.domain.orders.order import Order, OrderFailure, OrderFilter
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.errors import OmsError

FAILURE = OrderFailure(code="internal_error", detail="it cannot be written")
TEXTS = ["O'Brien; --", '"quoted" \\ %s ?', "ß 日本 😀", "{}", "null"]


def rejected(shop: Shop) -> Order:
    """Return an order that was rejected."""
    shop.set("WIDGET", 1)
    order = shop.queue_up(("WIDGET", 2))
    shop.settle(order.id)
    return shop.get(order.id)


class FailingPromises:
    """`OrderStorage.change` with a queue entry, and `OrderFilter.failure_code`."""

    def test_a_failed_try_keeps_the_order_queued_and_says_why(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        order = shop.queue_up(("WIDGET", 1))
        failed = shop.fail(order.id, attempts=1)
        assert failed == shop.get(order.id)
        assert (failed.status, failed.attempts, failed.failure) == (OrderStatus.QUEUED, 1, FAILURE)
        assert (failed.version, failed.queue_no) == (2, order.queue_no)
        assert failed.updated_at > order.updated_at
        assert len(shop.events(order.id)) == 1
        assert shop.fail(order.id, attempts=2).attempts == 2

    def test_a_failed_try_is_due_after_its_wait(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        order = shop.queue_up(("WIDGET", 1))
        shop.fail(order.id, attempts=12, attempts_max=20)
        assert (shop.sweep(), shop.settle(order.id)) == ([], NOTHING)
        shop.fail(order.id, attempts=12, attempts_max=20, jitter=0.0)
        assert shop.sweep() == [order.id]
        assert statuses(shop.settle(order.id, claimed=[order.id]), order) == ["pending"]

    def test_after_the_last_try_the_order_has_failed(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        order = shop.queue_up(("WIDGET", 1))
        shop.fail(order.id, attempts=2)
        failed = shop.fail(order.id, attempts=3)
        assert failed == shop.get(order.id)
        assert (failed.status, failed.attempts, failed.failure, failed.version) == (OrderStatus.FAILED, 3, FAILURE, 3)
        _, entry = shop.events(order.id)
        assert (entry.event.type, entry.event.order_version, entry.actor) == (EventType.ORDER_FAILED, 3, CLERK.name)
        assert entry.event.data == {
            "from": "queued",
            "to": "failed",
            "reason": None,
            "failure": {"code": FAILURE.code, "detail": FAILURE.detail},
        }
        assert (shop.sweep(), shop.settle(order.id, claimed=[order.id])) == ([], NOTHING)

    def test_a_failed_try_of_an_order_that_is_settled_or_cancelled_changes_nothing(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        settled, gone = shop.queue_up(("WIDGET", 1)), shop.queue_up(("WIDGET", 1))
        shop.settle(settled.id)
        shop.move(gone.id, OrderStatus.CANCELLED)
        before = shop.everything()
        for order in (settled, gone):
            assert shop.fail(order.id, attempts=3) == shop.get(order.id)
        assert shop.everything() == before

    def test_a_rejected_order_is_retried_as_new_and_after_all_who_wait(self, shop: Shop) -> None:
        order = rejected(shop)
        waiting = shop.queue_up(("WIDGET", 1))
        retried = shop.retry(order.id, "stock came")
        assert retried == shop.get(order.id)
        assert (retried.status, retried.version, retried.failure, retried.attempts) == (OrderStatus.QUEUED, 3, None, 0)
        assert list(shop.storage.queue.sample().numbers) == [waiting.queue_no, retried.queue_no]
        entry = shop.events(order.id)[-1]
        assert (entry.event.type, entry.event.order_version) == (EventType.ORDER_RETRIED, 3)
        assert entry.event.data == {"from": "rejected", "to": "queued", "reason": "stock came"}
        shop.set("WIDGET", 3)
        assert statuses(shop.settle(order.id, waiting.id), waiting, order) == ["pending", "pending"]
        assert not shop.audit().discrepancies

    def test_a_failed_order_is_retried_at_once_and_has_all_its_tries_again(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        order = shop.queue_up(("WIDGET", 1))
        shop.storage.queue.claim([order.id], lease_seconds=3_600)
        shop.fail(order.id, attempts=3)
        retried = shop.retry(order.id)
        assert (retried.attempts, retried.failure) == (0, None)
        assert shop.events(order.id)[-1].event.data == {"from": "failed", "to": "queued", "reason": None}
        assert shop.sweep() == [order.id]

    def test_retrying_an_order_that_waits_changes_nothing(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        order = shop.queue_up(("WIDGET", 1))
        shop.fail(order.id, attempts=1, jitter=1_000.0)
        before = shop.everything()
        assert shop.retry(order.id) == shop.get(order.id)
        assert shop.everything() == before
        assert shop.sweep() == []

    def test_an_order_that_was_placed_or_cancelled_cannot_be_retried(self, shop: Shop) -> None:
        shop.set("WIDGET", 2)
        bought = shop.buy(("WIDGET", 1))
        gone = shop.queue_up(("WIDGET", 1))
        shop.move(gone.id, OrderStatus.CANCELLED)
        before = shop.everything()
        for order in (bought, gone):
            with pytest.raises(OmsError) as caught:
                shop.retry(order.id)
            assert caught.value.code == "invalid_transition"
        assert shop.everything() == before

    def test_rejected_and_failed_orders_are_cancelled_and_keep_their_reason(self, shop: Shop) -> None:
        turned_down = rejected(shop)
        broken = shop.queue_up(("WIDGET", 1))
        shop.fail(broken.id, attempts=3)
        for order in (turned_down, broken):
            failure = shop.get(order.id).failure
            moved = shop.move(order.id, OrderStatus.CANCELLED)
            assert (moved.status, moved.failure) == (OrderStatus.CANCELLED, failure)
        assert shop.levels("WIDGET") == {"main": (1, 0)}

    @pytest.mark.parametrize("text", TEXTS)
    def test_a_failure_survives_as_it_was_given(self, shop: Shop, text: str) -> None:
        sku = f"S{text}"
        shop.set(sku, 1)
        order = shop.queue_up((sku, 2))
        shop.settle(order.id)
        failure = shop.get(order.id).failure
        assert failure == short(sku, 2, 1)
        data = shop.events(order.id)[-1].event.data
        assert data["failure"] == {"code": failure.code, "detail": failure.detail}

    def test_orders_are_found_by_the_code_of_their_failure(self, shop: Shop) -> None:
        first, second = rejected(shop), rejected(shop)
        broken, waiting = shop.queue_up(("WIDGET", 1)), shop.queue_up(("WIDGET", 1), customer_id="C2")
        bought = shop.buy(("WIDGET", 1))
        shop.fail(broken.id, attempts=3)
        shop.fail(waiting.id, attempts=1)
        by_stock, by_bug = OrderFilter(failure_code="insufficient_inventory"), OrderFilter(failure_code=FAILURE.code)
        assert found(shop, by_stock) == [second.id, first.id]
        assert found(shop, by_stock, after=second.id) == [first.id]
        assert found(shop, by_stock, limit=1) == [second.id]
        assert found(shop, by_bug) == [waiting.id, broken.id]
        assert found(shop, OrderFilter(failure_code="no_such_code")) == []
        assert bought.id in found(shop, OrderFilter())

    def test_a_failure_code_is_combined_with_every_other_filter(self, shop: Shop) -> None:
        order = rejected(shop)
        broken, other = shop.queue_up(("WIDGET", 1), reference="R1"), shop.queue_up(("WIDGET", 1), customer_id="C2")
        shop.fail(broken.id, attempts=3)
        shop.fail(other.id, attempts=1)
        code = FAILURE.code
        both = frozenset({OrderStatus.FAILED, OrderStatus.REJECTED})
        assert found(shop, OrderFilter(failure_code=code, statuses=both)) == [broken.id]
        assert found(shop, OrderFilter(failure_code=code, statuses=frozenset({OrderStatus.QUEUED}))) == [other.id]
        assert found(shop, OrderFilter(failure_code=code, customer_id="C2")) == [other.id]
        assert found(shop, OrderFilter(failure_code=code, reference="R1")) == [broken.id]
        assert found(shop, OrderFilter(failure_code=code, sku="WIDGET")) == [other.id, broken.id]
        assert found(shop, OrderFilter(failure_code=code, created_from=other.created_at)) == [other.id]
        assert found(shop, OrderFilter(failure_code="insufficient_inventory", statuses=both)) == [order.id]

    def test_a_failure_that_is_over_is_found_no_more(self, shop: Shop) -> None:
        order = rejected(shop)
        shop.retry(order.id)
        assert found(shop, OrderFilter(failure_code="insufficient_inventory")) == []
