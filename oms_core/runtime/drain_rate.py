"""How fast waiting work is completed, and so when a refused caller may come again: the one source of Retry-After."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable

RETRY_AFTER_SECONDS_MAX = 60
_MEMORY_SECONDS = 3.0
_MOMENT_SECONDS = 0.05
_JITTER = 0.25


class DrainRate:
    """Completions per second, smoothed: each counts for `exp(-age / 3 s)`. The caller locks it, or has one thread.

    Those of 50 ms count as one moment's, which is a fiftieth of that time: most requests then need no exponential.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._clock = clock
        self._uniform = uniform
        self._began_at = self._counted_at = clock()
        self._weight = 0.0

    def count(self, completions: int = 1) -> None:
        """Count work that has just been completed."""
        now = self._clock()
        if now - self._counted_at >= _MOMENT_SECONDS:
            self._weight *= math.exp((self._counted_at - now) / _MEMORY_SECONDS)
            self._counted_at = now
        self._weight += completions

    def per_second(self) -> float:
        """Return the present rate. A process that has just begun is not mistaken for a slow one."""
        age = self._clock() - self._began_at
        lived_seconds = _MEMORY_SECONDS * (1 - math.exp(-age / _MEMORY_SECONDS))
        return self._remembered() / lived_seconds if lived_seconds > 0 else 0.0

    def retry_after_seconds(self, in_flight: int) -> int:
        """Return the whole seconds until `in_flight` are done at this rate: 1 to 60, up to a quarter more at random.

        The fraction is rounded up or down at random too, so that callers who are refused together return apart.
        """
        if not self._weight:  # Nothing has been completed yet, so no rate is known.
            return 1
        rate = self.per_second()
        seconds = in_flight / rate if rate > 0 else RETRY_AFTER_SECONDS_MAX
        seconds = min(seconds, RETRY_AFTER_SECONDS_MAX) * self._uniform(1, 1 + _JITTER) + self._uniform(0, 1)
        return max(1, min(RETRY_AFTER_SECONDS_MAX, int(seconds)))

    def _remembered(self) -> float:
        return self._weight * math.exp((self._counted_at - self._clock()) / _MEMORY_SECONDS)
