"""Locations as JSON documents."""

from __future__ import annotations

from oms_core.documents.orders import show_time
from oms_core.domain.stock.locations import Location


def show_location(location: Location) -> dict[str, object]:
    """Show a location as the service's JSON."""
    return {
        "name": location.name,
        "kind": location.kind.value,
        "sells": location.sells,
        "ships": location.ships,
        "expected_at": None if location.expected_at is None else show_time(location.expected_at),
        "note": location.note,
        "updated_at": show_time(location.updated_at),
    }
