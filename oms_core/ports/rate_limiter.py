"""The RateLimiter port: how often a caller has asked, counted in one process or over all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from oms_core.domain.rate_limits import Allowance, RateLimit
from oms_core.ports.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimiterOptions:
    """How to count: `key_prefix` begins every key in a shared store.

    A shared store is given `timeout_seconds` to connect and to answer; after a failure it is left alone for
    `pause_seconds`.
    """

    metrics: Metrics
    key_prefix: str = "oms"
    timeout_seconds: float = 0.15
    pause_seconds: float = 5.0


class RateLimiter(Protocol):
    """Counts charges per limit and key. Thread-safe; connects lazily; works on in a forked child."""

    def take(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
        """Take `cost` units of the key's limit, all or nothing; a refused charge takes none.

        A cost above the limit is always refused, and its `retry_after_seconds` means nothing.

        Charges are counted one after another: of any number at once, no more units are taken than the limit has.
        Where charges are counted together by many processes and that is away, this process goes on counting by itself,
        and counts RATE_LIMITER_FALLBACKS; it never raises for that, and waits no longer than the options' timeout for
        one answer.
        """
        ...

    def give_back(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
        """Return units that were taken lately, and tell what is left then; nobody gets more than the limit by it.

        Units that have faded meanwhile are gone. It fails, and waits, as `take` does.
        """
        ...

    def is_degraded(self) -> bool:
        """Tell whether this process counts by itself because what it shares is away; asks it, within the timeout."""
        ...

    def describe(self) -> str:
        """Say where charges are counted, without secrets."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


class NoRateLimiter:
    """Allows everything: what stands behind the port while no limit is set."""

    def take(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:  # noqa: ARG002  The signature is the port's.
        """Allow it."""
        return Allowance(limit=limit, allowed=True, remaining=limit.count, reset_seconds=0, retry_after_seconds=0)

    def give_back(self, limit: RateLimit, key: str, *, cost: int) -> Allowance:
        """Say that all of it is left."""
        return self.take(limit, key, cost=cost)

    def is_degraded(self) -> bool:
        """Say no."""
        return False

    def describe(self) -> str:
        """Say that nothing is counted."""
        return "no rate limits"

    def close(self) -> None:
        """Nothing is open."""


OpenRateLimiter = Callable[[str, RateLimiterOptions], RateLimiter]
