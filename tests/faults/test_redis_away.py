"""Redis killed, frozen and started again: limits go on in memory, nobody waits, and it recovers by itself."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from oms_limits import open_redis
from oms_memory import MemoryStorage

from oms_core import Oms, Ports, Settings
from oms_core.domain.metrics import RATE_LIMITER_FALLBACKS, Metric
from oms_core.domain.rate_limits import RateLimit
from oms_core.ports.metrics import NoMetrics
from oms_core.ports.rate_limiter import RateLimiter, RateLimiterOptions
from oms_http.app import create_app
from tests.services import ServerUnusable, wait_until
from tests.services.plugin import do_without
from tests.services.processes import ServerProcess
from tests.services.redis import private_redis
from tests.services.run import Run

LIMIT = RateLimit(policy="default", count=10, window_seconds=3_600)
TIMEOUT_SECONDS = 0.15
HEALING_SECONDS = 20


class CountingMetrics(NoMetrics):
    """Metrics that a test can look at."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()

    def count(self, metric: Metric, *labels: str, amount: int = 1) -> None:
        self.counted[metric.name] += amount

    @property
    def fallbacks(self) -> int:
        return self.counted[RATE_LIMITER_FALLBACKS.name]


@pytest.fixture
def redis(test_run: Run) -> Iterator[ServerProcess]:
    try:
        server = private_redis(test_run)
        server.start()
    except ServerUnusable as error:
        do_without(f"NO PRIVATE REDIS: {error}")
    yield server
    server.stop()


@pytest.fixture
def metrics() -> CountingMetrics:
    return CountingMetrics()


def limiter_on(redis: ServerProcess, metrics: CountingMetrics, pause_seconds: float) -> RateLimiter:
    options = RateLimiterOptions(metrics=metrics, timeout_seconds=TIMEOUT_SECONDS, pause_seconds=pause_seconds)
    return open_redis(redis.url, options)


def test_limits_go_on_in_memory_while_redis_is_dead(redis: ServerProcess, metrics: CountingMetrics) -> None:
    limiter = limiter_on(redis, metrics, pause_seconds=60)
    limiter.take(LIMIT, "a", cost=1)
    assert (metrics.fallbacks, limiter.is_degraded()) == (0, False)
    redis.kill()
    assert [limiter.take(LIMIT, "a", cost=1).allowed for _ in range(12)] == [True] * 10 + [False] * 2
    assert (metrics.fallbacks, limiter.is_degraded()) == (12, True)


def test_limits_are_counted_in_redis_again_once_it_is_back(redis: ServerProcess, metrics: CountingMetrics) -> None:
    limiter = limiter_on(redis, metrics, pause_seconds=0.2)
    limiter.take(LIMIT, "a", cost=10)
    redis.kill()
    limiter.take(LIMIT, "a", cost=10)
    redis.start()  # It has forgotten everything.
    wait_until(lambda: not limiter.is_degraded(), HEALING_SECONDS, "Redis is used again")
    fallbacks = metrics.fallbacks
    assert limiter.take(LIMIT, "a", cost=10).allowed
    assert metrics.fallbacks == fallbacks
    assert not limiter_on(redis, metrics, pause_seconds=60).take(LIMIT, "a", cost=1).allowed


def test_charges_alone_bring_redis_back(redis: ServerProcess, metrics: CountingMetrics) -> None:
    limiter = limiter_on(redis, metrics, pause_seconds=0.2)
    redis.kill()
    limiter.take(LIMIT, "a", cost=10)
    redis.start()
    wait_until(lambda: limiter.take(LIMIT, "a", cost=1).allowed, HEALING_SECONDS, "a charge is counted in Redis")


def test_a_service_starts_without_redis(redis: ServerProcess, metrics: CountingMetrics) -> None:
    redis.kill()
    assert limiter_on(redis, metrics, pause_seconds=60).take(LIMIT, "a", cost=1).remaining == 9


def test_a_frozen_redis_costs_its_timeout_once_and_not_every_request(
    redis: ServerProcess, metrics: CountingMetrics
) -> None:
    limiter = limiter_on(redis, metrics, pause_seconds=60)
    limiter.take(LIMIT, "a", cost=1)
    os.kill(redis.pid, signal.SIGSTOP)
    begun = time.monotonic()
    for _ in range(100):
        limiter.take(LIMIT, "a", cost=1)
    spent = time.monotonic() - begun
    os.kill(redis.pid, signal.SIGCONT)
    # A hundred times the timeout would be 15 s; once is at least the timeout, so Redis was really asked.
    assert TIMEOUT_SECONDS <= spent < 20 * TIMEOUT_SECONDS
    assert metrics.fallbacks == 100


def test_a_thawed_redis_is_used_again(redis: ServerProcess, metrics: CountingMetrics) -> None:
    limiter = limiter_on(redis, metrics, pause_seconds=0.2)
    os.kill(redis.pid, signal.SIGSTOP)
    assert limiter.is_degraded()
    os.kill(redis.pid, signal.SIGCONT)
    wait_until(lambda: not limiter.is_degraded(), HEALING_SECONDS, "Redis is used again")


def test_the_service_stays_ready_and_names_what_is_away(redis: ServerProcess, metrics: CountingMetrics) -> None:
    settings = Settings(database_url="memory://", rate_limits="default=2/hour")
    limiter = limiter_on(redis, metrics, pause_seconds=0.2)
    with Oms(settings=settings, ports=Ports(storage=MemoryStorage(), metrics=metrics, rate_limiter=limiter)) as oms:
        client = create_app(oms).test_client()

        def degraded() -> list[str]:
            answer = client.get("/readyz")
            assert answer.status_code == 200
            return list(answer.get_json()["degraded"])

        assert "rate_limiter" not in degraded()
        redis.kill()
        assert "rate_limiter" in degraded()
        assert [client.get("/v1/orders").status_code for _ in range(3)] == [200, 200, 429]
        redis.start()
        wait_until(lambda: "rate_limiter" not in degraded(), HEALING_SECONDS, "nothing is degraded")
