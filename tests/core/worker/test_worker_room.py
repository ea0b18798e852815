"""A database that has no room: it is waited for, what still fits is settled, and no order is to blame."""

from __future__ import annotations

import logging
from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from oms_core import OrderStatus
from oms_core.domain.orders.order import Order
from tests.core.worker.worker_fixtures import AWAY, FULL, POISON, Workroom, tell

PENDING, QUEUED = OrderStatus.PENDING, OrderStatus.QUEUED


@pytest.fixture
def room() -> Workroom:
    room = Workroom()
    room.is_full = True
    return room


def after(pauses: int, happens: Callable[[], object], room: Workroom) -> None:
    """Let something happen once the worker has paused so often."""

    def wait(timeout: float | None = None) -> bool:
        room.stop.pauses.append(timeout or 0.0)
        if len(room.stop.pauses) == pauses:
            happens()
        return room.stop.is_set()

    room.stop.wait = wait  # type: ignore[method-assign]


def make_room(room: Workroom) -> None:
    room.queue.room = 1_000_000
    room.is_full = False


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_full_disk_is_waited_for_and_counts_no_try(room: Workroom, caplog: pytest.LogCaptureFixture) -> None:
    ids = room.queue_up(40)
    room.queue.room = 0
    after(60, lambda: make_room(room), room)
    inbox = room.work([tell(*ids)])
    assert room.statuses(ids) == [PENDING] * 40
    assert [room.order(order_id).attempts for order_id in ids] == [0] * 40
    assert [room.order(order_id).failure for order_id in ids] == [None] * 40
    assert len(inbox.acknowledged) == 1
    assert warnings(caplog) == [f"the worker tries again after {FULL}"], "it is one matter, and one line"


def test_what_still_fits_is_settled_in_smaller_batches(room: Workroom) -> None:
    ids = room.queue_up(16)
    room.queue.room = 3
    room.work([tell(*ids)])
    assert room.statuses(ids) == [PENDING] * 16
    assert room.happened("settled") == [2] * 8


def test_a_stop_while_there_is_no_room_leaves_the_orders_to_others(room: Workroom) -> None:
    ids = room.queue_up(2)
    room.queue.room = 0
    after(30, room.stop.set, room)
    inbox = room.work([tell(*ids)])
    assert room.statuses(ids) == [QUEUED] * 2
    assert [room.order(order_id).attempts for order_id in ids] == [0, 0]
    assert not inbox.acknowledged


def test_orders_of_the_sweep_wait_too(room: Workroom) -> None:
    ids = room.queue_up(4)
    room.queue.room = 0
    after(60, lambda: make_room(room), room)
    room.work([], connected=False)
    assert room.statuses(ids) == [PENDING] * 4
    assert [room.order(order_id).attempts for order_id in ids] == [0] * 4


def test_a_warning_comes_again_when_something_else_is_the_matter(
    room: Workroom, caplog: pytest.LogCaptureFixture
) -> None:
    room.queue.faults = [AWAY, AWAY, FULL, FULL, FULL, AWAY]
    ids = room.queue_up(1)
    room.work([tell(*ids)])
    assert [text.rpartition("; ")[0] or text for text in warnings(caplog)] == [
        f"the worker tries again after {error}" for error in (AWAY, FULL, AWAY)
    ]
    assert room.statuses(ids) == [PENDING]


def test_a_warning_comes_again_after_a_minute(
    room: Workroom, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = count(0, 25)
    monkeypatch.setattr("oms_core.worker.retrying.time", SimpleNamespace(monotonic=lambda: float(next(ticks))))
    room.queue.room = 0
    after(5, lambda: make_room(room), room)
    room.work([tell(*room.queue_up(1))])
    assert warnings(caplog) == [f"the worker tries again after {FULL}"] * 2, "at 0 and at 75 of 100 seconds"


def test_tries_that_a_stop_leaves_unmade_are_taken_back() -> None:
    room = Workroom(batch_max=2)
    ids = room.queue_up(5)
    room.queue.after_settling = room.stop.set
    room.work([tell(*ids, redelivered=True)])
    assert room.statuses(ids) == [PENDING] * 2 + [QUEUED] * 3
    assert [room.order(order_id).attempts for order_id in ids] == [0] * 5


def test_an_order_that_failed_before_the_stop_keeps_its_try() -> None:
    room = Workroom(batch_max=1)
    poisoned = room.queue_up(1, customer_id=POISON)
    innocent = room.queue_up(1)
    put_off = room.storage.orders.change

    def stop_then_put_off(*given: Any, **named: Any) -> Order:
        room.stop.set()
        return put_off(*given, **named)

    room.storage.orders.change = stop_then_put_off  # type: ignore[method-assign]
    room.work([tell(*poisoned, *innocent, redelivered=True)])
    assert [room.order(order_id).attempts for order_id in (*poisoned, *innocent)] == [1, 0]


def test_while_one_worker_waits_for_room_no_other_counts_its_orders_a_try(room: Workroom) -> None:
    ids = room.queue_up(4)
    room.queue.room = 0
    seen: list[list[int]] = []

    def look_and_stop() -> None:
        seen.append([claim.attempts for claim in room.queue.sweep(older_than_seconds=0, limit=9, lease_seconds=0)])
        room.stop.set()

    after(12, look_and_stop, room)
    room.work([tell(*ids, redelivered=True)])
    assert seen == [[1] * 4]
