"""Batches of a stock import on SQLite: decided by the core, under the writer's lock."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from oms_core.domain.stamps import Stamp
from oms_core.domain.stock.import_decisions import BatchDecision, BatchResult, decide_import, movement_of
from oms_core.domain.stock.locations import Location
from oms_core.ports.import_storage import ImportBatch
from oms_peewee.fields import to_microseconds
from oms_peewee.locations import ensure_locations
from oms_peewee.sqlite.connections import SqliteSession
from oms_peewee.sqlite.ledger import SqliteLedger, read_products

_CREATE_PRODUCT = "INSERT INTO products (sku, name, created_at, updated_at) VALUES (?, '', ?, ?)"
_RENAME_PRODUCT = "UPDATE products SET name = ?, updated_at = ? WHERE sku = ?"
_CREATE_LEVEL = """INSERT INTO stock_levels (sku, location, on_hand, reserved, version, updated_at, withheld)
VALUES (?, ?, 0, 0, ?, ?, ?)"""


class SqliteImportTables:
    """ImportTables on SQLite."""

    def __init__(self, ledger: SqliteLedger) -> None:
        self._ledger = ledger

    def write(self, session: SqliteSession, batch: ImportBatch, stamp: Stamp) -> BatchResult:
        places = ensure_locations(session, {entry.location for entry in batch.entries}, stamp.at)
        decision = _decide(session, batch)
        new_skus = {change.entry.sku for change in decision.changes if change.creates_product}
        _write_products(session, decision, new_skus, places, to_microseconds(stamp.at))
        movements = [movement_of(batch.mode, change) for change in decision.changes]
        self._ledger.write(
            session,
            movements=[(movement, stamp) for movement in movements if movement is not None],
            events=[],
            silent_skus=new_skus,  # The first stock of a new product is no news.
        )
        return decision.result

    def decide(self, session: SqliteSession, batch: ImportBatch) -> BatchResult:
        return _decide(session, batch).result


def _decide(session: SqliteSession, batch: ImportBatch) -> BatchDecision:
    by_sku = read_products(session, {entry.sku for entry in batch.entries})
    return decide_import(batch.mode, batch.entries, by_sku, existing_only=batch.existing_only)


def _write_products(
    session: SqliteSession,
    decision: BatchDecision,
    new_skus: Collection[str],
    places: Mapping[str, Location],
    at: int,
) -> None:
    """Write what the ledger finds there: products and names, and empty levels, whose version its row makes 1."""
    changes = decision.changes
    session.execute_many(_CREATE_PRODUCT, [(sku, at, at) for sku in sorted(new_skus)])
    names = [(change.name, at, change.entry.sku) for change in changes if change.name is not None]
    session.execute_many(_RENAME_PRODUCT, names)
    levels = [
        (
            *(change.entry.sku, change.entry.location, 0 if change.on_hand_delta else 1, at),
            places[change.entry.location].withheld(0) or None,
        )
        for change in changes
        if change.creates_level
    ]
    session.execute_many(_CREATE_LEVEL, levels)
