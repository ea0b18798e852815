"""The sweep of holds: what is overdue is expired, within a second or two, by one at a time over all processes."""

from __future__ import annotations

import logging
import threading

from oms_core.domain.callers import Caller
from oms_core.errors import OmsError
from oms_core.ports.clock import Clock
from oms_core.ports.storage import Storage
from oms_core.runtime.backoff import Backoff
from oms_core.use_cases.orders.expire_holds import ExpireHolds

_log = logging.getLogger(__name__)

_IDLE_SECONDS = 1.0
_STANDBY_SECONDS = 2.0
# Between two transactions buyers get the levels and the disk for a while.
_REST = 0.5
_REST_MAX_SECONDS = 0.25
_PAUSE_FIRST_SECONDS = 0.5
_PAUSE_MAX_SECONDS = 10.0


class HoldSweep:
    """Looks for overdue holds every second, and expires them while it has the lease; a second sweep stands by.

    Where nothing is overdue it only reads. It may be killed at any point: what it had not committed is overdue still,
    and the lease of the dead runs out in seconds.
    """

    def __init__(self, *, storage: Storage, clock: Clock, caller: Caller, holder: str) -> None:
        self._storage = storage
        self._clock = clock
        self._caller = caller
        self._holder = holder
        self._expire: ExpireHolds | None = None

    def run(self, stop: threading.Event) -> None:
        """Sweep until `stop` is set, then give up the lease."""
        backoff = Backoff(first_seconds=_PAUSE_FIRST_SECONDS, max_seconds=_PAUSE_MAX_SECONDS)
        try:
            while not stop.is_set():
                try:
                    wait = self._step(stop)
                    backoff.reset()
                except OmsError as error:
                    _log.warning("overdue holds wait: %s", error.detail, exc_info=error.defect)
                    wait = backoff.next_pause_seconds()
                except Exception:  # noqa: BLE001  The thread must live on; the holds stay overdue.
                    _log.exception("the sweep of holds failed")
                    wait = backoff.next_pause_seconds()
                stop.wait(wait)
        finally:
            if self._expire is not None:
                self._expire.release()

    def _step(self, stop: threading.Event) -> float:
        """Expire what is overdue; return the seconds to wait before looking again."""
        if self._expire is None:  # Asking for the part may connect.
            holds = self._storage.holds
            self._expire = ExpireHolds(holds=holds, clock=self._clock, caller=self._caller, holder=self._holder)
        report = self._expire(lambda worked: not stop.wait(min(_REST_MAX_SECONDS, _REST * worked)))
        return _STANDBY_SECONDS if report.left_to_another else _IDLE_SECONDS
