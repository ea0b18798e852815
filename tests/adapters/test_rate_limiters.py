"""oms_limits keeps every promise of a rate limiter, in memory and on Redis."""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator

import pytest
from oms_contracts.rate_limiter_contract import TEN_AN_HOUR, RateLimiterContract
from oms_limits import open_memory, open_redis
from oms_limits.windows import Window, allowance_of

from oms_core import OmsError, Settings
from oms_core.bootstrap import open_ports
from oms_core.domain.rate_limits import Allowance, RateLimit
from oms_core.ports.metrics import NoMetrics
from oms_core.ports.rate_limiter import NoRateLimiter, RateLimiter, RateLimiterOptions

LIMIT = RateLimit(policy="default", count=10, window_seconds=60)


def limiter_of(url: str, *, limits: str = "default=1/second") -> RateLimiter:
    """Open what a setting names."""
    return open_ports(Settings(database_url="memory://", rate_limit_url=url, rate_limits=limits)).rate_limiter


class TestMemoryRateLimiter(RateLimiterContract):
    @pytest.fixture
    def limiter(self) -> Iterator[RateLimiter]:
        limiter = open_memory("memory://", RateLimiterOptions(metrics=NoMetrics()))
        yield limiter
        limiter.close()


class TestRedisRateLimiter(RateLimiterContract):
    @pytest.fixture
    def options(self, unique_name: str) -> RateLimiterOptions:
        # A busy machine must not look like an absent Redis: these tests are about counting.
        return RateLimiterOptions(metrics=NoMetrics(), key_prefix=unique_name, timeout_seconds=10)

    @pytest.fixture
    def limiter(self, redis_url: str, options: RateLimiterOptions) -> Iterator[RateLimiter]:
        limiter = open_redis(redis_url, options)
        yield limiter
        limiter.close()

    @pytest.fixture
    def rival_limiter(self, redis_url: str, options: RateLimiterOptions) -> RateLimiter:
        return open_redis(redis_url, options)

    def test_two_processes_share_a_limit(self, limiter: RateLimiter, rival_limiter: RateLimiter) -> None:
        limiter.take(TEN_AN_HOUR, "a", cost=6)
        assert rival_limiter.take(TEN_AN_HOUR, "a", cost=1).remaining == 3


