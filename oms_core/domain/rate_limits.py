"""How much a caller may ask in a time: what OMS_RATE_LIMITS says, read and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from oms_core.domain.numbers import parse_digits

DEFAULT_POLICY = "default"
OFF = "off"
KEYS_DEFAULT = "orders.place=500/second"
AUTH_FAILURES_DEFAULT = "auth.failures=10/minute"
COUNT_MAX = 1_000_000_000

_UNIT_SECONDS: Mapping[str, int] = MappingProxyType({"second": 1, "minute": 60, "hour": 3_600, "day": 86_400})
_AMOUNT = re.compile(r"([0-9]{1,10})/([a-z]+)")


class RateScope(StrEnum):
    """What is counted together: placing (a unit per order, whoever drives it), kinds of requests (a unit each), and, by
    address, keys that open nothing.
    """

    ORDERS_PLACE = "orders.place"
    ORDERS_READ = "orders.read"
    ORDERS_WRITE = "orders.write"
    INVENTORY_READ = "inventory.read"
    INVENTORY_WRITE = "inventory.write"
    QUEUE_READ = "queue.read"
    QUEUE_WRITE = "queue.write"
    KEYS_READ = "keys.read"
    KEYS_WRITE = "keys.write"
    AUTH_FAILURES = "auth.failures"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """At most `count` units in `window_seconds`, per caller; `policy` is a scope, or "default" for all not named."""

    policy: str
    count: int
    window_seconds: int


def read_rate_limits(text: str) -> Mapping[RateScope, RateLimit]:
    """Read `scope=count/unit` separated by semicolons; empty or "off" is no limit.

    A scope that is not named falls under "default", whose units all such scopes share; but `auth.failures` does not:
    what suits requests is too much for guesses. Raises ValueError, whose text says in a few words what is wrong.
    """
    if is_off(text):
        return MappingProxyType({})
    limits: dict[str, RateLimit] = {}
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        limit = _read_entry(entry)
        if limit.policy in limits:
            raise ValueError(f"names {limit.policy} twice")
        limits[limit.policy] = limit
    found = {scope: limits.get(scope.value) or limits.get(DEFAULT_POLICY) for scope in RateScope}
    found[RateScope.AUTH_FAILURES] = limits.get(RateScope.AUTH_FAILURES.value)
    return MappingProxyType({scope: limit for scope, limit in found.items() if limit})


def read_rate_limits_with_keys(text: str) -> Mapping[RateScope, RateLimit]:
    """Read the limits where callers bring keys: empty means KEYS_DEFAULT, and guesses are limited unless it is off."""
    limits = read_rate_limits(text or KEYS_DEFAULT)
    return limits if text and is_off(text) else MappingProxyType({**read_rate_limits(AUTH_FAILURES_DEFAULT), **limits})


def is_off(text: str) -> bool:
    """Tell whether a text sets no limit."""
    return text.strip().lower() in ("", OFF)


def _read_entry(entry: str) -> RateLimit:
    policy, _, amount = (part.strip() for part in entry.partition("="))
    known = (*RateScope, DEFAULT_POLICY)
    if policy not in known:
        raise ValueError(f"has an unknown scope {policy!r}; the scopes are {', '.join(known)}")
    read = _AMOUNT.fullmatch(amount)
    if read is None or read[2] not in _UNIT_SECONDS:
        raise ValueError(f"must say count/second, /minute, /hour or /day for {policy}; it says {amount!r}")
    count = parse_digits(read[1])
    if not 1 <= count <= COUNT_MAX:
        raise ValueError(f"must allow {policy} from 1 to {COUNT_MAX}; it says {count}")
    return RateLimit(policy=policy, count=count, window_seconds=_UNIT_SECONDS[read[2]])
