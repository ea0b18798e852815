"""Charge a caller for what it asks, before anything happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from oms_core.domain.callers import Caller
from oms_core.domain.rate_limits import RateLimit, RateScope
from oms_core.domain.validation import one_finding
from oms_core.errors import OmsError
from oms_core.ports.rate_limiter import Allowance, RateLimiter

OnCharge = Callable[[Allowance], None]


class ChargeCaller:
    """Takes units of the caller's limit for a scope; where no limit stands for it, nothing is asked of anybody."""

    def __init__(self, limits: Mapping[RateScope, RateLimit], limiter: RateLimiter) -> None:
        self._limits = limits
        self._limiter = limiter

    def __call__(self, scope: RateScope, *, caller: Caller, cost: int = 1, charged: OnCharge | None = None) -> None:
        """Take `cost` units, all or nothing, and tell `charged` what is left, also before raising.

        Raises `rate_limited` with the seconds to wait. What asks more than the limit ever has is `validation_error`,
        because waiting would not help.
        """
        limit = self._limits.get(scope)
        if limit is None or cost < 1:
            return
        if cost > limit.count:
            raise one_finding("/orders", "over_rate_limit", f"has {cost} orders; {_policy(limit)}: send fewer at once")
        allowance = self._limiter.take(limit, caller.rate_key, cost=cost)
        if charged is not None:
            charged(allowance)
        if not allowance.allowed:
            seconds = allowance.retry_after_seconds
            raise OmsError(
                "rate_limited",
                f"{_policy(limit)}; wait {seconds} s",
                data={"policy": limit.policy, "limit": limit.count, "window_seconds": limit.window_seconds},
                retry_after_seconds=seconds,
            )


def _policy(limit: RateLimit) -> str:
    return f"the limit {limit.policy} is {limit.count} per {limit.window_seconds} s and caller"
