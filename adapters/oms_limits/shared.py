"""Rate limits counted in Redis, by all processes together; in memory while Redis is unavailable."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from limits.storage import RedisStorage
from redis import Redis
from redis.exceptions import NoScriptError, RedisError

from oms_core.domain.metrics import RATE_LIMITER_FALLBACKS
from oms_core.domain.rate_limits import Allowance, RateLimit
from oms_core.ports.rate_limiter import RateLimiterOptions
from oms_core.runtime.forks import begin_in_each_process
from oms_limits.memory import MemoryRateLimiter
from oms_limits.windows import Window, allowance_of

_log = logging.getLogger(__name__)

# Subtracts units from the counter of the current window, then from the one before, down to 0.
_GIVE_BACK = """
local rest = tonumber(ARGV[1])
for _, key in ipairs({KEYS[2], KEYS[1]}) do
    local units = math.min(rest, tonumber(redis.call('get', key)) or 0)
    if units > 0 then
        redis.call('decrby', key, units)
        rest = rest - units
    end
end
return true
"""


class RedisRateLimiter:
    """A RateLimiter on Redis.

    After a failure Redis is not asked for `pause_seconds`, so a frozen Redis costs its timeout once in that time and
    not at every request. Then one charge, or one call of `is_degraded`, tries it again.
    """

    def __init__(
        self,
        storage: RedisStorage,
        client: Redis,
        options: RateLimiterOptions,
        *,
        place: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._storage = storage
        self._client = client
        self._options = options
        self._giving_back = client.register_script(_GIVE_BACK)
        self._place = place
        self._clock = clock
        self._memory = MemoryRateLimiter()
        self._try_again_at: float | None = None  # None: Redis answered when it was last asked.
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._deciding = threading.Lock()

    def take(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
        script = self._storage.lua_acquire_sliding_window.sha
        allowance = self._shared(limit, key, script, limit.count, limit.window_seconds, cost)
        return allowance or self._memory.take(limit, key, cost=cost)

    def give_back(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
        allowance = self._shared(limit, key, self._giving_back.sha, cost)
        return allowance or self._memory.give_back(limit, key, cost=cost)

    def is_degraded(self) -> bool:
        if not self._may_ask():
            return True
        try:
            self._client.ping()
        except (RedisError, OSError) as error:
            self._leave_alone(error)
            return True
        self._go_on()
        return False

    def describe(self) -> str:
        return f"rate limits are counted in {self._place}"

    def close(self) -> None:
        self._client.close()

    def _shared(self, limit: RateLimit, key: str, script: str, *arguments: int) -> Allowance | None:
        """Run a script on the counters, with the cost as its last argument; None while Redis is unavailable."""
        if self._may_ask():
            try:
                allowance = self._counted(limit, key, script, *arguments)
            except (RedisError, OSError) as error:
                self._leave_alone(error)
            else:
                self._go_on()
                return allowance
        self._options.metrics.count(RATE_LIMITER_FALLBACKS)
        return None

    def _counted(self, limit: RateLimit, key: str, script: str, *arguments: int) -> Allowance:
        try:
            allowed, counters = self._ask(limit, key, script, *arguments)
        except NoScriptError:  # A Redis that was started since knows none of the scripts, so nothing has happened.
            for text in (self._storage.SCRIPT_ACQUIRE_SLIDING_WINDOW, self._storage.SCRIPT_SLIDING_WINDOW, _GIVE_BACK):
                self._client.script_load(text)
            allowed, counters = self._ask(limit, key, script, *arguments)
        previous, previous_ms, current, current_ms = (max(0, int(counter or 0)) for counter in counters)
        window = Window(previous, previous_ms / 1_000, current, current_ms / 1_000)
        return allowance_of(limit, window, cost=arguments[-1], allowed=bool(allowed))

    def _ask(self, limit: RateLimit, key: str, script: str, *arguments: int) -> list[Any]:
        """Change the counters and read them, with a script each, in one round trip."""
        # The braces keep both keys on one node of a cluster.
        current = self._storage.prefixed_key(f"{{{limit.policy}/{limit.window_seconds}/{key}}}")
        keys = (f"{current}/-1", current)
        pipeline = self._client.pipeline(transaction=False)
        pipeline.evalsha(script, 2, *keys, *arguments)
        pipeline.evalsha(self._storage.lua_sliding_window.sha, 2, *keys, limit.window_seconds)
        return pipeline.execute()

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
