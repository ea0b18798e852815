"""The log of who was refused what, in a bounded number of lines."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable

from oms_core.errors import ErrorKind, OmsError
from oms_core.runtime.forks import begin_in_each_process
from oms_http.requests import Request

# The same of the same is told once in this time,
EACH_SECONDS = 60.0
# and of all together this many in each second.
LINES_A_SECOND = 5
_REMEMBERED_MAX = 10_000
_TOLD = frozenset({ErrorKind.FORBIDDEN, ErrorKind.LIMITED})

_log = logging.getLogger(__name__)


class RefusalLog:
    """Logs answers 403 and 429: the caller (if it is known), its address, the route, and the reason. Thread-safe.

    Refused authentication is logged elsewhere.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._told_at: dict[tuple[str, ...], float] = {}
        self._second = 0
        self._lines = 0
        self._passed_over = 0

    def note(self, error: OmsError, request: Request) -> None:
        """Log a refusal, unless the same was logged lately or too many are."""
        if error.kind not in _TOLD:
            return
        caller = getattr(request, "caller", None)  # It is unknown to what is refused before it is asked for.
        who = "unknown" if caller is None else caller.name
        route = request.url_rule.rule if request.url_rule else "no route"
        address = request.remote_addr or "?"
        passed_over = self._passed((who, address, request.method, route, error.code, error.detail.partition(";")[0]))
        if passed_over is not None:
            more = f", and {passed_over} others were not told" if passed_over else ""
            # %a: whoever asks chooses method and address, and a log must not be forged with them.
            what = (error.code, who, address, request.method, route, error.detail, request.request_id, more)
            _log.info("%s: caller %a at %a, %a %s: %a (request %s%s)", *what)

    def _passed(self, key: tuple[str, ...]) -> int | None:
        """Return how many were held back since the last line; None to hold this one back too."""
        with self._lock:
            now = self._clock()
            if math.floor(now) != self._second:
                self._second, self._lines = math.floor(now), 0
            if self._lines >= LINES_A_SECOND or now - self._told_at.get(key, float("-inf")) < EACH_SECONDS:
                self._passed_over += 1
                return None
            self._lines += 1
            self._told_at.pop(key, None)
            if len(self._told_at) >= _REMEMBERED_MAX:
                del self._told_at[next(iter(self._told_at))]
            self._told_at[key] = now
            passed_over, self._passed_over = self._passed_over, 0
            return passed_over
