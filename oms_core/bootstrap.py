"""Where adapters are found and opened: by URL scheme, through the entry points of what is installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points, version
from typing import Any
from urllib.parse import urlsplit

from oms_core.errors import OmsError
from oms_core.ports.broker import Broker, BrokerOptions, OpenBroker
from oms_core.ports.clock import Clock, SystemClock
from oms_core.ports.metrics import Metrics, NoMetrics
from oms_core.ports.no_broker import NoBroker
from oms_core.ports.rate_limiter import NoRateLimiter, OpenRateLimiter, RateLimiter, RateLimiterOptions
from oms_core.ports.replica import OpenReplica, Replica
from oms_core.ports.storage import OpenStorage, Storage, StorageOptions
from oms_core.settings import Settings

# What this project is called where packages are installed; its import packages and its command have other names.
DISTRIBUTION = "orderkeep"

_REPLICA_DEADLINE_SECONDS = 1.0

_EXTRAS = {
    "sqlite": "sqlite",
    "postgresql": "postgres",
    "postgres": "postgres",
    "amqp": "rabbitmq",
    "amqps": "rabbitmq",
    "nats": "nats",
    "tls": "nats",
    "memory": "limits",
    "redis": "redis",
    "rediss": "redis",
    "redis+sentinel": "redis",
    "rediss+sentinel": "redis",
    "redis+cluster": "redis",
    "rediss+cluster": "redis",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What the core works with: everything that it needs from outside. Without a `replica` the storage is read."""

    storage: Storage
    replica: Replica | None = None
    clock: Clock = field(default_factory=SystemClock)
    broker: Broker = field(default_factory=NoBroker)
    rate_limiter: RateLimiter = field(default_factory=NoRateLimiter)
    metrics: Metrics = field(default_factory=NoMetrics)


def open_ports(settings: Settings, *, create: bool = True, metrics: Metrics | None = None) -> Ports:
    """Open the adapters that the settings describe; nothing is connected yet.

    `create` False refuses a missing database file instead of making it. Raises `invalid_setting` where nothing that is
    installed serves a URL, or something that it needs is not.
    """
    metrics = metrics or NoMetrics()
    broker = _open_broker(settings)
    storage = _open_storage(settings, create=create, keeps_outbox=broker.carries_events)
    return Ports(
        storage=storage,
        replica=_open_replica(settings, storage) if settings.database_read_url else None,
        broker=broker,
        rate_limiter=_open_rate_limiter(settings, metrics),
        metrics=metrics,
    )


def open_metrics() -> Metrics:
    """Open the metrics that are installed, or measure nothing."""
    candidates = _entry_points("oms.metrics").select(name="prometheus")
    try:
        return next(iter(candidates)).load()()  # type: ignore[no-any-return]  # An entry point is untyped.
    except (StopIteration, ImportError):
        return NoMetrics()


def installed_version() -> str:
    """Return the version of the installed distribution."""
    return version(DISTRIBUTION)


def advise_extra(extra: str) -> str:
    """Return what to do about a package that is missing: which extra brings it."""
    return f"install {DISTRIBUTION} with the extra '{extra}'"


def _storage_options(settings: Settings) -> StorageOptions:
    return StorageOptions(
        deadline_seconds=settings.storage_deadline_seconds,
        lock_timeout_seconds=settings.lock_timeout_seconds,
        statement_timeout_seconds=settings.statement_timeout_seconds,
        prepared_statements=settings.prepared_statements,
    )


def _open_storage(settings: Settings, *, create: bool, keeps_outbox: bool) -> Storage:
    options = replace(_storage_options(settings), create=create, keeps_outbox=keeps_outbox)
    with _needs_told("OMS_DATABASE_URL", settings.database_url):
        opener: OpenStorage = _load("oms.storage", "OMS_DATABASE_URL", settings.database_url)
        return opener(settings.database_url, options)


def _open_replica(settings: Settings, primary: Storage) -> Replica:
    """Open the replica. It gives up soon what the primary can be asked as well: a fault, and a statement that hangs."""
    options = replace(
        _storage_options(settings),
        deadline_seconds=min(_REPLICA_DEADLINE_SECONDS, settings.storage_deadline_seconds),
        statement_timeout_seconds=min(settings.statement_timeout_seconds, settings.storage_deadline_seconds),
        create=False,
    )
    with _needs_told("OMS_DATABASE_READ_URL", settings.database_read_url):
        opener: OpenReplica = _load("oms.replica", "OMS_DATABASE_READ_URL", settings.database_read_url)
        return opener(settings.database_read_url, options, primary)


def _open_broker(settings: Settings) -> Broker:
    with _needs_told("OMS_QUEUE_URL", settings.queue_url):
        opener: OpenBroker = _load("oms.queue", "OMS_QUEUE_URL", settings.queue_url)
        return opener(settings.queue_url, BrokerOptions(prefix=settings.queue_prefix))


def _open_rate_limiter(settings: Settings, metrics: Metrics) -> RateLimiter:
    """Open what counts requests, or nothing where no limit is set."""
    url = settings.rate_limit_url
    if not settings.rate_limits_in_force and settings.http_rate_limit_in_force is None:
        _find("oms.rate_limiter", "OMS_RATE_LIMIT_URL", url)  # A wrong one is told before it is needed.
        return NoRateLimiter()
    with _needs_told("OMS_RATE_LIMIT_URL", url):
        opener: OpenRateLimiter = _load("oms.rate_limiter", "OMS_RATE_LIMIT_URL", url)
        return opener(url, RateLimiterOptions(metrics=metrics))


def _load(group: str, setting: str, url: str) -> Any:
    return _find(group, setting, url).load()


def _find(group: str, setting: str, url: str) -> EntryPoint:
    scheme = urlsplit(url).scheme
    candidates = _entry_points(group).select(name=scheme)
    if not candidates:
        known = ", ".join(sorted(_entry_points(group).names))
        raise OmsError("invalid_setting", f"{setting}: nothing installed serves {scheme}:// (known: {known})")
    return next(iter(candidates))


@cache
def _entry_points(group: str) -> EntryPoints:
    """Find what is installed, once in a process: it is read from the metadata of every distribution there is."""
    return entry_points(group=group)


@contextmanager
def _needs_told(setting: str, url: str) -> Iterator[None]:
    """Turn a failed import, also one that an opener puts off, into a line that says what to install."""
    try:
        yield
    except ImportError as error:
        scheme = urlsplit(url).scheme
        extra = f"; {advise_extra(_EXTRAS[scheme])}" if scheme in _EXTRAS else ""
        raise OmsError("invalid_setting", f"{setting}: {scheme}:// needs {error.name}{extra}") from error
