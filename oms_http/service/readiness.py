"""Whether the service can work now. The answer comes quickly even when the database does not answer at all."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from oms_core.errors import OmsError
from oms_core.runtime.background_thread import start_thread
from oms_core.runtime.forks import begin_in_each_process

_log = logging.getLogger(__name__)


class Readiness:
    """Runs a check of the database on a thread of its own, at most one at a time, and remembers what it found.

    `answer_seconds` is the time that a check is given. A request within that time waits for the rest of it. A later
    request is told at once that the check hangs. What a check found holds for `valid_seconds`. Thread-safe; works in a
    forked child.
    """

    def __init__(
        self,
        check: Callable[[], None],
        *,
        answer_seconds: float = 1.0,
        valid_seconds: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._check = check
        self._answer_seconds = answer_seconds
        self._valid_seconds = valid_seconds
        self._clock = clock
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._running: threading.Thread | None = None
        self._started_at = 0.0
        self._found: OmsError | None = None
        self._found_at = float("-inf")

    def ask(self) -> None:
        """Return when the service is ready; raise what the check raised, or `storage_unavailable` when it hangs."""
        with self._lock:
            now = self._clock()
            if self._running is None and now - self._found_at >= self._valid_seconds:
                self._running = start_thread(self._run, name="oms-readiness")
                self._started_at = now
            running = self._running
            time_left = self._started_at + self._answer_seconds - now
        if running is not None:
            running.join(max(0.0, time_left))
            if running.is_alive():
                raise OmsError("storage_unavailable", "the database does not answer")
        if self._found is not None:
            raise self._found.with_traceback(None)

    def _run(self) -> None:
        found: OmsError | None = None
        try:
            self._check()
        except OmsError as error:
            found = error
        except Exception:  # noqa: BLE001  Whatever it is, who asks must hear of it.
            _log.exception("the readiness check failed")
            found = OmsError("internal_error", "the readiness check failed; the log holds the reason")
        with self._lock:
            self._found = found
            self._found_at = self._clock()
            self._running = None
