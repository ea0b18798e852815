"""The worker after crashes and busy times: suspects are tried alone, in the end given up; the sweep is not late."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace

import pytest

from oms_core.domain.orders.statuses import OrderStatus
from tests.core.worker.worker_fixtures import ATTEMPTS_MAX, AWAY, WorkerHarness, tell

QUEUED, PENDING, FAILED = OrderStatus.QUEUED, OrderStatus.PENDING, OrderStatus.FAILED


@pytest.fixture
def harness() -> WorkerHarness:
    return WorkerHarness()


def crash(harness: WorkerHarness, *order_ids: object, times: int) -> None:
    """Claim each order so often, and come to no end."""
    for order_id in order_ids:
        for _ in range(times):
            harness.queue.claim([order_id], lease_seconds=0)  # type: ignore[list-item]


@pytest.mark.parametrize("redelivered", [True, False])
def test_who_was_in_hand_at_two_crashes_is_claimed_and_settled_alone(harness: WorkerHarness, redelivered: bool) -> None:
    ids = harness.queue_up(5)
    crash(harness, *ids[1:4], times=2)
    harness.work([tell(*ids, redelivered=True)] if redelivered else [], [], connected=redelivered)
    assert [harness.order(order_id).attempts for order_id in ids] == [0, 2, 2, 2, 0]
    assert harness.statuses(ids) == [PENDING] * 5
    assert [number for what, number in harness.journal if what == "settled"] == [1] * 5


def test_who_ended_the_worker_in_every_try_is_given_up_without_another(harness: WorkerHarness) -> None:
    ids = harness.queue_up(3)
    crash(harness, ids[1], times=ATTEMPTS_MAX)
    harness.work([tell(*ids, redelivered=True)])
    assert harness.statuses(ids) == [PENDING, FAILED, PENDING]
    given_up = harness.order(ids[1])
    assert given_up.attempts == ATTEMPTS_MAX
    assert given_up.failure is not None
    assert given_up.failure.code == "internal_error"


def test_a_worker_that_was_busy_sweeps_as_soon_as_it_has_been_idle_for_a_while(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = count(0, 3)
    monkeypatch.setattr("oms_core.worker.worker.time", SimpleNamespace(monotonic=lambda: float(next(steps))))
    harness.work([tell(*harness.queue_up(1))], [], [])
    assert harness.happened("swept") == [(60.0, 0), (5.0, 0), (5.0, 0)]


def test_two_thousand_failures_in_a_row_are_waited_out(harness: WorkerHarness) -> None:
    ids = harness.queue_up(1)
    harness.workers.is_away = True
    harness.queue.faults = [AWAY] * 2_000
    harness.work([tell(*ids)])
    assert harness.statuses(ids) == [PENDING]
    assert len(harness.stop.pauses) >= 2_000
    assert max(harness.stop.pauses) <= 5.0
