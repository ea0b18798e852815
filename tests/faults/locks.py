"""Everything that has a lock and lives on, each with a use of it that needs the lock."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from oms_contracts.clock import BEGINNING
from oms_contracts.storage_contract.shop import new_shop
from oms_limits import open_memory, open_redis
from oms_memory import MemoryBroker, MemoryStorage
from oms_peewee.pool import Circuit, Pool
from oms_peewee.postgresql.watchdog import Watchdog
from oms_peewee.retry_deadline import RetryDeadline
from oms_peewee.sqlite.connections import WriterLock
from oms_prometheus import PrometheusMetrics
from oms_rabbitmq import open_broker as open_rabbitmq
from werkzeug.test import EnvironBuilder

from oms_core import ALL_SCOPES, Caller, Oms, OmsError, OrderLine, PlaceOrder, Settings
from oms_core.authentication.failed_attempts import FailedAttempts
from oms_core.authentication.key_cache import ApiKeyCache
from oms_core.authentication.last_use import LastUses
from oms_core.authentication.refused_tokens import RefusedTokens
from oms_core.domain.api_keys import ApiKey
from oms_core.domain.metrics import ORDERS_DECIDED
from oms_core.domain.rate_limits import RateLimit
from oms_core.domain.stock.products import ProductFilter
from oms_core.ports.broker import BrokerOptions
from oms_core.ports.metrics import NoMetrics
from oms_core.ports.rate_limiter import RateLimiterOptions
from oms_core.runtime.announcements import Announcements
from oms_core.runtime.background_thread import BackgroundThread
from oms_core.runtime.group_committer import GroupCommitter
from oms_core.runtime.outcomes import Outcomes
from oms_core.runtime.queue_watch import QueueWatch
from oms_http.edge.fault_log import FaultLog
from oms_http.edge.refusal_log import RefusalLog
from oms_http.requests import Request
from oms_http.service.readiness import Readiness

SECONDS = 20.0
CALLER = Caller(name="forker", scopes=ALL_SCOPES)
AWAY = OmsError("storage_unavailable", "the database is away")
LIMIT = RateLimit(policy="auth.failures", count=1, window_seconds=60)


def check(is_so: bool) -> None:
    assert is_so


class Locked(NamedTuple):
    """Something with a lock, and a use of it that needs the lock."""

    lock: AbstractContextManager[Any]
    use: Callable[[], object]
    keeps: object = None


def group_committer() -> Locked:
    committer: GroupCommitter[int, int] = GroupCommitter(list, batch_max=5, waiting_max=5)
    return Locked(committer._changed, lambda: (check(committer.submit(7) == 7), committer.close()))


def announcements() -> Locked:
    announcements = Announcements(MemoryBroker().announcer, NoMetrics())
    return Locked(announcements._changed, lambda: (announcements.tell([uuid4()]), announcements.close()))


def background_thread() -> Locked:
    thread = BackgroundThread(lambda: None, name="background")
    return Locked(thread._lock, lambda: (thread.start(), thread.join(SECONDS)))


def outcomes() -> Locked:
    shop = new_shop(MemoryStorage())
    shop.set("A", 1)
    order_id = shop.buy(("A", 1)).id
    outcomes = Outcomes(shop.storage.queue.settled, waiting_max=1)
    return Locked(outcomes._lock, lambda: check(outcomes.wait(order_id, timeout_seconds=SECONDS) is not None))


def key_cache() -> Locked:
    cache = ApiKeyCache(lambda _: pytest.fail("nobody reads"))
    return Locked(cache._lock, lambda: cache.forget("shop"))


def key_uses() -> Locked:
    noted: list[object] = []
    uses = LastUses(MemoryStorage(), noted.append)
    key = ApiKey(
        id=uuid4(),
        name="shop",
        number=1,
        scopes=ALL_SCOPES,
        customer_id=None,
        created_at=BEGINNING,
        created_by="root",
        expires_at=None,
        revoked_at=None,
        revoked_by=None,
        last_used_at=None,
    )
    return Locked(uses._writing, lambda: (uses.note(key, BEGINNING), check(len(noted) == 1)))


def closed_key_uses() -> Locked:
    uses = LastUses(MemoryStorage())
    return Locked(uses._writing, uses.close)


def failed_attempts() -> Locked:
    failed_attempts = FailedAttempts(LIMIT, open_memory("memory://", RateLimiterOptions(metrics=NoMetrics())))
    return Locked(failed_attempts._lock, lambda: failed_attempts.count("192.0.2.1"))


def refused_tokens() -> Locked:
    tokens = RefusedTokens()
    return Locked(tokens._lock, lambda: (tokens.add("x"), check(tokens.has("x"))))


def queue_watch() -> Locked:
    watch = QueueWatch(MemoryStorage())
    return Locked(watch._sampling, watch.look)


def readiness() -> Locked:
    readiness = Readiness(lambda: None, answer_seconds=SECONDS)
    return Locked(readiness._lock, readiness.ask)


def fault_log() -> Locked:
    fault_log = FaultLog()
    return Locked(fault_log._lock, lambda: fault_log.note(AWAY, "R1"))


def refusals() -> Locked:
    refusals, asked = RefusalLog(), Request(EnvironBuilder("/").get_environ())
    return Locked(refusals._lock, lambda: refusals.note(OmsError("forbidden", "x"), asked))


def memory_storage() -> Locked:
    storage = MemoryStorage()
    return Locked(storage.tables.lock, lambda: storage.stock.find(ProductFilter(), after=None, limit=1))


def memory_queue() -> Locked:
    queue = MemoryBroker()
    return Locked(queue.exchange.changed, lambda: queue.announcer().announce([uuid4()]))


def rabbitmq_queue() -> Locked:
    queue: Any = open_rabbitmq("amqp://127.0.0.1:1", BrokerOptions(prefix="oms"))
    return Locked(queue._checking, queue.close)


def rabbitmq_inbox() -> Locked:
    inbox: Any = open_rabbitmq("amqp://127.0.0.1:1", BrokerOptions(prefix="oms")).inbox()
    return Locked(inbox._changed, lambda: (check(inbox.take(limit=1, timeout_seconds=0) == []), inbox.close()))


def memory_limiter() -> Locked:
    limiter: Any = open_memory("memory://", RateLimiterOptions(metrics=NoMetrics()))
    limiter.take(LIMIT, "a", cost=1)
    return Locked(limiter._charging, lambda: check(limiter.take(LIMIT, "a", cost=1).allowed))


def redis_limiter() -> Locked:
    options = RateLimiterOptions(metrics=NoMetrics(), pause_seconds=60)
    limiter: Any = open_redis("redis://127.0.0.1:1/0", options)
    limiter.take(LIMIT, "a", cost=1)
    return Locked(limiter._deciding, lambda: limiter.take(LIMIT, "b", cost=1))


def prometheus_metrics() -> Locked:
    metrics = PrometheusMetrics()
    return Locked(metrics._creating, lambda: metrics.count(ORDERS_DECIDED, "placed"))


def circuit() -> Locked:
    away = ConnectionError()

    def connect() -> None:
        raise away

    circuit = Circuit(connect, lambda error: error is away)

    def use() -> None:
        with pytest.raises(ConnectionError):
            circuit.connect()

    return Locked(circuit._lock, use)


def pool() -> Locked:
    pool: Pool = Pool(1)

    def use() -> None:
        with pool.lend(RetryDeadline(SECONDS), Usable):
            pass

    return Locked(pool._generations[-1].free, use)


def writer_lock() -> Locked:
    writers = WriterLock()

    def use() -> None:
        with writers.held(RetryDeadline(SECONDS)):
            pass

    return Locked(writers._writing, use)


def watchdog() -> Locked:
    dog = Watchdog(10)

    def use() -> None:
        with dog.watch(0):
            pass

    return Locked(dog._lock, use)


def whole_system() -> Locked:
    oms = Oms.open(Settings(database_url="memory://"))
    oms.start_worker()
    order = PlaceOrder(customer_id="C1", lines=[OrderLine(sku="NONE", quantity=1)])

    def use() -> None:
        with pytest.raises(Exception, match="NONE"):
            oms.orders.place(order, caller=CALLER)
        oms.start_worker()
        oms.close()

    return Locked(oms._workers._stop._cond, use, oms)  # type: ignore[attr-defined]  # What its workers wait on.


class Usable:
    """A connection."""

    def is_usable(self) -> bool:
        return True

    def discard(self) -> None:
        """Nothing is open."""


LOCKED: list[Callable[[], Locked]] = [
    announcements,
    background_thread,
    circuit,
    closed_key_uses,
    fault_log,
    group_committer,
    failed_attempts,
    key_cache,
    key_uses,
    memory_limiter,
    memory_queue,
    memory_storage,
    outcomes,
    pool,
    prometheus_metrics,
    queue_watch,
    rabbitmq_inbox,
    rabbitmq_queue,
    readiness,
    redis_limiter,
    refusals,
    refused_tokens,
    watchdog,
    whole_system,
    writer_lock,
]
