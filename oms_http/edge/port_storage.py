"""The core's rate limiter as a storage of the package limits, so that flask-limiter and the core share their counts.

It follows OMS_RATE_LIMIT_URL without knowing any adapter, and goes on in memory while Redis is away. /readyz and the
metrics tell of that. A connection of its own would need all of this a second time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from limits.storage import Storage
from limits.storage.base import SlidingWindowCounterSupport

from oms_core import RateLimiter
from oms_core.domain.numbers import parse_digits
from oms_core.domain.rate_limits import Allowance, RateLimit

SCHEME = "oms-port"
STRATEGY = "sliding-window-counter"
_KEYS_REMEMBERED = 4_096


class PortStorage(Storage, SlidingWindowCounterSupport):
    """A storage for the strategy STRATEGY alone, over a RateLimiter; `told` hears of every charge.

    Keys are what flask-limiter makes of them: `LIMITER/<key of the port>/<policy>/<amount>/<multiples>/<unit>`.
    """

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012  As limits declares it.

    def __init__(
        self,
        uri: str | None = None,
        wrap_exceptions: bool = False,
        *,
        limiter: RateLimiter,
        told: Callable[[Allowance], None],
    ) -> None:
        super().__init__(uri, wrap_exceptions)
        self._limiter = limiter
        self._told = told
        self._read_key = lru_cache(maxsize=_KEYS_REMEMBERED)(_read_key)

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """Return none: the port raises nothing."""
        return ()

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Charge the port, and return whether that was allowed."""
        charged, named = self._read_key(key, limit, expiry)
        allowance = self._limiter.take(charged, named, cost=amount)
        self._told(allowance)
        return allowance.allowed

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Return what is taken, as if all of it were of the current window, and the seconds until it is free again."""
        limit, named = self._read_key(key, parse_digits(key.split("/")[-3]), expiry)
        left = self._limiter.take(limit, named, cost=0)
        return 0, 0.0, limit.count - left.remaining, left.reset_seconds

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Refuse: a limit is only waited for, and never cleared."""
        raise NotImplementedError

    def check(self) -> bool:
        """Return whether the port counts where it should."""
        return not self._limiter.is_degraded()

    incr = get = get_expiry = reset = clear = clear_sliding_window  # type: ignore[assignment]  # No strategy asks.


def _read_key(key: str, count: int, window_seconds: int) -> tuple[RateLimit, str]:
    """Return the limit, and the port's key, that stand in a key of `limits`."""
    named, policy, *_ = key.removeprefix("LIMITER/").rsplit("/", 4)
    return RateLimit(policy=policy, count=count, window_seconds=window_seconds), named
