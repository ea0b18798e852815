"""The worker: acknowledged after the commit, faults waited out, one order's fault no other's."""

from __future__ import annotations

from typing import Any

import pytest

from oms_core import OmsError, OrderStatus
from oms_core.domain.limits import MESSAGE_BYTES_MAX
from tests.core.worker.worker_fixtures import ATTEMPTS_MAX, AWAY, POISON, WorkerHarness, ask, tell

PENDING, QUEUED = OrderStatus.PENDING, OrderStatus.QUEUED
COMMAND = {"customer_id": "C1", "lines": [{"sku": "A", "quantity": 1}], "idempotency_key": "k1"}


@pytest.fixture
def harness() -> WorkerHarness:
    return WorkerHarness()


def test_messages_share_a_transaction_and_are_acknowledged_after_it(harness: WorkerHarness) -> None:
    ids = harness.queue_up(6)
    inbox = harness.work([tell(*ids[:2]), tell(*ids[2:5]), tell(ids[5])])
    assert harness.statuses(ids) == [PENDING] * 6
    assert [entry for entry in harness.journal if entry[0] != "swept"] == [("settled", 6), ("acknowledged", 3)]
    assert inbox.closed == 1


def test_a_batch_is_as_large_as_it_may_be_and_no_larger() -> None:
    harness = WorkerHarness(batch_max=4)
    ids = harness.queue_up(13)
    harness.work([tell(*ids[:3]), tell(ids[3]), tell(ids[4]), tell(*ids[5:])])
    assert [entry for entry in harness.journal if entry[0] != "swept"] == [
        ("settled", 4),
        ("acknowledged", 2),
        ("settled", 1),
        ("acknowledged", 1),
        ("settled", 4),
        ("settled", 4),
        ("acknowledged", 1),
    ]
    assert harness.statuses(ids) == [PENDING] * 13


def test_full_batches_follow_each_other_closely_and_yet_in_order() -> None:
    harness = WorkerHarness(batch_max=50)
    harness.shop.set("RARE", 120)
    ids = [harness.shop.queue_up(("RARE", 1)).id for _ in range(230)]
    inbox = harness.work([tell(*ids[start : start + 25]) for start in range(0, 230, 25)])
    assert harness.statuses(ids) == [PENDING] * 120 + [OrderStatus.REJECTED] * 110
    assert len(inbox.acknowledged) == 10
    assert harness.happened("acknowledged") == [2, 2, 2, 2, 2]


def test_of_full_batches_a_stop_lets_those_in_hand_be_finished_and_acknowledged() -> None:
    harness = WorkerHarness(batch_max=50)
    ids = harness.queue_up(300)
    harness.queue.after_settling = harness.stop.set
    inbox = harness.work([tell(*ids[start : start + 50]) for start in range(0, 300, 50)])
    placed = harness.statuses(ids).count(PENDING)
    assert placed in {50, 100}
    assert len(inbox.acknowledged) * 50 == placed
    assert harness.statuses(ids) == [PENDING] * placed + [QUEUED] * (300 - placed)


def test_of_full_batches_a_poisonous_order_costs_the_others_nothing() -> None:
    harness = WorkerHarness(batch_max=50)
    before, (poison,), after = harness.queue_up(70), harness.queue_up(1, customer_id=POISON), harness.queue_up(79)
    ids = [*before, poison, *after]
    inbox = harness.work([tell(*ids[start : start + 50]) for start in range(0, 150, 50)])
    assert harness.statuses([*before, *after]) == [PENDING] * 149
    assert harness.order(poison).attempts == 1
    assert len(inbox.acknowledged) == 3


def test_the_same_order_twice_is_placed_once(harness: WorkerHarness) -> None:
    ids = harness.queue_up(2)
    inbox = harness.work([tell(*ids, *ids), tell(*ids)], [tell(*ids), tell(*ids, redelivered=True)])
    assert len(inbox.acknowledged) == 4
    assert harness.shop.product("A").available == 100_000 - 2
    assert [order.version for order in map(harness.order, ids)] == [2, 2]


def test_an_order_that_nobody_knows_is_acknowledged(harness: WorkerHarness) -> None:
    cancelled, unknown = harness.queue_up(1)[0], harness.shop.clock.random_bits(128)
    harness.shop.move(cancelled, OrderStatus.CANCELLED)
    inbox = harness.work([tell(cancelled), tell(type(cancelled)(int=unknown))])
    assert len(inbox.acknowledged) == 2
    assert harness.order(cancelled).status is OrderStatus.CANCELLED


