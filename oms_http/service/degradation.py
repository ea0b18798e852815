"""Parts of the system that may be away without stopping the service: /readyz names them, and stays ready."""

from __future__ import annotations

from collections.abc import Callable

from oms_core import Oms
from oms_core.errors import OmsError
from oms_http.service.readiness import Readiness

_QUEUE_ANSWER_SECONDS = 0.5
_QUEUE_VALID_SECONDS = 5.0


class Degradation:
    """Tells which parts of a system are away, within a fraction of a second, and never raises. Thread-safe.

    The check of a broker that does not answer may take seconds. It runs on a thread of its own, and what it finds holds
    for five seconds. `check_queue` is for tests.
    """

    def __init__(self, oms: Oms, *, check_queue: Readiness | None = None) -> None:
        self._oms = oms
        self._queue = check_queue or Readiness(
            oms.queue.check, answer_seconds=_QUEUE_ANSWER_SECONDS, valid_seconds=_QUEUE_VALID_SECONDS
        )
        self._checks: tuple[tuple[str, Callable[[], bool]], ...] = (
            ("queue", self._is_queue_away),
            ("rate_limiter", oms.rate_limits.limiter.is_degraded),
            ("replica", oms.is_replica_degraded),
        )

    def parts(self) -> list[str]:
        """Name what is away now."""
        return [name for name, is_away in self._checks if is_away()]

    def _is_queue_away(self) -> bool:
        try:
            self._queue.ask()
        except OmsError:
            return True
        return False
