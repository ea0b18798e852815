"""The sweep: everything while no message can come, what is late while none does, what is very late now and then."""

from __future__ import annotations

from typing import Any

import pytest

from oms_core import OrderStatus
from tests.core.worker.worker_fixtures import Workroom, tell

PENDING, QUEUED = OrderStatus.PENDING, OrderStatus.QUEUED


@pytest.fixture
def room() -> Workroom:
    return Workroom()


def test_without_a_connection_everything_is_swept_at_each_step(room: Workroom) -> None:
    ids = room.queue_up(3)
    room.work([], [], connected=False)
    assert room.statuses(ids) == [PENDING] * 3
    assert room.happened("swept") == [(0.0, 3), (0.0, 0)]
    assert room.metrics.counts["oms_swept_orders_total",] == 3


def test_an_idle_worker_sweeps_what_is_late_and_nothing_younger(room: Workroom) -> None:
    late = room.queue_up(1)
    room.pass_time(30)
    young = [room.shop.queue_up(("A", 1)).id]
    room.storage.tables.orders[young[0]] = _touched(room, young[0])
    room.work([])
    assert room.happened("swept") == [(5.0, 1)]
    assert room.statuses([*late, *young]) == [PENDING, QUEUED]


def test_a_busy_worker_sweeps_what_is_very_late_only(room: Workroom) -> None:
    busy = room.queue_up(1)
    room.work([tell(*busy)], [tell(*busy)], [tell(*busy)])
    assert room.happened("swept") == [(60.0, 0)], "once in ten seconds"


def test_a_sweep_goes_on_while_batches_are_full() -> None:
    room = Workroom(batch_max=4)
    ids = room.queue_up(10)
    room.work([], connected=False)
    assert room.happened("swept") == [(0.0, 4), (0.0, 4), (0.0, 2)]
    assert room.statuses(ids) == [PENDING] * 10


def test_orders_that_another_worker_holds_are_left_to_it(room: Workroom) -> None:
    ids = room.queue_up(2)
    room.queue.claim(ids, lease_seconds=30.0)
    room.work([], connected=False)
    assert room.statuses(ids) == [QUEUED, QUEUED]
    room.pass_time(31)
    room.work([], connected=False)
    assert room.statuses(ids) == [PENDING, PENDING]


def _touched(room: Workroom, order_id: Any) -> Any:
    from dataclasses import replace

    return replace(room.order(order_id), updated_at=room.now)
