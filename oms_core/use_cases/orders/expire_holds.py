"""Expiring holds whose time has run out, in bounded transactions, by one at a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.orders.holds import OverdueHold
from oms_core.domain.orders.queueing import fitting
from oms_core.domain.stamps import Stamp
from oms_core.errors import OmsError
from oms_core.ports.clock import Clock
from oms_core.ports.hold_storage import HoldStorage
from oms_core.runtime.halving import halve_to_fault, is_defect

_log = logging.getLogger(__name__)

_LEASE_SECONDS = 20.0
# Orders that cannot be expired are passed over by this process. More are not remembered, and are tried again.
_FAULTY_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryReport:
    """How many orders were expired; how many could not be, each for a fault of its own; and whether another sweep was
    at it, so that the rest was left to it.
    """

    expired: int
    failed: int
    left_to_another: bool


Rest = Callable[[float], bool]


def without_rest(worked_seconds: float) -> bool:  # noqa: ARG001  Others rest by it.
    """Go on at once."""
    return True


class ExpireHolds:
    """Expires overdue holds in the name of `caller`, while `holder` has the lease. For one thread."""

    def __init__(self, *, holds: HoldStorage, clock: Clock, caller: Caller, holder: str) -> None:
        self._holds = holds
        self._clock = clock
        self._caller = caller
        self._holder = holder
        self._faulty: set[UUID] = set()
        self._is_leased = False

    def __call__(self, rest: Rest = without_rest) -> ExpiryReport:
        """Expire until nothing is overdue; the lease is taken only where something is.

        Between two transactions `rest` is called with the seconds that the last one took; it may wait, and ends the
        sweep by returning False. Raise what the storage raises.
        """
        expired = failed = 0
        while due := self._due():
            self._is_leased = self._holds.lease(self._holder, seconds=_LEASE_SECONDS)
            if not self._is_leased:
                return ExpiryReport(expired=expired, failed=failed, left_to_another=True)
            before = expired
            for batch in _transactions(due):
                began_at = time.monotonic()
                outcomes = self._expire(batch)
                expired += sum(outcome for outcome in outcomes if outcome is not None)
                failed += outcomes.count(None)
                if not rest(time.monotonic() - began_at):
                    return ExpiryReport(expired=expired, failed=failed, left_to_another=False)
            if expired == before:  # They are at fault, or others have them locked and confirm or cancel them.
                break
        return ExpiryReport(expired=expired, failed=failed, left_to_another=False)

    def release(self) -> None:
        """Give up the lease, if there is one; it runs out by itself where that fails."""
        if not self._is_leased:
            return
        self._is_leased = False
        try:
            self._holds.release(self._holder)
        except OmsError as error:
            _log.info("the lease of the hold sweep runs out by itself: %s", error.detail, exc_info=error.defect)

    def _due(self) -> list[OverdueHold]:
        limit = self._holds.expire_orders_max
        found = self._holds.overdue(limit=limit + len(self._faulty))
        return [each for each in found if each.order_id not in self._faulty][:limit]

    def _expire(self, order_ids: Sequence[UUID]) -> list[int | None]:
        """Expire orders in one transaction, or in halves around a fault; return how many each did, None for a fault."""

        def attempt(part: Sequence[UUID]) -> int | None:
            return len(self._holds.expire(part, stamp=Stamp.of(self._caller, self._clock.now())))

        return halve_to_fault(order_ids, attempt, is_of_an_item=is_defect, blame=self._pass_over)

    def _pass_over(self, order_id: UUID, error: Exception) -> None:
        _log.error("the hold of order %s cannot be expired, and stays", order_id, exc_info=error)
        if len(self._faulty) < _FAULTY_MAX:
            self._faulty.add(order_id)


def _transactions(due: Sequence[OverdueHold]) -> Iterator[list[UUID]]:
    """Cut into runs that one transaction takes, by their lines."""
    left = list(due)
    while left:
        count = fitting(each.lines for each in left)
        yield [each.order_id for each in left[:count]]
        left = left[count:]