def test_one_poisonous_order_of_500_costs_the_others_nothing(harness: WorkerHarness) -> None:
    before, (poison,), after = harness.queue_up(250), harness.queue_up(1, customer_id=POISON), harness.queue_up(249)
    inbox = harness.work([tell(*before, poison, *after)])
    assert harness.statuses([*before, *after]) == [PENDING] * 499
    order = harness.order(poison)
    assert (order.status, order.attempts) == (QUEUED, 1)
    assert order.failure is not None
    assert order.failure.code == "internal_error"
    assert len(inbox.acknowledged) == 1
    others = harness.queue_up(10)
    harness.work([tell(*others)])
    assert harness.statuses(others) == [PENDING] * 10
    assert harness.order(poison).attempts == 1, "it is not due yet"


def test_a_poisonous_order_fails_after_its_last_try(harness: WorkerHarness) -> None:
    (poison,), (good,) = harness.queue_up(1, customer_id=POISON), harness.queue_up(1)
    harness.work([tell(poison, good)])
    for attempt in range(2, ATTEMPTS_MAX + 1):
        harness.pass_time(600)
        harness.work([], connected=False)
        assert harness.order(poison).attempts == attempt
    order = harness.order(poison)
    assert (order.status, order.failure and order.failure.code) == (OrderStatus.FAILED, "internal_error")
    harness.pass_time(600)
    harness.work([], connected=False)
    assert harness.order(poison) == order, "nobody tries it again"
    assert harness.metrics.counts["oms_orders_decided_total", "failed"] == 1
    assert harness.order(good).status is PENDING


def test_a_database_that_is_away_for_a_while_costs_no_order_a_try(harness: WorkerHarness) -> None:
    ids = harness.queue_up(3)
    harness.workers.is_away = True
    harness.queue.faults = [AWAY] * 20
    inbox = harness.work([tell(*ids)])
    assert harness.statuses(ids) == [PENDING] * 3
    assert [harness.order(each).attempts for each in ids] == [0, 0, 0]
    assert harness.journal[:2] == [("settled", 3), ("acknowledged", 1)]
    assert len(inbox.acknowledged) == 1
    assert len(harness.stop.pauses) >= 20
    assert max(harness.stop.pauses) <= 5.0
    assert max(harness.stop.pauses[:3]) <= 0.4, "the first pauses are short"


def test_a_batch_that_fails_while_the_database_takes_other_work_is_parted(harness: WorkerHarness) -> None:
    ids = harness.queue_up(2)
    harness.queue.faults = [AWAY] * 3
    inbox = harness.work([tell(*ids)])
    assert harness.happened("settled") == [1, 1]
    assert len(inbox.acknowledged) == 1


def test_an_order_that_alone_fails_like_a_database_that_is_away_is_put_off(harness: WorkerHarness) -> None:
    (order_id,) = harness.queue_up(1)
    harness.queue.faults = [AWAY] * 3
    inbox = harness.work([tell(order_id)])
    order = harness.order(order_id)
    assert (order.status, order.attempts) == (QUEUED, 1)
    assert order.failure is not None
    assert order.failure.code == "storage_unavailable"
    assert len(inbox.acknowledged) == 1


def test_a_stop_in_the_middle_leaves_the_rest_unacknowledged() -> None:
    harness = WorkerHarness(batch_max=2)
    ids = harness.queue_up(6)
    harness.queue.after_settling = harness.stop.set
    inbox = harness.work([tell(*ids[:2]), tell(*ids[2:4]), tell(*ids[4:])])
    assert harness.statuses(ids) == [PENDING, PENDING, QUEUED, QUEUED, QUEUED, QUEUED]
    assert len(inbox.acknowledged) == 1
    assert inbox.closed == 1
    assert harness.workers.find(silent_seconds=60) == [], "it has taken its leave"


def test_a_stop_while_the_database_is_away_ends_the_worker_without_acknowledging(harness: WorkerHarness) -> None:
    (order_id,) = harness.queue_up(1)

    def pause(timeout: float | None = None) -> bool:
        harness.stop.set()
        return True

    harness.stop.wait = pause  # type: ignore[method-assign]
    harness.queue.faults = [AWAY] * 50
    inbox = harness.work([tell(order_id)])
    assert inbox.acknowledged == []
    assert harness.order(order_id).status is QUEUED


def test_redelivered_orders_are_claimed_before_they_are_tried(harness: WorkerHarness) -> None:
    ids = harness.queue_up(3)
    inbox = harness.work([tell(*ids, redelivered=True)])
    assert [entry for entry in harness.journal if entry[0] != "swept"][:3] == [
        ("claimed", 3),
        ("settled", 3),
        ("claimed", 0),
    ]
    assert len(inbox.acknowledged) == 1
    assert [harness.order(each).attempts for each in ids] == [0, 0, 0], "a try that went well is taken back"


