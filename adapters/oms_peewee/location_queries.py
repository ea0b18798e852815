"""What those who write orders ask about locations."""

from __future__ import annotations

from oms_peewee.models import LocationRow
from oms_peewee.session import Session


def unshippable_locations(session: Session) -> frozenset[str]:
    """Return the names of the locations that do not ship."""
    rows = LocationRow.alias("locations")
    found = rows.select(rows.name).where(~rows.ships)
    return frozenset(name for (name,) in found.tuples().execute(session))
