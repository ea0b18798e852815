"""Levels that units come back to: made where there is none, and locked, so that their counts are known exactly."""

from __future__ import annotations

from collections.abc import Iterable, Set
from datetime import datetime

from oms_core.domain.stock.ledger import LevelId
from oms_peewee.locations import ensure_locations
from oms_peewee.models import LevelRow
from oms_peewee.products import lock_products
from oms_peewee.session import Session


def ready_levels(session: Session, levels: Set[LevelId], now: datetime) -> dict[LevelId, int]:
    """Make those of these levels that are not there, lock all levels of their products, and return their counts."""
    skus = sorted({sku for sku, _ in levels})
    of_products = LevelRow.select(LevelRow.sku, LevelRow.location, LevelRow.on_hand).where(LevelRow.sku.in_(skus))
    known = {(sku, location) for sku, location, _ in of_products.tuples().execute(session)}
    _make(session, sorted(levels - known), now)
    lock_products(session, skus)
    return {(sku, location): on_hand for sku, location, on_hand in of_products.tuples().execute(session)}


def _make(session: Session, levels: Iterable[LevelId], now: datetime) -> None:
    """Make empty levels, which nobody has moved yet. Another caller may have made one just now."""
    places = ensure_locations(session, {location for _, location in levels}, now) if levels else {}
    for sku, location in levels:
        row = {
            LevelRow.sku: sku,
            LevelRow.location: location,
            LevelRow.on_hand: 0,
            LevelRow.reserved: 0,
            LevelRow.version: 0,
            LevelRow.updated_at: now,
            LevelRow.withheld: places[location].withheld(0) or None,
        }
        LevelRow.insert(row).on_conflict_ignore().execute(session)
