"""Settling: a batch in one transaction, halves of it around a fault, and tries that are counted where they belong."""

from __future__ import annotations

import pytest

from oms_core import OmsError, OrderStatus
from oms_core.domain.events import EventType
from tests.core.worker.worker_fixtures import ATTEMPTS_MAX, AWAY, POISON, Workroom

PENDING = OrderStatus.PENDING


@pytest.fixture
def room() -> Workroom:
    return Workroom()


def test_orders_are_placed_or_rejected_in_one_transaction_and_counted(room: Workroom) -> None:
    good, (greedy,) = room.queue_up(3), room.queue_up(1, quantity=200_000)
    assert room.settling()([*good, greedy], {}) == 4
    assert room.happened("settled") == [4]
    assert room.statuses([*good, greedy]) == [PENDING, PENDING, PENDING, OrderStatus.REJECTED]
    failure = room.order(greedy).failure
    assert failure is not None
    assert failure.code == "insufficient_inventory"
    assert room.metrics.counts["oms_orders_decided_total", "placed"] == 3
    assert room.metrics.counts["oms_orders_decided_total", "rejected"] == 1


def test_an_id_that_stands_twice_is_settled_once(room: Workroom) -> None:
    ids = room.queue_up(2)
    assert room.settling()([*ids, *ids], {}) == 2
    assert room.shop.product("A").available == 100_000 - 2


def test_what_is_not_queued_any_more_is_not_counted(room: Workroom) -> None:
    ids = room.queue_up(2)
    room.shop.move(ids[0], OrderStatus.CANCELLED)
    assert room.settling()(ids, {}) == 1
    assert room.settling()(ids, {}) == 0


def test_what_one_transaction_does_not_take_is_settled_in_the_next(room: Workroom) -> None:
    lines = [(f"S{number}", 1) for number in range(2_000)]
    for sku, _ in lines:
        room.shop.set(sku, 10)
    ids = [room.shop.queue_up(*lines).id for _ in range(5)]
    assert room.settling()(ids, {}) == 5
    assert room.happened("settled") == [2, 2, 1]


def test_a_bug_met_by_one_order_is_found_by_halving(room: Workroom) -> None:
    good, (poison,) = room.queue_up(7), room.queue_up(1, customer_id=POISON)
    assert room.settling()([*good[:3], poison, *good[3:]], {}) == 7
    assert sorted(room.happened("settled")) == [1, 2, 4]
    assert room.order(poison).attempts == 1


def test_the_fault_is_logged_once_without_those_of_the_larger_batches(
    room: Workroom, caplog: pytest.LogCaptureFixture
) -> None:
    good, (poison,) = room.queue_up(7), room.queue_up(1, customer_id=POISON)
    room.settling()([*good, poison], {})
    (record,) = caplog.records
    assert str(poison) in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[1] is not None
    assert record.exc_info[1].__context__ is None


def test_an_orders_own_fault_is_told_by_its_code(room: Workroom) -> None:
    (order_id,) = room.queue_up(1)
    room.queue.faults = [OmsError("internal_error", "a CHECK of the database")]
    room.settling()([order_id], {})
    failure = room.order(order_id).failure
    assert failure is not None
    assert failure.detail == "a CHECK of the database"


def test_a_bugs_own_words_do_not_reach_the_order(room: Workroom) -> None:
    (poison,) = room.queue_up(1, customer_id=POISON)
    room.settling()([poison], {})
    failure = room.order(poison).failure
    assert failure is not None
    assert failure.detail == "the order could not be placed"


@pytest.mark.parametrize("code", ["storage_unavailable", "outcome_unknown"])
def test_what_is_nobodys_fault_is_raised_and_counts_for_nobody(room: Workroom, code: str) -> None:
    ids = room.queue_up(4)
    room.queue.faults = [OmsError(code, "away")]
    with pytest.raises(OmsError, match=code):
        room.settling()(ids, {})
    assert {room.order(each).attempts for each in ids} == {0}
    assert room.settling()(ids, {}) == 4, "the same call may be made again"


def test_a_fault_in_one_half_leaves_what_the_other_has_committed(room: Workroom) -> None:
    good, (poison,), rest = room.queue_up(2), room.queue_up(1, customer_id=POISON), room.queue_up(1)
    room.queue.after_settling = lambda: room.queue.faults.append(AWAY)
    with pytest.raises(OmsError, match="storage_unavailable"):
        room.settling()([*good, poison, *rest], {})
    assert room.statuses(good) == [PENDING, PENDING]
    room.queue.faults.clear()
    room.queue.after_settling = lambda: None
    assert room.settling()([*good, poison, *rest], {}) == 1


def test_a_claimed_try_is_counted_once(room: Workroom) -> None:
    (poison,) = room.queue_up(1, customer_id=POISON)
    (claim,) = room.queue.claim([poison], lease_seconds=30.0)
    room.settling()([poison], {poison: claim.attempts})
    assert room.order(poison).attempts == 1


def test_the_last_try_fails_the_order_with_an_event(room: Workroom) -> None:
    (poison,) = room.queue_up(1, customer_id=POISON)
    for _ in range(ATTEMPTS_MAX):
        assert room.order(poison).status is OrderStatus.QUEUED
        room.settling()([poison], {poison: room.order(poison).attempts + 1})
    assert room.order(poison).status is OrderStatus.FAILED
    assert room.shop.events(poison)[-1].event.type is EventType.ORDER_FAILED
    assert room.shop.product("A").available == 100_000


def test_an_order_whose_every_try_was_begun_and_never_ended_is_failed_without_another(room: Workroom) -> None:
    murderer, innocent = room.queue_up(2)
    assert room.settling()([murderer, innocent], {murderer: ATTEMPTS_MAX + 1, innocent: ATTEMPTS_MAX}) == 1
    assert room.statuses([murderer, innocent]) == [OrderStatus.FAILED, PENDING]
    order = room.order(murderer)
    assert order.attempts == ATTEMPTS_MAX
    assert order.failure is not None
    assert "ended the worker" in order.failure.detail
