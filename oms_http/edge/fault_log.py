"""The log of what answers do not tell: defects, hosts, files, and the words of drivers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from oms_core.errors import OmsError
from oms_core.runtime.forks import begin_in_each_process

_PAUSE_SECONDS = 1.0

_log = logging.getLogger(__name__)


class FaultLog:
    """Logs every defect with its traceback, and the details of errors that tell of the system.

    Of the latter it logs at most one a second, because an outage has thousands of the same. Thread-safe.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_at = float("-inf")
        self._passed_over = 0
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()

    def note(self, error: OmsError, request_id: str) -> None:
        """Log what the answer to this request does not tell, if there is anything."""
        if error.defect is not None:
            _log.error("%s: %a (request %s)", error.code, error.detail, request_id, exc_info=error)
        if error.row.tells_of_the_system:
            self._note_sometimes(error, request_id)

    def _note_sometimes(self, error: OmsError, request_id: str) -> None:
        with self._lock:
            now = self._clock()
            if now < self._next_at:
                self._passed_over += 1
                return
            self._next_at, passed_over, self._passed_over = now + _PAUSE_SECONDS, self._passed_over, 0
        # %a: a driver's words may have line feeds in them, and a log must not be forged with them.
        more = f", and {passed_over} before" if passed_over else ""
        _log.warning("%s: %a (request %s%s)", error.code, error.detail, request_id, more)
