"""Settling: a batch in one transaction, halves of it around a fault, and tries that are counted where they belong."""

from __future__ import annotations

import pytest

from oms_core import OmsError, OrderStatus
from oms_core.domain.events import EventType
from tests.core.worker.worker_fixtures import ATTEMPTS_MAX, AWAY, POISON, WorkerHarness

PENDING = OrderStatus.PENDING


@pytest.fixture
def harness() -> WorkerHarness:
    return WorkerHarness()


def test_orders_are_placed_or_rejected_in_one_transaction_and_counted(harness: WorkerHarness) -> None:
    good, (greedy,) = harness.queue_up(3), harness.queue_up(1, quantity=200_000)
    assert harness.settling()([*good, greedy], {}) == 4
    assert harness.happened("settled") == [4]
    assert harness.statuses([*good, greedy]) == [PENDING, PENDING, PENDING, OrderStatus.REJECTED]
    failure = harness.order(greedy).failure
    assert failure is not None
    assert failure.code == "insufficient_inventory"
    assert harness.metrics.counts["oms_orders_decided_total", "placed"] == 3
    assert harness.metrics.counts["oms_orders_decided_total", "rejected"] == 1


def test_an_id_that_stands_twice_is_settled_once(harness: WorkerHarness) -> None:
    ids = harness.queue_up(2)
    assert harness.settling()([*ids, *ids], {}) == 2
    assert harness.shop.product("A").available == 100_000 - 2


def test_what_is_not_queued_any_more_is_not_counted(harness: WorkerHarness) -> None:
    ids = harness.queue_up(2)
    harness.shop.move(ids[0], OrderStatus.CANCELLED)
    assert harness.settling()(ids, {}) == 1
    assert harness.settling()(ids, {}) == 0


def test_what_one_transaction_does_not_take_is_settled_in_the_next(harness: WorkerHarness) -> None:
    lines = [(f"S{number}", 1) for number in range(2_000)]
    for sku, _ in lines:
        harness.shop.set(sku, 10)
    ids = [harness.shop.queue_up(*lines).id for _ in range(5)]
    assert harness.settling()(ids, {}) == 5
    assert harness.happened("settled") == [2, 2, 1]


def test_a_bug_met_by_one_order_is_found_by_halving(harness: WorkerHarness) -> None:
    good, (poison,) = harness.queue_up(7), harness.queue_up(1, customer_id=POISON)
    assert harness.settling()([*good[:3], poison, *good[3:]], {}) == 7
    assert sorted(harness.happened("settled")) == [1, 2, 4]
    assert harness.order(poison).attempts == 1


def test_the_fault_is_logged_once_without_those_of_the_larger_batches(
    harness: WorkerHarness, caplog: pytest.LogCaptureFixture
) -> None:
    good, (poison,) = harness.queue_up(7), harness.queue_up(1, customer_id=POISON)
    harness.settling()([*good, poison], {})
    (record,) = caplog.records
    assert str(poison) in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[1] is not None
    assert record.exc_info[1].__context__ is None


def test_an_orders_own_fault_is_told_by_its_code(harness: WorkerHarness) -> None:
    (order_id,) = harness.queue_up(1)
    harness.queue.faults = [OmsError("internal_error", "a CHECK of the database")]
    harness.settling()([order_id], {})
    failure = harness.order(order_id).failure
    assert failure is not None
    assert failure.detail == "a CHECK of the database"


def test_a_bugs_own_words_do_not_reach_the_order(harness: WorkerHarness) -> None:
    (poison,) = harness.queue_up(1, customer_id=POISON)
    harness.settling()([poison], {})
    failure = harness.order(poison).failure
    assert failure is not None
    assert failure.detail == "the order could not be placed"


@pytest.mark.parametrize("code", ["storage_unavailable", "outcome_unknown"])
def test_what_is_nobodys_fault_is_raised_and_counts_for_nobody(harness: WorkerHarness, code: str) -> None:
    ids = harness.queue_up(4)
    harness.queue.faults = [OmsError(code, "away")]
    with pytest.raises(OmsError, match=code):
        harness.settling()(ids, {})
    assert {harness.order(each).attempts for each in ids} == {0}
    assert harness.settling()(ids, {}) == 4, "the same call may be made again"


def test_a_fault_in_one_half_leaves_what_the_other_has_committed(harness: WorkerHarness) -> None:
    good, (poison,), rest = harness.queue_up(2), harness.queue_up(1, customer_id=POISON), harness.queue_up(1)
    harness.queue.after_settling = lambda: harness.queue.faults.append(AWAY)
    with pytest.raises(OmsError, match="storage_unavailable"):
        harness.settling()([*good, poison, *rest], {})
    assert harness.statuses(good) == [PENDING, PENDING]
    harness.queue.faults.clear()
    harness.queue.after_settling = lambda: None
    assert harness.settling()([*good, poison, *rest], {}) == 1


def test_a_claimed_try_is_counted_once(harness: WorkerHarness) -> None:
    (poison,) = harness.queue_up(1, customer_id=POISON)
    (claim,) = harness.queue.claim([poison], lease_seconds=30.0)
    harness.settling()([poison], {poison: claim.attempts})
    assert harness.order(poison).attempts == 1


def test_the_last_try_fails_the_order_with_an_event(harness: WorkerHarness) -> None:
    (poison,) = harness.queue_up(1, customer_id=POISON)
    for _ in range(ATTEMPTS_MAX):
        assert harness.order(poison).status is OrderStatus.QUEUED
        harness.settling()([poison], {poison: harness.order(poison).attempts + 1})
    assert harness.order(poison).status is OrderStatus.FAILED
    assert harness.shop.events(poison)[-1].event.type is EventType.ORDER_FAILED
    assert harness.shop.product("A").available == 100_000


def test_an_order_whose_every_try_was_begun_and_never_ended_is_failed_without_another(harness: WorkerHarness) -> None:
    murderer, innocent = harness.queue_up(2)
    assert harness.settling()([murderer, innocent], {murderer: ATTEMPTS_MAX + 1, innocent: ATTEMPTS_MAX}) == 1
    assert harness.statuses([murderer, innocent]) == [OrderStatus.FAILED, PENDING]
    order = harness.order(murderer)
    assert order.attempts == ATTEMPTS_MAX
    assert order.failure is not None
    assert "ended the worker" in order.failure.detail
