"""Where adapters are found: by URL scheme, through the entry points of what is installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Any
from urllib.parse import urlsplit

from oms_core.distribution import advise_extra
from oms_core.errors import OmsError
from oms_core.ports.broker import Broker, BrokerOptions, OpenBroker
from oms_core.ports.metrics import Metrics, NoMetrics
from oms_core.ports.rate_limiter import NoRateLimiter, OpenRateLimiter, RateLimiter, RateLimiterOptions
from oms_core.ports.storage import OpenStorage, Storage, StorageOptions
from oms_core.settings import Settings

_EXTRAS = {
    "sqlite": "sqlite",
    "postgresql": "postgres",
    "postgres": "postgres",
    "amqp": "rabbitmq",
    "amqps": "rabbitmq",
    "memory": "limits",
    "redis": "redis",
    "rediss": "redis",
}


def open_storage(url: str, options: StorageOptions) -> Storage:
    """Open the storage that claims the URL's scheme. Raises `invalid_setting` when none is installed,
    or something that it needs is not.
    """
    with _needs_told("OMS_DATABASE_URL", url):
        opener: OpenStorage = _load("oms.storage", "OMS_DATABASE_URL", url)
        return opener(url, options)


def open_broker(url: str, options: BrokerOptions) -> Broker:
    """Open the queue that claims the URL's scheme; nothing is connected yet. Raises as `open_storage` does."""
    with _needs_told("OMS_QUEUE_URL", url):
        opener: OpenBroker = _load("oms.queue", "OMS_QUEUE_URL", url)
        return opener(url, options)


def open_rate_limiter(settings: Settings, metrics: Metrics) -> RateLimiter:
    """Open what counts requests, or nothing where no limit is set. Raises as `open_storage` does."""
    url = settings.rate_limit_url
    if not settings.rate_limits_in_force and settings.http_rate_limit_in_force is None:
        _find("oms.rate_limiter", "OMS_RATE_LIMIT_URL", url)  # A wrong one is told before it is needed.
        return NoRateLimiter()
    with _needs_told("OMS_RATE_LIMIT_URL", url):
        opener: OpenRateLimiter = _load("oms.rate_limiter", "OMS_RATE_LIMIT_URL", url)
        return opener(url, RateLimiterOptions(metrics=metrics))


def open_metrics() -> Metrics:
    """Open the metrics that are installed, or measure nothing."""
    candidates = _entry_points("oms.metrics").select(name="prometheus")
    try:
        return next(iter(candidates)).load()()  # type: ignore[no-any-return]  # An entry point is untyped.
    except (StopIteration, ImportError):
        return NoMetrics()


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
