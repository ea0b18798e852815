"""Opening a rate limiter by its URL; errors never show the URL's password."""

from __future__ import annotations

from typing import cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from oms_core.errors import OmsError
from oms_core.ports.rate_limiter import RateLimiter, RateLimiterOptions
from oms_limits.memory import MemoryRateLimiter
from oms_limits.windows import STRATEGY

CONNECTIONS_MAX = 2_048  # Above any number of threads, so that only Redis bounds them.


def open_memory(url: str, options: RateLimiterOptions) -> RateLimiter:  # noqa: ARG001  The signature is the port's.
    """Open `memory://`: each process counts for itself."""
    return MemoryRateLimiter()


def open_redis(url: str, options: RateLimiterOptions) -> RateLimiter:
    """Open `redis://` or `rediss://` without connecting yet. Raise `invalid_setting`, which never quotes the URL.

    Options of redis-py in the URL's query, such as `?socket_timeout=1`, override the timeout of `options`.
    """
    # Imported here, since `memory://` works without the package redis.
    from limits.storage import RedisStorage
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    from oms_limits.shared import RedisRateLimiter

    scheme, separator, place = url.partition("://")
    url = f"{scheme.lower()}{separator}{place}"
    for name in sorted(_parameters(url)):
        if not _is_known(name):
            raise OmsError("invalid_setting", f"OMS_RATE_LIMIT_URL: redis-py knows no parameter {name!a}")
    try:
        storage = RedisStorage(
            url,
            # Another strategy would find keys of the wrong type under the same names.
            key_prefix=f"{options.key_prefix}:rate-limits:{STRATEGY}",
            socket_timeout=options.timeout_seconds,
            socket_connect_timeout=options.timeout_seconds,
            retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]  # limits passes on what redis-py accepts.
            max_connections=CONNECTIONS_MAX,
        )
        client = cast(Redis, storage.get_connection())
        pool = client.connection_pool
        pool.connection_class(**pool.connection_kwargs)
        place = _describe(url)
    except (ValueError, TypeError, AttributeError):
        shape = "must be redis:// or rediss://user:password@host:port/number, with special characters percent-encoded"
        raise OmsError("invalid_setting", f"OMS_RATE_LIMIT_URL {shape}") from None  # The cause would quote it.
    return RedisRateLimiter(storage, client, options, place=place)


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


def _describe(url: str) -> str:
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError("no host")
    return f"Redis at {parts.hostname}:{parts.port or 6379}, database {parts.path.strip('/') or 0}"
