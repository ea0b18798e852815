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
from oms_limits.redis_urls import read_redis_url
from oms_limits.windows import Window, allowance_of
from redis import SSLConnection

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
        "redis://:secret@host/secret",
        "redis://:secret@a,b/0",
        "redis+sentinel://:secret@a,b",
        "redis+sentinel://:secret@a,b/",
        "redis+sentinel://:secret@a,,b/shop",
        "redis+sentinel://:secret@a,b:secret/shop",
        "redis+sentinel://:secret@a,b/shop/secret",
        "redis+sentinel://:secret@a/shop?socket_timeout=soon",
        f"redis+sentinel://:secret@{','.join('abcdefghijklmnopq')}/shop",
        "rediss+cluster://:secret@",
        "redis+cluster://:secret@a,b/1",
        "redis+cluster://:secret@a,b?db=1",
        "redis+cluster://:secret@a,b?sentinel_password=secret",
    ],
)
def test_a_wrong_url_is_one_line_without_its_password(url: str) -> None:
    with pytest.raises(OmsError) as caught:
        limiter_of(url)
    assert caught.value.code == "invalid_setting"
    assert caught.value.detail.startswith("OMS_RATE_LIMIT_URL")
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("REDIS+Sentinel://u:secret@a,b:7/shop", "Redis, master shop of the Sentinels at a:26379,b:7, database 0"),
        ("rediss+sentinel://a/shop/3", "Redis, master shop of the Sentinels at a:26379, database 3"),
        ("redis+sentinel://[::1]:7/shop?db=4", "Redis, master shop of the Sentinels at ::1:7, database 4"),
        ("redis+cluster://:secret@a,b:7", "Redis Cluster at a:6379,b:7"),
        ("rediss+cluster://:secret@a/0?socket_timeout=1", "Redis Cluster at a:6379"),
    ],
)
def test_a_set_of_servers_is_named_without_the_password(url: str, place: str) -> None:
    assert limiter_of(url).describe() == f"rate limits are counted in {place}"


def test_what_is_wrong_with_a_url_is_told_by_its_kind() -> None:
    for url, shape in (
        ("redis://a,b", "must be redis:// or rediss://user:password@host:port/number"),
        ("redis+sentinel://a", "must be redis+sentinel:// or rediss+sentinel://user:password@host:port,host:port/ma"),
        ("rediss+cluster://a/1", "must be redis+cluster:// or rediss+cluster://user:password@host:port,host:port"),
    ):
        with pytest.raises(OmsError) as caught:
            limiter_of(url)
        assert caught.value.detail.startswith(f"OMS_RATE_LIMIT_URL {shape}")


def test_servers_and_sentinels_have_passwords_of_their_own_and_share_the_rest() -> None:
    url = read_redis_url("rediss+sentinel://u:p%40@a,b/shop/3?sentinel_username=s&sentinel_password=q%2F&x=1")
    assert url.of_server("h", 7) == "rediss://u:p%40@h:7/3?x=1"
    assert url.of_sentinel("::1", 7) == "rediss://s:q%2F@[::1]:7?x=1"
    assert read_redis_url("redis+sentinel://u:p@a/shop").of_sentinel("a", 7) == "redis://a:7?"


def test_the_master_and_its_sentinels_are_reached_over_tls_and_in_time() -> None:
    options = RateLimiterOptions(metrics=NoMetrics(), timeout_seconds=0.2)
    limiter = open_redis("rediss+sentinel://u:p@a/shop/3?ssl_check_hostname=true&health_check_interval=5", options)
    pool = limiter._store._client.connection_pool  # type: ignore[attr-defined]
    assert issubclass(pool.connection_class, SSLConnection)
    (sentinel,) = pool.sentinel_manager.sentinels
    assert issubclass(sentinel.connection_pool.connection_class, SSLConnection)
    master, own = pool.connection_kwargs, sentinel.connection_pool.connection_kwargs
    assert (master["username"], master["password"], master["db"]) == ("u", "p", 3)
    assert "password" not in own
    for given in (master, own):
        assert (given["socket_timeout"], given["socket_connect_timeout"]) == (0.2, 0.2)
        assert given["health_check_interval"] == 5
        assert given["retry"].get_retries() == 0


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
