"""Rate limits counted in this process alone."""

from __future__ import annotations

import threading
import time

from oms_core.domain.rate_limits import Allowance, RateLimit
from oms_core.runtime.background_thread import starting_threads
from oms_core.runtime.forks import begin_in_each_process
from oms_limits.counters import KEYS_MAX, Counters
from oms_limits.windows import Window, allowance_of, taken_of


class MemoryRateLimiter:
    """A RateLimiter for one process; each process of a service counts for itself.

    One lock guards each charge, since the counters of `limits` alone lose units when several threads begin a window. So
    the strategy of `limits`, which reads the counters twice to avoid a lock, is not used. A forked child counts from
    nothing.
    """

    def __init__(self, keys_max: int = KEYS_MAX) -> None:
        self._keys_max = keys_max
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._charging = threading.Lock()
        self._counters: Counters | None = None

    def take(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
        name = _name(limit, key)
        with self._charging:
            counters = self._swept()
            window = Window(*counters.get_sliding_window(name, limit.window_seconds))
            allowed = taken_of(limit, window) + cost <= limit.count
            if allowed:
                _, current = counters.sliding_window_keys(name, limit.window_seconds, time.time())
                window = window._replace(current=counters.incr(current, 2 * limit.window_seconds, cost))
        return allowance_of(limit, window, cost=cost, allowed=allowed)

    def give_back(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
        name = _name(limit, key)
        with self._charging:
            storage = self._swept()
            previous, current = storage.sliding_window_keys(name, limit.window_seconds, time.time())
            for counter in (current, previous):
                units = min(cost, storage.get(counter))
                if units > 0:
                    storage.decr(counter, units)
                    cost -= units
            window = Window(*storage.get_sliding_window(name, limit.window_seconds))
        return allowance_of(limit, window, cost=0, allowed=True)

    def is_degraded(self) -> bool:
        """Return False: nothing is shared."""
        return False

    def describe(self) -> str:
        return "rate limits are counted per process, in memory"

    def close(self) -> None:
        """Do nothing."""

    def _swept(self) -> Counters:
        if self._counters is None:
            with starting_threads():  # Its constructor starts one, which ends at once.
                self._counters = Counters(self._keys_max)
        self._counters.sweep()
        return self._counters


def _name(limit: RateLimit, key: str) -> str:
    return f"{limit.policy}/{limit.window_seconds}/{key}"
