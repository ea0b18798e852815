"""Announcing accepted orders to workers on a thread beside: no request ever waits for a broker."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from uuid import UUID

from oms_core.domain.metrics import ANNOUNCEMENTS
from oms_core.errors import OmsError
from oms_core.ports.broker import Announcer
from oms_core.ports.metrics import Metrics
from oms_core.runtime.background_thread import BackgroundThread
from oms_core.runtime.backoff import Backoff
from oms_core.runtime.forks import begin_in_each_process

_log = logging.getLogger(__name__)

_WAITING_MAX = 100_000
_TOGETHER_MAX = 2_000
_CLOSE_SECONDS = 5.0
_GATHER_SECONDS = 0.1
_PAUSE_FIRST_SECONDS = 0.5
_PAUSE_MAX_SECONDS = 5.0


class Announcements:
    """Hands the ids of committed orders to the broker. Orders that cannot be announced are left to the workers' sweep.

    At most 100,000 ids wait. While the broker is away it is tried again after growing pauses; ids that come meanwhile
    are dropped, since the database has the orders. The thread starts with the first id, also in a forked child.
    Thread-safe.
    """

    def __init__(self, open_announcer: Callable[[], Announcer], metrics: Metrics) -> None:
        self._open_announcer = open_announcer
        self._metrics = metrics
        self._thread = BackgroundThread(self._run, name="oms-announcements")
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._waiting: deque[UUID] = deque()
        self._changed = threading.Condition()
        self._closing = threading.Event()

    def tell(self, order_ids: Sequence[UUID]) -> None:
        """Have orders announced soon. Never wait, never raise."""
        with self._changed:
            if self._closing.is_set() or len(self._waiting) + len(order_ids) > _WAITING_MAX:
                self._metrics.count(ANNOUNCEMENTS, "lost", amount=len(order_ids))
                return
            self._waiting.extend(order_ids)
            self._changed.notify()
        try:
            self._thread.start()
        except OmsError as error:
            _log.warning("accepted orders are left to the sweep: %s", error.detail, exc_info=error.defect)
            self._drop()

    def begin(self) -> None:
        """Start the thread before there is anything to announce, so that an inbox of this process expects messages.

        Raise `overloaded` when it cannot start.
        """
        self._thread.start()

    def close(self) -> None:
        """Announce the ids that wait, for a bounded time, and end the thread."""
        self._closing.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        announcer = self._open_announcer()
        backoff = Backoff(first_seconds=_PAUSE_FIRST_SECONDS, max_seconds=_PAUSE_MAX_SECONDS)
        try:
            while order_ids := self._take():
                if self._announce(announcer, order_ids):
                    backoff.reset()
                    self._gather()
                else:
                    self._drop_for(backoff.next_pause_seconds())
        finally:
            announcer.close()

    def _take(self) -> list[UUID]:
        """Wait for ids and return them; return none once this is closed and nothing is left."""
        with self._changed:
            while not self._waiting and not self._closing.is_set():
                self._changed.wait()
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), _TOGETHER_MAX))]

    def _gather(self) -> None:
        """Let more ids come together: each announcement takes some of the time of this process's requests."""
        self._closing.wait(_GATHER_SECONDS)

    def _announce(self, announcer: Announcer, order_ids: Sequence[UUID]) -> bool:
        try:
            announcer.announce(order_ids)
        except OmsError as error:
            _log.warning(
                "%d accepted orders are left to the sweep: %s", len(order_ids), error.detail, exc_info=error.defect
            )
        except Exception:  # noqa: BLE001  The thread must live on; the orders are safe in the database.
            _log.exception("%d accepted orders could not be announced", len(order_ids))
        else:
            self._metrics.count(ANNOUNCEMENTS, "sent", amount=len(order_ids))
            return True
        self._metrics.count(ANNOUNCEMENTS, "lost", amount=len(order_ids))
        return False

    def _drop_for(self, seconds: float) -> None:
        ends_at = time.monotonic() + seconds
        while not self._closing.is_set() and (left := ends_at - time.monotonic()) > 0:
            self._closing.wait(min(left, _GATHER_SECONDS))
            self._drop()

    def _drop(self) -> None:
        with self._changed:
            lost = len(self._waiting)
            self._waiting.clear()
        if lost:
            self._metrics.count(ANNOUNCEMENTS, "lost", amount=lost)
