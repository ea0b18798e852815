"""Rate limits: a caller is charged before its request is done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from oms_core.domain.callers import Caller
from oms_core.domain.rate_limits import Allowance, RateLimit, RateScope, rate_limited
from oms_core.domain.validation import one_finding
from oms_core.errors import OmsError
from oms_core.ports.rate_limiter import RateLimiter

OnCharge = Callable[[Allowance], None]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """Charges callers under the limits of their scopes. A scope without a limit costs nothing.

    Drivers with limits of their own use the same `limiter`, so that their charges and the core's are one count.
    """

    limits: Mapping[RateScope, RateLimit]
    limiter: RateLimiter

    def charge(self, scope: RateScope, *, caller: Caller, cost: int = 1, charged: OnCharge | None = None) -> Charge:
        """Take `cost` units of the caller's limit for a scope, all or nothing; return the charge, which can change
        later.

        `charged` is called with what is left, also before this raises. Raise `rate_limited` with the seconds to wait. A
        cost above the whole limit is `validation_error`, because waiting would not help.
        """
        charge = Charge(self.limits.get(scope), self.limiter, caller.rate_key, charged)
        charge.raise_to(cost)
        return charge


class Charge:
    """The units that a caller has paid so far for one request; `charged` is called with what is left after each change.

    It belongs to one thread at a time.
    """

    def __init__(
        self, limit: RateLimit | None, limiter: RateLimiter, key: str, charged: OnCharge | None, *, units: int = 0
    ) -> None:
        self.units = units
        self._limit = limit
        self._limiter = limiter
        self._key = key
        self.charged = charged

    def raise_to(self, units: int) -> None:
        """Take the units that are missing to `units`, all or nothing. Raise as `RateLimits.charge` does."""
        limit, missing = self._limit, units - self.units
        if limit is None or missing < 1:
            return
        if units > limit.count:
            raise one_finding("/orders", "over_rate_limit", f"has {units} orders; {limit}: send fewer at once")
        allowance = self._limiter.take(limit, self._key, cost=missing)
        self._tell(allowance)
        if not allowance.allowed:
            raise rate_limited(limit, allowance.retry_after_seconds)
        self.units = units

    def give_back(self, units: int) -> None:
        """Return units that were paid, for work that an earlier request had done already.

        If that fails, the units stay taken and nothing is raised: the work is done, and the request must be answered.
        """
        units = min(units, self.units)
        if self._limit is None or units < 1:
            return
        try:
            self._tell(self._limiter.give_back(self._limit, self._key, cost=units))
        except OmsError as error:
            _log.info("%d units of %s were not given back: %s", units, self._key, error.detail)
        self.units -= units

    def _tell(self, allowance: Allowance) -> None:
        if self.charged is not None:
            self.charged(allowance)
