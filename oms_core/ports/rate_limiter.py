"""The RateLimiter port: how much a caller has asked, counted in one process or over all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from oms_core.domain.rate_limits import Allowance, RateLimit
from oms_core.ports.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimiterOptions:
    """How to count: `key_prefix` is the beginning of every key in a shared store.

    A shared store has `timeout_seconds` to connect and to answer; after a failure it is not asked for `pause_seconds`.
    """

    metrics: Metrics
    key_prefix: str = "oms"
    timeout_seconds: float = 0.15
    pause_seconds: float = 5.0


class RateLimiter(Protocol):
    """Counts charges per limit and key. Thread-safe; connects lazily; works in a forked child too."""

    def take(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
        """Take `cost` units of the key's limit, all or nothing; a refused charge takes none.

        A cost above the limit is always refused, and its `retry_after_seconds` means nothing. Charges are atomic:
        concurrent ones never take more units together than the limit has.

        When a shared store is unavailable, this process counts by itself and counts RATE_LIMITER_FALLBACKS. It never
        raises for that, and waits no longer than the options' timeout for one answer.
        """
        ...

    def give_back(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
        """Return units that were taken lately, and return what is left then. It never raises what is left above the
        limit.

        Units that have faded meanwhile are ignored. Failures and waits are as for `take`.
        """
        ...

    def is_degraded(self) -> bool:
        """Return whether this process counts by itself because its shared store is unavailable.

        It asks the store, within the timeout.
        """
        ...

    def describe(self) -> str:
        """Return where charges are counted, without secrets."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


class NoRateLimiter:
    """A rate limiter that counts nothing and allows everything: the one of a system without limits."""

    def take(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:  # noqa: ARG002  The signature is the port's.
        """Allow the charge."""
        return Allowance(limit=limit, allowed=True, remaining=limit.count, reset_seconds=0, retry_after_seconds=0)

    def give_back(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
        """Return that all units are left."""
        return self.take(limit, key, cost=cost)

    def is_degraded(self) -> bool:
        """Return False."""
        return False

    def describe(self) -> str:
        """Return a text that says so."""
        return "no rate limits"

    def close(self) -> None:
        """Do nothing."""


OpenRateLimiter = Callable[[str, RateLimiterOptions], RateLimiter]
