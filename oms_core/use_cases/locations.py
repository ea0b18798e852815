"""Locations: which there are, and whether stock is sold and shipped from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.idempotency import OWN_KEY_BITS, own_key
from oms_core.domain.stock.locations import Location, SetLocation, decide_location, location_not_found
from oms_core.ports.clock import Clock
from oms_core.ports.storage import Storage

_LEVELS_A_TRANSACTION = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Locations:
    """Locations. Every method may raise `forbidden`."""

    storage: Storage
    clock: Clock

    def list(self, *, caller: Caller) -> Sequence[Location]:
        """Return all locations by name."""
        caller.require(Scope.INVENTORY_READ)
        return self.storage.locations.find()

    def get(self, name: str, *, caller: Caller) -> Location:
        """Return one location. Raise `location_not_found`."""
        for location in self.list(caller=caller):
            if location.name == name:
                return location
        raise location_not_found(name)

    def set(self, command: SetLocation, *, caller: Caller) -> Location:
        """Make a location known, or set what is given of it; the same again goes on where it was interrupted.

        What it has is sold, or not any more, some 1,000 products in a transaction: what is available of each changes
        with its level, and is announced. Raise `validation_error`, `storage_unavailable` or `outcome_unknown`.
        """
        caller.require(Scope.INVENTORY_WRITE)
        caller.require_unbound()
        now = self.clock.now()
        key = own_key(caller.name, "set_location", random_bits=self.clock.random_bits(OWN_KEY_BITS))
        location = self.storage.locations.set(
            command.name, key=key, now=now, decide=lambda present: decide_location(present, command, now)
        )
        after: str | None = None
        while True:
            after = self.storage.locations.withhold(
                command.name, after=after, limit=_LEVELS_A_TRANSACTION, caller=caller, now=self.clock.now()
            )
            if after is None:
                return location
