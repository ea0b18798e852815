"""A rate limiter over Redis Sentinels and over Redis Cluster keeps every promise, for callers and for addresses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from oms_core import Oms, Settings
from oms_http.app import create_app
from tests.adapters import test_rate_limiters
from tests.services import ServerUnusable
from tests.services.plugin import do_without
from tests.services.redis_sets import PrivateRedisCluster, PrivateSentinels
from tests.services.run import Run

ADDRESS = {"REMOTE_ADDR": "127.0.0.1"}


def started(server: PrivateSentinels | PrivateRedisCluster) -> Iterator[str]:
    try:
        server.start()
        yield server.url
    except ServerUnusable as error:
        do_without(f"NO PRIVATE REDIS: {error}")
    finally:
        server.stop()


@pytest.fixture(scope="module")
def sentinels_url(test_run: Run) -> Iterator[str]:
    yield from started(PrivateSentinels(test_run))


@pytest.fixture(scope="module")
def cluster_url(test_run: Run) -> Iterator[str]:
    yield from started(PrivateRedisCluster(test_run))


class TestSentinelRateLimiter(test_rate_limiters.TestRedisRateLimiter):
    @pytest.fixture
    def redis_url(self, sentinels_url: str) -> str:
        return sentinels_url


class TestClusterRateLimiter(test_rate_limiters.TestRedisRateLimiter):
    @pytest.fixture
    def redis_url(self, cluster_url: str) -> str:
        return cluster_url


@pytest.mark.parametrize("kind", ["sentinels_url", "cluster_url"])
def test_flask_limiter_counts_addresses_there_over_all_processes(kind: str, request: pytest.FixtureRequest) -> None:
    url = f"{request.getfixturevalue(kind)}{'&' if kind == 'sentinels_url' else '?'}socket_timeout=10"
    settings = Settings(database_url="memory://", http_rate_limit="3/hour", rate_limit_url=url)
    with Oms.open(settings) as one, Oms.open(settings) as other:
        clients = [create_app(oms).test_client() for oms in (one, other)]
        asked = [clients[number % 2].get("/v1/orders", environ_base=ADDRESS).status_code for number in range(5)]
        assert asked == [200, 200, 200, 429, 429]
