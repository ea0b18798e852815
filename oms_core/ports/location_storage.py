"""Storage of locations: every one that has, or had, a level has a row. What holds for all storage is in `storage`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from oms_core.domain.callers import Caller
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.stock.locations import Location

DecideLocation = Callable[[Location | None], Location]


class LocationStorage(Protocol):
    """Locations. A change of stock that makes a level where there was no location makes that too.

    It raises `validation_error` (`similar_location`) where another location differs from it in case or width only.
    """

    def find(self) -> list[Location]:
        """List all locations by name (code point order)."""
        ...

    def set(self, name: str, *, key: IdempotencyKey, now: datetime, decide: DecideLocation) -> Location:
        """Lock a location, call `decide` with it (None: it is new), write what that gives, return it.

        `key` is stored, so that the change is recognised after a lost COMMIT. Levels that are made from then on are
        withheld if it does not sell. Those that are there follow by `withhold`.
        """
        ...

    def withhold(self, name: str, *, after: str | None, limit: int, caller: Caller, now: datetime) -> str | None:
        """Let up to `limit` levels of a location, by SKU above `after`, be sold or not, as the location has it now.

        In one transaction: the levels' `withheld` (+ version, updated_at), and `stock_events`. Return the last SKU
        looked at; None where no level is left.
        """
        ...
