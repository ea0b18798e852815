"""Samples of the queue: one a second per process, however many callers ask."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from oms_core.domain.orders.queueing import WORKER_SILENT_SECONDS, QueueSample, WorkerState
from oms_core.errors import OmsError
from oms_core.ports.storage import Storage
from oms_core.runtime.background_thread import start_thread
from oms_core.runtime.forks import begin_in_each_process

_log = logging.getLogger(__name__)

_VALID_SECONDS = 1.0
_STALE_SECONDS = 3.0


class View(NamedTuple):
    """The queue, and the workers that are alive."""

    sample: QueueSample
    workers: Sequence[WorkerState]


class QueueWatch:
    """Samples the queue when a caller asks and the last sample is older than a second. Thread-safe.

    A caller waits for no sample while there is one of the last three seconds: a new one is taken in the background.
    """

    def __init__(
        self,
        storage: Storage,
        clock: Callable[[], float] = time.monotonic,
        run_aside: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._run_aside = run_aside or partial(start_thread, name="oms-queue-watch")
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._sampling = threading.Lock()
        self._view: View | None = None
        self._seen_at = float("-inf")

    def look(self) -> View:
        """Return the latest view, or the one before while another caller samples. Raise `storage_unavailable`."""
        view, age = self._view, self._clock() - self._seen_at
        if view is not None and age < _VALID_SECONDS:
            return view
        if not self._sampling.acquire(blocking=view is None):
            return view  # type: ignore[return-value]  # It is there: without one, this waits for the lock.
        if view is not None and age < _STALE_SECONDS:
            self._refresh_aside()
            return view
        try:
            return self._sample()
        finally:
            self._sampling.release()

    def _refresh_aside(self) -> None:
        try:
            self._run_aside(self._refresh)
        except OmsError as error:
            self._sampling.release()
            _log.info("the queue was not looked at: %s", error.detail, exc_info=error.defect)

    def _refresh(self) -> None:
        try:
            self._sample()
        except OmsError as error:
            _log.info("the queue was not looked at: %s", error.detail, exc_info=error.defect)
        finally:
            self._sampling.release()

    def _sample(self) -> View:
        """Take a sample, unless another thread has just done so."""
        if self._view is None or self._clock() - self._seen_at >= _VALID_SECONDS:
            workers = self._storage.workers.find(silent_seconds=WORKER_SILENT_SECONDS)
            self._view = View(self._storage.queue.sample(), workers)
            self._seen_at = self._clock()
        return self._view
