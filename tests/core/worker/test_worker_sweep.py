"""The sweep: everything while no message can come, what is late while none does, what is very late now and then."""

from __future__ import annotations

from typing import Any

import pytest

from oms_core import OrderStatus
from tests.core.worker.worker_fixtures import WorkerHarness, tell

PENDING, QUEUED = OrderStatus.PENDING, OrderStatus.QUEUED


@pytest.fixture
def harness() -> WorkerHarness:
    return WorkerHarness()


def test_without_a_connection_everything_is_swept_at_each_step(harness: WorkerHarness) -> None:
    ids = harness.queue_up(3)
    harness.work([], [], connected=False)
    assert harness.statuses(ids) == [PENDING] * 3
    assert harness.happened("swept") == [(0.0, 3), (0.0, 0)]
    assert harness.metrics.counts["oms_swept_orders_total",] == 3


def test_an_idle_worker_sweeps_what_is_late_and_nothing_younger(harness: WorkerHarness) -> None:
    late = harness.queue_up(1)
    harness.pass_time(30)
    young = [harness.shop.queue_up(("A", 1)).id]
    harness.storage.tables.orders[young[0]] = _touched(harness, young[0])
    harness.work([])
    assert harness.happened("swept") == [(5.0, 1)]
    assert harness.statuses([*late, *young]) == [PENDING, QUEUED]


def test_a_busy_worker_sweeps_what_is_very_late_only(harness: WorkerHarness) -> None:
    busy = harness.queue_up(1)
    harness.work([tell(*busy)], [tell(*busy)], [tell(*busy)])
    assert harness.happened("swept") == [(60.0, 0)], "once in ten seconds"


def test_a_sweep_goes_on_while_batches_are_full() -> None:
    harness = WorkerHarness(batch_max=4)
    ids = harness.queue_up(10)
    harness.work([], connected=False)
    assert harness.happened("swept") == [(0.0, 4), (0.0, 4), (0.0, 2)]
    assert harness.statuses(ids) == [PENDING] * 10


def test_orders_that_another_worker_holds_are_left_to_it(harness: WorkerHarness) -> None:
    ids = harness.queue_up(2)
    harness.queue.claim(ids, lease_seconds=30.0)
    harness.work([], connected=False)
    assert harness.statuses(ids) == [QUEUED, QUEUED]
    harness.pass_time(31)
    harness.work([], connected=False)
    assert harness.statuses(ids) == [PENDING, PENDING]


def _touched(harness: WorkerHarness, order_id: Any) -> Any:
    from dataclasses import replace

    return replace(harness.order(order_id), updated_at=harness.now)
