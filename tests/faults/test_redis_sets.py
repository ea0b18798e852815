"""Redis behind Sentinels and Redis Cluster, with nodes killed and frozen: limits go on, and nobody waits long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from oms_contracts.concurrency import run_together
from oms_limits import open_redis
from oms_limits.cluster import ClusterStore
from oms_limits.scripts import TAKE
from oms_limits.sentinels import Sentinels
from oms_limits.shared import RedisRateLimiter
from redis import Redis
from redis.crc import key_slot
from redis.exceptions import ConnectionError, MovedError, RedisError

from oms_core.domain.rate_limits import Allowance, RateLimit
from oms_core.ports.rate_limiter import RateLimiter, RateLimiterOptions
from tests.faults.test_redis_away import CountingMetrics
from tests.services import ServerUnusable, wait_until
from tests.services.plugin import do_without
from tests.services.processes import ServerProcess
from tests.services.redis_sets import MASTER, PrivateRedisCluster, PrivateSentinels, port_of, role_of
from tests.services.run import Run

LIMIT = RateLimit(policy="default", count=100, window_seconds=3_600)
TIMEOUT_SECONDS = 0.15
# A charge asks at most three Sentinels and a server; the rest is for a busy machine.
CALL_SECONDS = 4 * TIMEOUT_SECONDS + 1.5
HEALING_SECONDS = 60
THREADS = 64


@pytest.fixture
def metrics() -> CountingMetrics:
    return CountingMetrics()


@pytest.fixture
def sentinels(test_run: Run) -> Iterator[PrivateSentinels]:
    try:
        servers = PrivateSentinels(test_run)
        servers.start()
    except ServerUnusable as error:
        do_without(f"NO PRIVATE REDIS: {error}")
    yield servers
    servers.stop()


@pytest.fixture
def cluster(test_run: Run) -> Iterator[PrivateRedisCluster]:
    try:
        servers = PrivateRedisCluster(test_run)
        servers.start()
    except ServerUnusable as error:
        do_without(f"NO PRIVATE REDIS: {error}")
    yield servers
    servers.stop()


def limiter_on(url: str, metrics: CountingMetrics, pause_seconds: float = 0.2) -> RateLimiter:
    options = RateLimiterOptions(metrics=metrics, timeout_seconds=TIMEOUT_SECONDS, pause_seconds=pause_seconds)
    return open_redis(url, options)


def take(limiter: RateLimiter, key: str = "a") -> Allowance:
    """Take a unit, in time."""
    began = time.monotonic()
    allowance = limiter.take(LIMIT, key, cost=1)
    assert time.monotonic() - began < CALL_SECONDS
    return allowance


def counts_there_again(limiter: RateLimiter, metrics: CountingMetrics) -> bool:
    before = metrics.fallbacks
    take(limiter)
    return metrics.fallbacks == before


def key_of(node: ServerProcess, cluster: PrivateRedisCluster) -> str:
    """Find a key of a caller whose counters are on this node."""
    (begin, end, *_), *_ = [
        slots
        for slots in cluster.client(node).execute_command("CLUSTER SLOTS")
        if slots[2][1] == port_of(node)  # type: ignore[no-untyped-call]
    ]
    return next(key for key in map(str, range(1_000)) if begin <= key_slot(f"default/3600/{key}".encode()) <= end)


def test_the_master_dies_and_limits_go_on_in_memory_and_then_on_the_next_master(
    sentinels: PrivateSentinels, metrics: CountingMetrics
) -> None:
    limiter = limiter_on(sentinels.url, metrics)
    assert [take(limiter).remaining for _ in range(40)] == [*range(99, 59, -1)]
    wait_until(
        lambda: role_of(sentinels.master)["slave0"]["lag"] == 0 and not metrics.fallbacks, HEALING_SECONDS, "a replica"
    )
    sentinels.master.kill()
    assert take(limiter).remaining == 99, "this process counts from nothing"
    assert limiter.is_degraded()
    wait_until(lambda: counts_there_again(limiter, metrics), HEALING_SECONDS, "the next master counts")
    assert take(limiter).remaining <= 60, "it has what the first one counted"
    assert not limiter.is_degraded()


def test_a_frozen_master_is_left_although_many_connections_to_it_are_open(
    sentinels: PrivateSentinels, metrics: CountingMetrics
) -> None:
    limiter = limiter_on(sentinels.url, metrics, pause_seconds=2)
    assert isinstance(limiter, RedisRateLimiter)
    pool = limiter._store._client.connection_pool  # type: ignore[attr-defined]
    for connection in [pool.get_connection() for _ in range(30)]:
        pool.release(connection)
    sentinels.master.freeze()
    take(limiter)
    wait_until(lambda: role_of(sentinels.replica)["role"] == "master", HEALING_SECONDS, "the replica is master")
    # One try in two seconds: each open connection would cost another one.
    wait_until(lambda: counts_there_again(limiter, metrics), 20, "the next master counts")


def test_sentinels_that_are_frozen_or_dead_are_passed_over(
    sentinels: PrivateSentinels, metrics: CountingMetrics
) -> None:
    frozen, dead, _ = sentinels.sentinels
    frozen.freeze()
    dead.kill()
    limiter = limiter_on(sentinels.url, metrics, pause_seconds=60)
    assert [take(limiter).remaining for _ in range(3)] == [99, 98, 97]
    assert metrics.fallbacks == 0


def test_who_is_connected_needs_no_sentinel(sentinels: PrivateSentinels, metrics: CountingMetrics) -> None:
    limiter = limiter_on(sentinels.url, metrics, pause_seconds=60)
    take(limiter)
    for each in sentinels.sentinels:
        each.kill()
    assert take(limiter).remaining == 98
    assert (metrics.fallbacks, limiter.is_degraded()) == (0, False)


class FakeSentinel:
    """Answers, or is away; before it answers, a rival does something."""

    def __init__(self, *, answers: bool) -> None:
        self.answers = answers
        self.rival: Any = None

    def sentinel_masters(self) -> dict[str, Any]:
        if not self.answers:
            raise ConnectionError("away")
        if (rival := self.rival) is not None:
            self.rival = None
            rival()
        state = {"is_master": True, "is_sdown": False, "is_odown": False, "num-other-sentinels": 2}
        return {MASTER: {**state, "ip": "h", "port": 1}}


def test_searches_at_the_same_time_lose_no_sentinel() -> None:
    away, there = FakeSentinel(answers=False), FakeSentinel(answers=True)
    search = Sentinels([away, there])  # type: ignore[list-item]
    there.rival = lambda: search.discover_master(MASTER)
    assert search.discover_master(MASTER) == ("h", 1)
    assert set(search.sentinels) == {away, there}
    there.answers, away.answers = False, True
    assert search.discover_master(MASTER) == ("h", 1)


def test_a_master_of_a_cluster_dies_and_its_replica_counts_on(
    cluster: PrivateRedisCluster, metrics: CountingMetrics
) -> None:
    limiter, key = limiter_on(cluster.url, metrics), key_of(cluster.masters[0], cluster)
    assert [take(limiter, key).remaining for _ in range(40)] == [*range(99, 59, -1)]
    wait_until(lambda: cluster.client(cluster.replica).dbsize() >= 1, HEALING_SECONDS, "the replica has the counter")
    cluster.masters[0].kill()
    assert take(limiter, key).remaining == 99
    wait_until(lambda: take(limiter, key).remaining < 60, HEALING_SECONDS, "the replica counts")
    wait_until(lambda: not limiter.is_degraded(), HEALING_SECONDS, "all nodes know who counts")


def test_a_master_without_a_replica_dies_and_comes_back(cluster: PrivateRedisCluster, metrics: CountingMetrics) -> None:
    limiter, lost = limiter_on(cluster.url, metrics), cluster.masters[1]
    key, other = key_of(lost, cluster), key_of(cluster.masters[2], cluster)
    take(limiter, key)
    lost.kill()
    take(limiter, key)
    assert metrics.fallbacks == 1
    wait_until(lambda: not cluster.works(cluster.masters[2]), HEALING_SECONDS, "the cluster is down")
    take(limiter, other)
    assert limiter.is_degraded()
    lost.start()
    wait_until(lambda: cluster.works(cluster.masters[2]), HEALING_SECONDS, "the cluster works")
    wait_until(lambda: not limiter.is_degraded(), HEALING_SECONDS, "the cluster counts")
    fallbacks = metrics.fallbacks
    assert take(limiter, key)
    assert metrics.fallbacks == fallbacks


def test_nobody_waits_for_others_while_a_whole_cluster_is_frozen(
    cluster: PrivateRedisCluster, metrics: CountingMetrics
) -> None:
    limiter = limiter_on(cluster.url, metrics, pause_seconds=60)
    for number in range(100):
        take(limiter, f"{number}")
    for node in cluster.nodes:
        node.freeze()
    began = time.monotonic()
    run_together([lambda number=number: limiter.take(LIMIT, f"{number}", cost=1) for number in range(THREADS)])
    assert time.monotonic() - began < 2 * CALL_SECONDS
    assert metrics.fallbacks == THREADS
    for node in cluster.nodes:
        node.thaw()


def test_a_slot_that_moves_is_followed(cluster: PrivateRedisCluster, metrics: CountingMetrics) -> None:
    limiter, (old, new) = limiter_on(cluster.url, metrics, pause_seconds=60), cluster.masters[:2]
    key = key_of(old, cluster)
    slot = key_slot(f"default/3600/{key}".encode())
    ids = {node.url: cluster.client(node).execute_command("CLUSTER MYID").decode() for node in (old, new)}  # type: ignore[no-untyped-call]

    def let(node: ServerProcess, state: str, other: ServerProcess) -> None:
        cluster.client(node).execute_command("CLUSTER SETSLOT", slot, state, ids[other.url])  # type: ignore[no-untyped-call]

    other = next(each for each in map(str, range(1_000)) if key_slot(f"default/3600/{each}".encode()) != slot)
    assert [take(limiter, each).remaining for each in (key, other)] == [99, 99]
    let(new, "IMPORTING", old)
    let(old, "MIGRATING", new)
    for node in cluster.masters:
        cluster.client(node).flushall()  # Keys that are there stay until they are moved.
    assert [take(limiter, each).remaining for each in (key, other)] == [99, 99], "in memory; in Redis"
    assert metrics.fallbacks == 1
    for node in (new, old, cluster.masters[2]):
        let(node, "NODE", new)
    assert [take(limiter, key).remaining for _ in range(2)] == [99, 98], "the old node says where it is"
    assert take(limiter, other).remaining == 98
    assert metrics.fallbacks == 1


def test_nodes_that_name_each_other_are_not_followed_without_end() -> None:
    class Teller(Redis):
        def evalsha(self, *_: Any) -> Any:
            raise MovedError("1 h:2")

    store = ClusterStore([("h", 1)], lambda host, port: Teller(host=host, port=port))
    with pytest.raises(RedisError, match="name each other"):
        store.run(TAKE, ("{a}/-1", "{a}"), (1, 1, 1))
