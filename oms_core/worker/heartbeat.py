"""The heartbeat of a worker: it shows that the worker is alive, and how fast it works."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime

from oms_core.domain.orders.queueing import WorkerState
from oms_core.errors import OmsError
from oms_core.ports.queue_storage import WorkerStorage

_log = logging.getLogger(__name__)

_BEAT_SECONDS = 2.0
_PACE_SECONDS = 10.0


class Heartbeat:
    """Writes a worker's state every two seconds at most, with its pace over the last ten seconds. Thread-safe."""

    def __init__(
        self,
        *,
        worker_id: str,
        started_at: datetime,
        workers: WorkerStorage,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._worker_id = worker_id
        self._started_at = started_at
        self._workers = workers
        self._clock = clock
        self._settled = 0
        self._recent: deque[tuple[float, int]] = deque([(clock(), 0)])
        self._beaten_at = float("-inf")
        self._lock = threading.Lock()

    def count(self, settled: int) -> None:
        """Count settled orders, and write the state if it is time."""
        with self._lock:
            self._settled += settled
        self.beat()

    def beat(self) -> None:
        """Write the state, unless that was done just now. A database that is away is left to the work to report."""
        if self._clock() - self._beaten_at >= _BEAT_SECONDS:
            self.beat_now()

    def beat_now(self) -> bool:
        """Write the state; return whether the database took it."""
        with self._lock:
            now = self._beaten_at = self._clock()
            self._recent.append((now, self._settled))
            while len(self._recent) > 2 and now - self._recent[1][0] >= _PACE_SECONDS:  # noqa: PLR2004  Both ends stay.
                self._recent.popleft()
            state = self._state()
        try:
            self._workers.beat(state)
        except OmsError as error:
            _log.info("the sign of life was not written: %s", error.detail, exc_info=error.defect)
            return False
        return True

    def leave(self) -> None:
        """Say that this worker has stopped."""
        try:
            self._workers.leave(self._worker_id)
        except OmsError as error:
            _log.info("the sign of life runs out by itself: %s", error.detail, exc_info=error.defect)

    def _state(self) -> WorkerState:
        (begun, before), (now, settled) = self._recent[0], self._recent[-1]
        return WorkerState(
            id=self._worker_id,
            started_at=self._started_at,
            seen_at=self._started_at,  # The storage knows better.
            orders_per_second=(settled - before) / (now - begun) if now > begun else 0.0,
            settled=settled,
        )
