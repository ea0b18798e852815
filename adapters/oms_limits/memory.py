"""Rate limits counted in this process alone."""

from __future__ import annotations

import os
import threading
import time

from limits.storage import MemoryStorage

from oms_core.domain.rate_limits import RateLimit
from oms_core.ports.rate_limiter import Allowance
from oms_limits.windows import Window, allowance_of


class MemoryRateLimiter:
    """A RateLimiter for one process; each process of a service counts for itself.

    One lock goes around each charge: the counters of `limits` alone lose units when several threads begin a window.
    """

    def __init__(self) -> None:
        self._beginning = threading.Lock()
        self._process_id = 0

    def take(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
        """See RateLimiter."""
        if self._process_id != os.getpid():
            self._begin()
        name = _name(limit, key)
        with self._charging:
            allowed = self._storage.acquire_sliding_window_entry(name, limit.count, limit.window_seconds, cost)
            window = Window(*self._storage.get_sliding_window(name, limit.window_seconds))
        return allowance_of(limit, window, cost=cost, allowed=allowed)

    def give_back(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
        """See RateLimiter."""
        if self._process_id != os.getpid():
            self._begin()
        name = _name(limit, key)
        with self._charging:
            previous, current = self._storage.sliding_window_keys(name, limit.window_seconds, time.time())
            for counter in (current, previous):
                units = min(cost, self._storage.get(counter))
                if units > 0:
                    self._storage.decr(counter, units)
                    cost -= units
            window = Window(*self._storage.get_sliding_window(name, limit.window_seconds))
        return allowance_of(limit, window, cost=0, allowed=True)

    def is_degraded(self) -> bool:
        """Say no: nothing is shared."""
        return False

    def describe(self) -> str:
        """See RateLimiter."""
        return "rate limits are counted per process, in memory"

    def close(self) -> None:
        """Nothing is open."""

    def _begin(self) -> None:
        """Count from nothing in this process, be it the first or a forked one, whose locks and threads are its own."""
        with self._beginning:
            if self._process_id != os.getpid():
                self._charging = threading.Lock()
                self._storage = MemoryStorage()
                self._process_id = os.getpid()


def _name(limit: RateLimit, key: str) -> str:
    return f"{limit.policy}/{limit.window_seconds}/{key}"