def test_after_a_crash_redelivered_orders_are_tried_in_smaller_batches(harness: WorkerHarness) -> None:
    ids = harness.queue_up(120)
    harness.queue.claim(ids, lease_seconds=0.0)  # A worker claimed them, and died.
    harness.work([tell(*ids, redelivered=True)])
    assert harness.happened("settled") == [50, 50, 20]
    assert harness.statuses(ids) == [PENDING] * 120


def test_an_order_that_ends_each_worker_is_failed_and_the_others_are_not(harness: WorkerHarness) -> None:
    class KilledError(BaseException):
        """The process ended."""

    ids = harness.queue_up(5)
    murderer = ids[2]
    for _ in range(12):
        if harness.order(murderer).status is OrderStatus.FAILED:
            break
        harness.pass_time(60)
        _kill_when_in_hand(harness, murderer, KilledError)
    assert harness.statuses(ids) == [PENDING, PENDING, OrderStatus.FAILED, PENDING, PENDING]


def _kill_when_in_hand(harness: WorkerHarness, murderer: Any, killed: type[BaseException]) -> None:
    settle = type(harness.queue).settle

    def settle_or_die(batch: Any, decide: Any) -> Any:
        if murderer in batch.order_ids:
            raise killed
        return settle(harness.queue, batch, decide)

    harness.queue.settle = settle_or_die  # type: ignore[method-assign]
    try:
        harness.work([], connected=False)
    except killed:
        harness.stop.clear()


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (ask(b"{"), "malformed_json"),
        (ask(b"\xff"), "malformed_json"),
        (ask([]), "validation_error"),
        (ask({**COMMAND, "surprise": 1}), "validation_error"),
        (ask({"customer_id": "C1", "lines": COMMAND["lines"]}), "validation_error"),
        (ask({**COMMAND, "lines": [{"sku": "NONE", "quantity": 1}]}), "unknown_sku"),
        (ask(b" " * (MESSAGE_BYTES_MAX + 1)), "payload_too_large"),
    ],
    ids=["cut", "no text", "a list", "unknown member", "no key", "unknown sku", "huge"],
)
def test_a_command_that_cannot_be_accepted_is_dead_lettered_with_the_reason(
    harness: WorkerHarness, message: Any, code: str
) -> None:
    inbox = harness.work([message, ask(COMMAND)])
    assert inbox.dead_lettered == [(message.body, code)]
    assert [each.body for each in inbox.acknowledged] == [ask(COMMAND).body]
    assert harness.metrics.counts["oms_dead_letters_total", code] == 1


def test_announcements_that_cannot_be_read_are_dead_lettered_and_the_others_placed(harness: WorkerHarness) -> None:
    ids = harness.queue_up(2)
    wrong = tell()
    inbox = harness.work([tell(ids[0]), wrong, tell(ids[1])])
    assert inbox.dead_lettered == [(wrong.body, "validation_error")]
    assert harness.statuses(ids) == [PENDING, PENDING]
    assert wrong not in inbox.acknowledged


def test_a_command_twice_is_one_order(harness: WorkerHarness) -> None:
    inbox = harness.work([ask(COMMAND), ask(COMMAND)], [ask(COMMAND)])
    assert len(inbox.acknowledged) == 3
    assert len(harness.queue.sample().numbers) == 1


def test_another_command_under_a_key_that_is_taken_is_dead_lettered(harness: WorkerHarness) -> None:
    other = ask({**COMMAND, "customer_id": "C2"})
    inbox = harness.work([ask(COMMAND)], [other])
    assert inbox.dead_lettered == [(other.body, "idempotency_key_reused")]


def test_a_defect_opens_a_new_inbox_and_the_worker_goes_on(harness: WorkerHarness) -> None:
    ids = harness.queue_up(1)
    beat = harness.workers.beat
    defects = [RuntimeError("a defect"), OmsError("forbidden", "no")]

    def beat_or_fail(state: Any) -> None:
        if defects:
            raise defects.pop()
        beat(state)

    harness.workers.beat = beat_or_fail  # type: ignore[method-assign]
    claim = harness.queue.claim
    faults = [RuntimeError("a defect")]

    def claim_or_fail(order_ids: Any, *, lease_seconds: float) -> Any:
        if faults:
            raise faults.pop()
        return claim(order_ids, lease_seconds=lease_seconds)

    harness.queue.claim = claim_or_fail  # type: ignore[method-assign]
    harness.work([tell(*ids, redelivered=True)], [tell(*ids, redelivered=True)])
    assert harness.statuses(ids) == [PENDING]
    assert len(harness.inboxes) >= 2
    assert [inbox.closed for inbox in harness.inboxes] == [1] * len(harness.inboxes)
    assert [len(inbox.acknowledged) for inbox in harness.inboxes][-1] == 1
