"""A database that has no harness: it is waited for, what still fits is settled, and no order is to blame."""

from __future__ import annotations

import logging
from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from oms_core import OrderStatus
from oms_core.domain.orders.order import Order
from tests.core.worker.worker_fixtures import AWAY, FULL, POISON, WorkerHarness, tell

PENDING, QUEUED = OrderStatus.PENDING, OrderStatus.QUEUED


@pytest.fixture
def harness() -> WorkerHarness:
    harness = WorkerHarness()
    harness.is_full = True
    return harness


def after(pauses: int, happens: Callable[[], object], harness: WorkerHarness) -> None:
    """Let something happen once the worker has paused so often."""

    def wait(timeout: float | None = None) -> bool:
        harness.stop.pauses.append(timeout or 0.0)
        if len(harness.stop.pauses) == pauses:
            happens()
        return harness.stop.is_set()

    harness.stop.wait = wait  # type: ignore[method-assign]


def make_room(harness: WorkerHarness) -> None:
    harness.queue.room = 1_000_000
    harness.is_full = False


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_full_disk_is_waited_for_and_counts_no_try(harness: WorkerHarness, caplog: pytest.LogCaptureFixture) -> None:
    ids = harness.queue_up(40)
    harness.queue.room = 0
    after(60, lambda: make_room(harness), harness)
    inbox = harness.work([tell(*ids)])
    assert harness.statuses(ids) == [PENDING] * 40
    assert [harness.order(order_id).attempts for order_id in ids] == [0] * 40
    assert [harness.order(order_id).failure for order_id in ids] == [None] * 40
    assert len(inbox.acknowledged) == 1
    assert warnings(caplog) == [f"the worker tries again after {FULL}"], "it is one matter, and one line"


def test_what_still_fits_is_settled_in_smaller_batches(harness: WorkerHarness) -> None:
    ids = harness.queue_up(16)
    harness.queue.room = 3
    harness.work([tell(*ids)])
    assert harness.statuses(ids) == [PENDING] * 16
    assert harness.happened("settled") == [2] * 8


def test_a_stop_while_there_is_no_room_leaves_the_orders_to_others(harness: WorkerHarness) -> None:
    ids = harness.queue_up(2)
    harness.queue.room = 0
    after(30, harness.stop.set, harness)
    inbox = harness.work([tell(*ids)])
    assert harness.statuses(ids) == [QUEUED] * 2
    assert [harness.order(order_id).attempts for order_id in ids] == [0, 0]
    assert not inbox.acknowledged


def test_orders_of_the_sweep_wait_too(harness: WorkerHarness) -> None:
    ids = harness.queue_up(4)
    harness.queue.room = 0
    after(60, lambda: make_room(harness), harness)
    harness.work([], connected=False)
    assert harness.statuses(ids) == [PENDING] * 4
    assert [harness.order(order_id).attempts for order_id in ids] == [0] * 4


def test_a_warning_comes_again_when_something_else_is_the_matter(
    harness: WorkerHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.queue.faults = [AWAY, AWAY, FULL, FULL, FULL, AWAY]
    ids = harness.queue_up(1)
    harness.work([tell(*ids)])
    assert [text.rpartition("; ")[0] or text for text in warnings(caplog)] == [
        f"the worker tries again after {error}" for error in (AWAY, FULL, AWAY)
    ]
    assert harness.statuses(ids) == [PENDING]


def test_a_warning_comes_again_after_a_minute(
    harness: WorkerHarness, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = count(0, 25)
    monkeypatch.setattr("oms_core.worker.retrying.time", SimpleNamespace(monotonic=lambda: float(next(ticks))))
    harness.queue.room = 0
    after(5, lambda: make_room(harness), harness)
    harness.work([tell(*harness.queue_up(1))])
    assert warnings(caplog) == [f"the worker tries again after {FULL}"] * 2, "at 0 and at 75 of 100 seconds"


def test_tries_that_a_stop_leaves_unmade_are_taken_back() -> None:
    harness = WorkerHarness(batch_max=2)
    ids = harness.queue_up(5)
    harness.queue.after_settling = harness.stop.set
    harness.work([tell(*ids, redelivered=True)])
    assert harness.statuses(ids) == [PENDING] * 2 + [QUEUED] * 3
    assert [harness.order(order_id).attempts for order_id in ids] == [0] * 5


def test_an_order_that_failed_before_the_stop_keeps_its_try() -> None:
    harness = WorkerHarness(batch_max=1)
    poisoned = harness.queue_up(1, customer_id=POISON)
    innocent = harness.queue_up(1)
    put_off = harness.storage.orders.change

    def stop_then_put_off(*given: Any, **named: Any) -> Order:
        harness.stop.set()
        return put_off(*given, **named)

    harness.storage.orders.change = stop_then_put_off  # type: ignore[method-assign]
    harness.work([tell(*poisoned, *innocent, redelivered=True)])
    assert [harness.order(order_id).attempts for order_id in (*poisoned, *innocent)] == [1, 0]


def test_while_one_worker_waits_for_room_no_other_counts_its_orders_a_try(harness: WorkerHarness) -> None:
    ids = harness.queue_up(4)
    harness.queue.room = 0
    seen: list[list[int]] = []

    def look_and_stop() -> None:
        seen.append([claim.attempts for claim in harness.queue.sweep(older_than_seconds=0, limit=9, lease_seconds=0)])
        harness.stop.set()

    after(12, look_and_stop, harness)
    harness.work([tell(*ids, redelivered=True)])
    assert seen == [[1] * 4]
