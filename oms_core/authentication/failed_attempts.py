"""The limit on failed attempts of an address to authenticate, and apart from them on repeated ones."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from oms_core.domain.rate_limits import RateLimit, counted_address, rate_limited
from oms_core.ports.rate_limiter import RateLimiter
from oms_core.runtime.forks import begin_in_each_process

ADDRESSES_MAX = 10_000


class FailedAttempts:
    """Counts failures by address, and remembers in this process which addresses have reached the limit. Thread-safe.

    With `limit` None, or without a known address, nothing is counted. `counted_as` is the beginning of the rate
    limiter's keys.
    """

    def __init__(
        self,
        limit: RateLimit | None,
        limiter: RateLimiter,
        clock: Callable[[], float] = time.monotonic,
        addresses_max: int = ADDRESSES_MAX,
        counted_as: str = "address",
    ) -> None:
        self._limit = limit
        self._limiter = limiter
        self._clock = clock
        self._addresses_max = addresses_max
        self._counted_as = counted_as
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._blocked_until: dict[str, float] = {}

    def check(self, address: str | None) -> None:
        """Raise `rate_limited` for an address that has reached the limit. The rate limiter is not asked."""
        if self._limit is None or address is None or not self._blocked_until:
            return
        until = self._blocked_until.get(counted_address(address))
        if until is not None and (seconds := until - self._clock()) > 0:
            raise rate_limited(self._limit, math.ceil(seconds))

    def count(self, address: str | None) -> None:
        """Count a failure. Raise `rate_limited` when it is above the limit."""
        if self._limit is None or address is None:
            return
        self.check(address)
        counted = counted_address(address)
        key = f"{self._counted_as}:{counted}"
        allowance = self._limiter.take(self._limit, key, cost=1)
        is_last = allowance.allowed and allowance.remaining < 1
        if is_last:  # A refused charge takes nothing, and returns how long to wait.
            seconds = self._limiter.take(self._limit, key, cost=1).retry_after_seconds
        else:
            seconds = allowance.retry_after_seconds
        if seconds > 0:
            self._block(counted, seconds)
        if not allowance.allowed:
            raise rate_limited(self._limit, seconds)

    def _block(self, counted: str, seconds: int) -> None:
        with self._lock:
            self._blocked_until.pop(counted, None)
            if len(self._blocked_until) >= self._addresses_max:
                del self._blocked_until[next(iter(self._blocked_until))]
            self._blocked_until[counted] = self._clock() + seconds
