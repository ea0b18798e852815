"""Opening a rate limiter by its URL; errors never show the URL's password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from oms_core.errors import OmsError
from oms_core.ports.rate_limiter import RateLimiter, RateLimiterOptions
from oms_limits.memory import MemoryRateLimiter
from oms_limits.redis_urls import SENTINEL_PARAMETERS, RedisUrl, read_redis_url, shape_of

if TYPE_CHECKING:
    from redis import Redis

    from oms_limits.stores import Store

CONNECTIONS_MAX = 2_048  # Above any number of threads, so that only Redis bounds them.


def open_memory(url: str, options: RateLimiterOptions) -> RateLimiter:  # noqa: ARG001  The signature is the port's.
    """Open `memory://`: each process counts for itself."""
    return MemoryRateLimiter()


def open_redis(url: str, options: RateLimiterOptions) -> RateLimiter:
    """Open Redis without connecting yet. Raise `invalid_setting`, which never quotes the URL.

    The URL is `redis://host:port/number`, `redis+sentinel://host:port,host:port/master/number` or
    `redis+cluster://host:port,host:port`; with `rediss` everything is over TLS. Options of redis-py in the URL's query,
    such as `?socket_timeout=1`, override the timeout of `options`.
    """
    # Imported here, since `memory://` works without the package redis.
    from oms_limits.shared import RedisRateLimiter

    _check_parameters(url)
    try:
        read = read_redis_url(url)
        store = _open_store(read, options)
    except (ValueError, TypeError, AttributeError):
        raise OmsError("invalid_setting", f"OMS_RATE_LIMIT_URL {shape_of(url)}") from None  # The cause would quote it.
    return RedisRateLimiter(store, options, place=read.describe())


def _open_store(url: RedisUrl, options: RateLimiterOptions) -> Store:
    """Open what has the counters. Raise ValueError, TypeError or AttributeError for a wrong parameter."""
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    from oms_limits.cluster import ClusterStore
    from oms_limits.sentinels import master_of
    from oms_limits.stores import RedisStore

    connection: dict[str, Any] = {
        "socket_timeout": options.timeout_seconds,
        "socket_connect_timeout": options.timeout_seconds,
        "retry": Retry(NoBackoff(), 0),
        "max_connections": CONNECTIONS_MAX,
    }

    def connect(host: str, port: int) -> Redis:
        return _checked(Redis.from_url(url.of_server(host, port), **connection))

    if url.kind == "cluster":
        connect(*url.hosts[0])
        return ClusterStore(url.hosts, connect)
    if url.kind == "sentinel":
        sentinels = [_checked(Redis.from_url(url.of_sentinel(*host), **connection)) for host in url.hosts]
        like = connect(*url.hosts[0]).connection_pool
        return RedisStore(master_of(url.master, sentinels, like, connections_max=like.max_connections))
    return RedisStore(connect(*url.hosts[0]))


def _checked(client: Redis) -> Redis:
    """Return a client whose connections can be made, which reads their parameters. Nothing connects."""
    pool = client.connection_pool
    pool.connection_class(**pool.connection_kwargs)
    return client


def _check_parameters(url: str) -> None:
    """Raise `invalid_setting` for a parameter that nothing reads. It shows the name, never the value."""
    known = SENTINEL_PARAMETERS if "+sentinel:" in url.lower() else ()
    for name in sorted(_parameters(url) - set(known)):
        if not _is_known(name):
            raise OmsError("invalid_setting", f"OMS_RATE_LIMIT_URL: redis-py knows no parameter {name!a}")


def _parameters(url: str) -> set[str]:
    try:
        return {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    except ValueError:  # Other faults of the URL are reported later.
        return set()


def _is_known(parameter: str) -> bool:
    """Return whether redis-py has it, for the pool or for its connections. The TLS connection has all of them."""
    from redis import ConnectionPool

    try:
        pool = ConnectionPool.from_url(f"rediss://localhost?{urlencode({parameter: '1'})}")
        pool.connection_class(**pool.connection_kwargs)
    except TypeError:
        return False
    except (ValueError, AttributeError):
        return True
    return True
