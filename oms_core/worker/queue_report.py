"""The gauges of the queue and of holds, for those who watch it or add workers by it."""

from __future__ import annotations

import logging
import math
import threading

from oms_core.domain.callers import ALL_SCOPES, Caller
from oms_core.domain.metrics import FAILED_ORDERS, HOLDS_OVERDUE, QUEUE_OLDEST_AGE, QUEUE_WORKERS, QUEUED_ORDERS
from oms_core.domain.orders.queueing import QueueStatus
from oms_core.errors import OmsError
from oms_core.ports.metrics import Metrics
from oms_core.ports.storage import Storage
from oms_core.runtime.background_thread import BackgroundThread
from oms_core.runtime.forks import begin_in_each_process
from oms_core.use_cases.queue.queue import Queue

_PERIOD_SECONDS = 5.0
_STOP_SECONDS = 5.0  # It only reads, so that nothing is lost when it is cut off.
_REPORTER = Caller(name="queue-report", scopes=ALL_SCOPES)

_log = logging.getLogger(__name__)


class QueueReport:
    """Looks at the queue and the holds every five seconds, and sets their gauges. Thread-safe, in forked children too.

    While the database is away, the gauges are NaN: nothing is known, and no alert or autoscaler acts on old figures.
    """

    def __init__(self, *, queue: Queue, storage: Storage, metrics: Metrics) -> None:
        self._queue = queue
        self._storage = storage
        self._metrics = metrics
        self._is_known = True
        begin_in_each_process(self._begin)
        self._thread = BackgroundThread(lambda: self.run(self._stop), name="oms-queue-report")

    def _begin(self) -> None:
        self._stop = threading.Event()

    def start(self) -> None:
        """Report on a thread until `close`. Raise `overloaded` when it cannot start."""
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join(_STOP_SECONDS)

    def run(self, stop: threading.Event) -> None:
        """Report until `stop` is set."""
        while not stop.is_set():
            self.report()
            stop.wait(_PERIOD_SECONDS)

    def report(self) -> None:
        """Set the gauges once."""
        try:
            status, overdue = self._queue.status(caller=_REPORTER), self._storage.holds.count_overdue()
        except OmsError as error:
            if self._is_known:  # Once for each time that the database is away.
                _log.info("the figures of the queue are unknown: %s", error.detail, exc_info=error.defect)
            self._is_known = False
            for gauge in (QUEUED_ORDERS, QUEUE_OLDEST_AGE, QUEUE_WORKERS, FAILED_ORDERS, HOLDS_OVERDUE):
                self._metrics.set(gauge, math.nan)
            return
        self._is_known = True
        self._set(status)
        self._metrics.set(HOLDS_OVERDUE, overdue)

    def _set(self, status: QueueStatus) -> None:
        self._metrics.set(QUEUED_ORDERS, status.depth)
        self._metrics.set(QUEUE_OLDEST_AGE, status.oldest_age_seconds or 0)
        self._metrics.set(QUEUE_WORKERS, len(status.workers))
        self._metrics.set(FAILED_ORDERS, status.failed)
