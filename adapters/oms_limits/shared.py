"""Rate limits counted in Redis, by all processes together; in memory while Redis is unavailable."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from redis.exceptions import RedisError, TryAgainError

from oms_core.domain.metrics import RATE_LIMITER_FALLBACKS
from oms_core.domain.rate_limits import Allowance, RateLimit
from oms_core.ports.rate_limiter import RateLimiterOptions
from oms_core.runtime.call_batches import run_waiting
from oms_core.runtime.forks import begin_in_each_process
from oms_limits.memory import MemoryRateLimiter
from oms_limits.scripts import GIVE_BACK, TAKE, Script
from oms_limits.stores import Store
from oms_limits.windows import STRATEGY, Window, allowance_of

_log = logging.getLogger(__name__)


class RedisRateLimiter:
    """A RateLimiter on Redis: one server, a master that Sentinels name, or a cluster.

    After a failure Redis is not asked for `pause_seconds`, so a frozen Redis costs its timeout once in that time and
    not at every request. Then one charge, or one call of `is_degraded`, tries it again.
    """

    def __init__(
        self,
        store: Store,
        options: RateLimiterOptions,
        *,
        place: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._options = options
        # Another strategy would find keys of the wrong type under the same names.
        self._prefix = f"{options.key_prefix}:rate-limits:{STRATEGY}:"
        self._place = place
        self._clock = clock
        self._memory = MemoryRateLimiter()
        self._try_again_at: float | None = None  # None: Redis answered when it was last asked.
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._deciding = threading.Lock()

    def take(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
        return self._shared(TAKE, limit, key, cost) or self._memory.take(limit, key, cost=cost)

    def give_back(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
        return self._shared(GIVE_BACK, limit, key, cost) or self._memory.give_back(limit, key, cost=cost)

    def is_degraded(self) -> bool:
        if not self._may_ask():
            return True
        try:
            self._store.check(f"{self._prefix}probe")
        except (RedisError, OSError) as error:
            self._leave_alone(error)
            return True
        self._go_on()
        return False

    def describe(self) -> str:
        return f"rate limits are counted in {self._place}"

    def close(self) -> None:
        self._store.close()

    def _shared(self, script: Script, limit: RateLimit, key: str, cost: int) -> Allowance | None:
        """Run a script on the counters; None while Redis is unavailable."""
        if self._may_ask():
            try:
                allowance = run_waiting(lambda: self._counted(script, limit, key, cost))
            except TryAgainError:
                pass  # The keys of this caller are moving to another node of a cluster; all others can be counted.
            except (RedisError, OSError) as error:
                self._leave_alone(error)
            else:
                self._go_on()
                return allowance
        self._options.metrics.count(RATE_LIMITER_FALLBACKS)
        return None

    def _counted(self, script: Script, limit: RateLimit, key: str, cost: int) -> Allowance:
        # The braces keep both keys on one node of a cluster.
        current = f"{self._prefix}{{{limit.policy}/{limit.window_seconds}/{key}}}"
        allowed, *counters = self._store.run(
            script, (f"{current}/-1", current), (limit.count, limit.window_seconds, cost)
        )
        previous, previous_ms, current_units, current_ms = (max(0, int(counter or 0)) for counter in counters)
        window = Window(previous, previous_ms / 1_000, current_units, current_ms / 1_000)
        return allowance_of(limit, window, cost=cost, allowed=bool(allowed))

    def _may_ask(self) -> bool:
        if self._try_again_at is None:
            return True
        with self._deciding:
            if self._try_again_at is None:
                return True
            if self._clock() < self._try_again_at:
                return False
            self._try_again_at = self._clock() + self._options.pause_seconds  # Only this caller tries now.
            return True

    def _leave_alone(self, error: Exception) -> None:
        self._store.let_go()
        with self._deciding:
            was_there = self._try_again_at is None
            self._try_again_at = self._clock() + self._options.pause_seconds
        if was_there:
            _log.warning("%s does not answer (%s): rate limits are counted per process meanwhile", self._place, error)

    def _go_on(self) -> None:
        if self._try_again_at is None:
            return
        with self._deciding:
            was_away = self._try_again_at is not None
            self._try_again_at = None
        if was_away:
            _log.info("%s answers again: rate limits are counted there", self._place)
