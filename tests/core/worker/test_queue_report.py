"""The gauges of the queue say what the queue's status says, and nothing while nothing is known."""

from __future__ import annotations

import math
import threading
from typing import Any

import pytest

from oms_core import ALL_SCOPES, Caller, Oms, OmsError, OrderLine, PlaceOrder, SetStock, Settings
from oms_core.domain.metrics import Metric
from oms_core.domain.orders.queueing import WORKER_SILENT_SECONDS, WorkerState
from oms_core.ports.metrics import NoMetrics
from oms_core.worker.queue_report import QueueReport
from tests.services.waiting import wait_until

CALLER = Caller(name="program", scopes=ALL_SCOPES)
SECONDS = 20
WANTED = PlaceOrder(customer_id="C1", lines=[OrderLine(sku="WIDGET", quantity=1)])


class Gauges(NoMetrics):
    """Keeps the last value of each gauge."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        self.values[metric.name] = value


@pytest.fixture
def gauges() -> Gauges:
    return Gauges()


@pytest.fixture
def oms(gauges: Gauges) -> Any:
    with Oms.open(Settings(database_url="memory://"), metrics=gauges) as opened:
        opened.stock.set(SetStock(sku="WIDGET", on_hand=1_000), caller=CALLER)
        yield opened


def report(oms: Oms, gauges: Gauges) -> dict[str, float]:
    oms.queue.watch._seen_at = float("-inf")  # Its sample of a second ago says nothing of now.
    QueueReport(queue=oms.queue, storage=oms._ports.storage, metrics=gauges).report()
    return gauges.values


def test_an_empty_queue_has_no_age(oms: Oms, gauges: Gauges) -> None:
    assert report(oms, gauges) == {
        "oms_queued_orders": 0,
        "oms_queue_oldest_age_seconds": 0,
        "oms_queue_workers": 0,
        "oms_failed_orders": 0,
        "oms_holds_overdue": 0,
    }


def test_orders_that_wait_and_workers_are_counted(oms: Oms, gauges: Gauges) -> None:
    for _ in range(3):
        oms.orders.accept(WANTED, caller=CALLER)
    now = oms.queue.clock.now()
    worker = WorkerState(id="w1", started_at=now, seen_at=now, orders_per_second=1.0, settled=1)
    oms._ports.storage.workers.beat(worker)
    shown = report(oms, gauges)
    assert (shown["oms_queued_orders"], shown["oms_queue_workers"]) == (3, 1)
    assert 0 < shown["oms_queue_oldest_age_seconds"] < WORKER_SILENT_SECONDS


def test_nothing_is_said_to_be_known_while_the_database_is_away(
    oms: Oms, gauges: Gauges, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    oms.orders.accept(WANTED, caller=CALLER)
    assert report(oms, gauges)["oms_queued_orders"] == 1
    reporter = QueueReport(queue=oms.queue, storage=oms._ports.storage, metrics=gauges)

    def is_away(*_: object) -> Any:
        raise OmsError("storage_unavailable", "the database is away")

    caplog.set_level("INFO", logger="oms_core.worker.queue_report")
    with monkeypatch.context() as patch:
        patch.setattr(type(oms.queue.watch), "look", is_away)
        reporter.report()
        reporter.report()
    assert len(gauges.values) == 5
    assert all(math.isnan(value) for value in gauges.values.values())
    assert caplog.text.count("the database is away") == 1
    reporter.report()
    assert gauges.values["oms_queued_orders"] == 1


def reporting() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "oms-queue-report"}


def test_it_reports_on_a_thread_until_the_system_is_closed(oms: Oms, gauges: Gauges) -> None:
    others = reporting()
    oms.start_queue_report()
    wait_until(lambda: "oms_failed_orders" in gauges.values, SECONDS, "the gauges are set")
    assert len(reporting() - others) == 1
    oms.close()
    assert not reporting() - others
