"""Locations in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from oms_core.domain.callers import Caller
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.stamps import Stamp
from oms_core.domain.stock.changes import events_between
from oms_core.domain.stock.locations import Location, check_new
from oms_core.ports.location_storage import DecideLocation
from oms_memory.tables import Tables


class MemoryLocations:
    """LocationStorage over dictionaries."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def find(self) -> list[Location]:
        with self._tables.lock:
            return [location for _, location in sorted(self._tables.locations.items())]

    def set(
        self,
        name: str,
        *,
        key: IdempotencyKey,  # noqa: ARG002  No COMMIT is ever lost here.
        now: datetime,  # noqa: ARG002
        decide: DecideLocation,
    ) -> Location:
        with self._tables.lock:
            present = self._tables.locations.get(name)
            decided = decide(present)
            if present is None:
                check_new(name, self._tables.locations)
            self._tables.add_location(decided)
            return decided

    def withhold(self, name: str, *, after: str | None, limit: int, caller: Caller, now: datetime) -> str | None:
        with self._tables.lock:
            skus = sorted(sku for sku, product in self._tables.products.items() if product.level(name) is not None)
            chosen = [sku for sku in skus if after is None or sku > after][:limit]
            for sku in chosen:
                before = self._tables.products[sku]
                level = before.level(name)
                if level is not None and level.withheld != (withheld := self._tables.withheld(name, level.kept_back)):
                    self._tables.put_level(sku, replace(level, withheld=withheld, version=level.version + 1), now)
                    for event in events_between(before, self._tables.products[sku]):
                        self._tables.record(event, Stamp.of(caller, now))
            return chosen[-1] if len(chosen) == limit else None
