"""Rate limits: how much a caller, or an address, may ask in a time, as OMS_RATE_LIMITS and OMS_HTTP_RATE_LIMIT say."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from oms_core.domain.numbers import parse_digits
from oms_core.errors import OmsError

_ADDRESS_LENGTH_MAX = 64
_NETWORK_BITS_IPV6 = 64

DEFAULT_POLICY = "default"
OFF = "off"
# For services with API keys. A page is the most expensive read: 2,000 lines of orders take some 20 ms of a core.
KEYS_DEFAULT = (
    "orders.place=500/second;orders.read=3000/minute;inventory.read=6000/minute;queue.read=600/minute;"
    "keys.read=600/minute;auth.failures=10/minute"
)
# The same as the default for placing, since the backend of a shop is one address.
ADDRESS_DEFAULT = "30000/minute"
ADDRESS_POLICY = "address"
COUNT_MAX = 1_000_000_000

_UNIT_SECONDS: Mapping[str, int] = MappingProxyType({"second": 1, "minute": 60, "hour": 3_600, "day": 86_400})
_AMOUNT = re.compile(r"([0-9]{1,10})/([a-z]+)")


class RateScope(StrEnum):
    """What is counted together.

    Placing counts a unit per order for every driver. The kinds of requests count a unit each. Failed authentications
    are counted by address.
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


# The names that a limit may have.
POLICIES = (DEFAULT_POLICY, ADDRESS_POLICY, *(scope.value for scope in RateScope))
_OF_ADDRESSES = frozenset({ADDRESS_POLICY, RateScope.AUTH_FAILURES.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """At most `count` units in `window_seconds`, per caller or address.

    `policy` is a scope, "default" for all scopes that are not named, or "address" for all requests of an address.
    """

    policy: str
    count: int
    window_seconds: int

    def __str__(self) -> str:
        whose = "address" if self.policy in _OF_ADDRESSES else "caller"
        return f"the limit {self.policy} is {self.count} per {self.window_seconds} s and {whose}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The result of one charge, and what is left under the limit.

    `remaining` units could be taken now. After `reset_seconds` all of them can be taken again, if nothing else is
    taken. After `retry_after_seconds` the same charge can succeed; 0 where it did.
    """

    limit: RateLimit
    allowed: bool
    remaining: int
    reset_seconds: int
    retry_after_seconds: int


def read_rate_limits(text: str) -> Mapping[RateScope, RateLimit]:
    """Read `scope=count/unit` separated by semicolons. Empty or "off" is no limit, and so is "off" for a scope.

    Scopes that are not named share the units of "default". `auth.failures` does not: a limit that suits requests is too
    high for failed attempts. Raise ValueError, whose text says in a few words what is wrong.
    """
    named = {} if is_off(text) else _read_entries(text)
    return MappingProxyType({scope: limit for scope, limit in _by_scope(named).items() if limit})


def read_rate_limits_with_keys(text: str) -> Mapping[RateScope, RateLimit]:
    """Read the limits of a service with API keys. Scopes that the text leaves without a limit have that of
    KEYS_DEFAULT.

    A scope that is "off" has none. "off" alone is no limit at all.
    """
    if text and is_off(text):
        return MappingProxyType({})
    limits = {**_by_scope(_read_entries(KEYS_DEFAULT)), **_by_scope(_read_entries(text))}
    return MappingProxyType({scope: limit for scope, limit in limits.items() if limit})


def read_address_limit(text: str) -> RateLimit | None:
    """Read `count/unit`; empty or "off" is no limit. Raise ValueError as `read_rate_limits` does."""
    return None if is_off(text) else _read_amount(ADDRESS_POLICY, text.strip())


def is_off(text: str) -> bool:
    """Return whether a text sets no limit."""
    return text.strip().lower() in ("", OFF)


def rate_limited(limit: RateLimit, seconds: int) -> OmsError:
    """Return the error for a limit that is reached, with the seconds to wait."""
    return OmsError(
        "rate_limited",
        f"{limit}; wait {seconds} s",
        data={"policy": limit.policy, "limit": limit.count, "window_seconds": limit.window_seconds},
        retry_after_seconds=seconds,
    )


def counted_address(address: str) -> str:
    """Return the text under which an address is counted. All addresses of an IPv6 /64 are one, since one host may have
    it.
    """
    try:
        read = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:_ADDRESS_LENGTH_MAX]
    if isinstance(read, ipaddress.IPv4Address):
        return str(read)
    if read.ipv4_mapped is not None:
        return str(read.ipv4_mapped)
    return str(ipaddress.ip_network((read, _NETWORK_BITS_IPV6), strict=False))


def _by_scope(named: Mapping[str, RateLimit | None]) -> dict[RateScope, RateLimit | None]:
    """Return the limit of each scope that is named or falls under the default; None for one that is off."""
    limits = {}
    for scope in RateScope:
        if scope.value in named:
            limits[scope] = named[scope.value]
        elif DEFAULT_POLICY in named and scope is not RateScope.AUTH_FAILURES:
            limits[scope] = named[DEFAULT_POLICY]
    return limits


def _read_entries(text: str) -> dict[str, RateLimit | None]:
    limits: dict[str, RateLimit | None] = {}
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        policy, _, amount = (part.strip() for part in entry.partition("="))
        known = (*RateScope, DEFAULT_POLICY)
        if policy not in known:
            raise ValueError(f"has an unknown scope {policy!r}; the scopes are {', '.join(known)}")
        if policy in limits:
            raise ValueError(f"names {policy} twice")
        limits[policy] = None if amount.lower() == OFF else _read_amount(policy, amount)
    return limits


def _read_amount(policy: str, amount: str) -> RateLimit:
    read = _AMOUNT.fullmatch(amount)
    if read is None or read[2] not in _UNIT_SECONDS:
        raise ValueError(f"must say count/second, /minute, /hour or /day for {policy}; it says {amount!r}")
    count = parse_digits(read[1])
    if not 1 <= count <= COUNT_MAX:
        raise ValueError(f"must allow {policy} from 1 to {COUNT_MAX}; it says {count}")
    return RateLimit(policy=policy, count=count, window_seconds=_UNIT_SECONDS[read[2]])