class TornRateLimiter:
    """Counts without a lock, and lets others in between reading and writing."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()

    def take(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
        taken = self.taken[key]
        threading.Event().wait(0.001)
        if allowed := taken + cost <= limit.count:
            self.taken[key] = taken + cost
        return Allowance(limit=limit, allowed=allowed, remaining=0, reset_seconds=1, retry_after_seconds=1)

    def give_back(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
        return self.take(limit, key, cost=-cost)

    def is_degraded(self) -> bool:
        return False

    def describe(self) -> str:
        return ""

    def close(self) -> None:
        pass


class PlainRateLimiter(TornRateLimiter):
    """Describes itself in words of its own."""

    def describe(self) -> str:
        return "tokens in a bucket"


def test_a_limiter_may_describe_itself_in_any_words_but_must_in_some() -> None:
    RateLimiterContract().test_a_new_limiter_is_not_degraded_and_says_where_it_counts(PlainRateLimiter())
    with pytest.raises(AssertionError):
        RateLimiterContract().test_a_new_limiter_is_not_degraded_and_says_where_it_counts(TornRateLimiter())


def test_the_race_would_find_a_limiter_without_a_lock() -> None:
    torn = TornRateLimiter()
    with pytest.raises(AssertionError):
        RateLimiterContract().test_threads_never_take_more_than_the_limit(torn, torn)


def test_the_race_would_find_a_limiter_that_gives_back_without_a_lock() -> None:
    torn = TornRateLimiter()

    def race() -> None:
        for _ in range(20):  # In one round the units that are lost may happen to make up for those that are won.
            RateLimiterContract().test_taking_and_giving_back_at_once_loses_no_unit(torn, torn)

    with pytest.raises(AssertionError):
        race()


def test_a_forked_child_counts_for_itself() -> None:
    limiter = open_memory("memory://", RateLimiterOptions(metrics=NoMetrics()))
    limiter.take(LIMIT, "a", cost=10)
    child = os.fork()
    if child == 0:
        os._exit(0 if limiter.take(LIMIT, "a", cost=10).allowed else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not limiter.take(LIMIT, "a", cost=1).allowed


@pytest.mark.parametrize(
    ("window", "cost", "remaining", "retry_after", "reset"),
    [
        (Window(0, 0.0, 10, 120.0), 1, 0, 61, 115),  # The first of ten is forgotten a tenth into the next window.
        (Window(0, 0.0, 10, 90.0), 10, 0, 85, 85),  # For all ten the last one has to be.
        (Window(10, 30.0, 5, 90.0), 1, 0, 1, 79),  # Half of the previous ten and five: as soon as one fades.
        (Window(10, 30.0, 5, 90.0), 5, 0, 25, 79),
        (Window(10, 30.0, 5, 90.0), 8, 0, 55, 79),  # Not before some of the current five fade, in the next window.
    ],
)
def test_the_wait_is_until_enough_units_have_faded(
    window: Window, cost: int, remaining: int, retry_after: int, reset: int
) -> None:
    allowance = allowance_of(LIMIT, window, cost=cost, allowed=False)
    assert allowance.remaining == remaining
    assert allowance.retry_after_seconds == pytest.approx(retry_after, abs=1)
    assert allowance.reset_seconds == pytest.approx(reset, abs=1)


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "redis://host:port",
        "redis://user:secret@host:6379/?no_such_option=1",
        "redis://:secret@host?socket_timeout=soon",
    ],
)
def test_a_wrong_url_is_one_line_without_its_password(url: str) -> None:
    with pytest.raises(OmsError) as caught:
        limiter_of(url)
    assert caught.value.code == "invalid_setting"
    assert caught.value.detail.startswith("OMS_RATE_LIMIT_URL")
    assert "secret" not in caught.value.detail


def test_an_unknown_parameter_is_named_and_any_case_of_the_scheme_is_taken() -> None:
    with pytest.raises(OmsError, match="OMS_RATE_LIMIT_URL: redis-py knows no parameter 'no_such_option'"):
        limiter_of("redis://h?socket_timeout=1&no_such_option=secret")
    opened = limiter_of("REDIS://h/2?max_connections=9")
    assert "Redis at h:6379, database 2" in opened.describe()


def test_a_url_that_nothing_serves_is_one_line() -> None:
    with pytest.raises(OmsError, match="OMS_RATE_LIMIT_URL: nothing installed serves memcached://"):
        limiter_of("memcached://h")


@pytest.mark.parametrize(
    ("url", "package", "extra"), [("memory://", "limits.storage", "limits"), ("redis://h", "redis", "redis")]
)
def test_a_missing_package_is_one_line_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, url: str, package: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    for name in [name for name in sys.modules if name.partition(".")[0] == "oms_limits"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(OmsError) as caught:
        limiter_of(url)
    scheme = url.partition("://")[0]
    advice = f"install orderkeep with the extra '{extra}'"
    assert caught.value.detail == f"OMS_RATE_LIMIT_URL: {scheme}:// needs {package}; {advice}"


def test_nothing_is_opened_while_no_limit_is_set() -> None:
    assert isinstance(limiter_of("redis://127.0.0.1:1", limits="off"), NoRateLimiter)


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_a_limiter_on_redis_names_its_place_and_no_password(scheme: str) -> None:
    limiter = open_redis(f"{scheme}://user:secret@h:7/3", RateLimiterOptions(metrics=NoMetrics()))
    assert limiter.describe() == "rate limits are counted in Redis at h:7, database 3"
