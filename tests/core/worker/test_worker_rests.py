"""The worker's rests: messages come together while one transaction takes them all, and it rests not when behind."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace

import pytest

from oms_core.domain.orders.statuses import OrderStatus
from tests.core.worker.worker_fixtures import WorkerHarness, tell


def tick(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let each look at the worker's clock find it so much later: a step that works looks three times."""
    ticks = count()
    monkeypatch.setattr("oms_core.worker.worker.time", SimpleNamespace(monotonic=lambda: next(ticks) * seconds))


def test_it_rests_six_times_as_long_as_it_worked(monkeypatch: pytest.MonkeyPatch) -> None:
    harness = WorkerHarness()
    tick(monkeypatch, 0.0101)
    harness.work([tell(*harness.queue_up(3))])
    assert harness.stop.pauses == pytest.approx([6 * 2 * 0.0101])


def test_it_rests_a_quarter_of_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    harness = WorkerHarness()
    tick(monkeypatch, 5.0)
    harness.work([tell(*harness.queue_up(3))], [tell(*harness.queue_up(1))])
    assert harness.stop.pauses == [0.25, 0.25]


def test_it_does_not_rest_when_nothing_came() -> None:
    harness = WorkerHarness()
    harness.work([], [], [])
    assert harness.stop.pauses == []


def test_it_does_not_rest_when_more_came_than_one_transaction_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    harness = WorkerHarness(batch_max=4)
    tick(monkeypatch, 5.0)
    ids = harness.queue_up(12)
    harness.work([tell(*ids[:4]), tell(*ids[4:8])], [tell(*ids[8:])])
    assert harness.statuses(ids) == [OrderStatus.PENDING] * 12
    assert harness.stop.pauses == [0.25], "only after the last, which one transaction took"


def test_exactly_one_full_transaction_is_not_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    harness = WorkerHarness(batch_max=4)
    tick(monkeypatch, 5.0)
    ids = harness.queue_up(4)
    harness.work([tell(*ids[:2]), tell(*ids[2:])])
    assert harness.stop.pauses == [0.25]
