"""Placing on SQLite: one round under the writer's lock."""

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import UUID

from oms_core.domain.money import to_ten_thousandths
from oms_core.domain.placed_orders import placed_event, reservation
from oms_core.domain.placement import KeyedOrder, Placement, PlacementView
from oms_peewee.ledger import EventEntry, MovementEntry
from oms_peewee.ledger_sqlite import SqliteLedger
from oms_peewee.placing import Accepted, placement_origin
from oms_peewee.rows import products_of
from oms_peewee.sqlite import SqliteSession, to_microseconds

_READ_PRODUCTS = """SELECT p.sku, p.name, p.low_stock_threshold, p.updated_at,
  l.location, l.on_hand, l.reserved, l.version, l.updated_at
FROM products AS p LEFT JOIN stock_levels AS l ON l.sku = p.sku
WHERE p.sku IN (SELECT value FROM json_each(?)) ORDER BY p.sku, l.location"""
_READ_KEY = """SELECT id, fingerprint, accepted_status FROM orders
WHERE caller = ? AND idempotency_key = ?"""
_READ_IDS = "SELECT id FROM orders WHERE id IN (SELECT value FROM json_each(?))"
_INSERT_ORDER = """INSERT INTO orders (id, status, customer_id, reference, currency, total_e4, metadata,
  caller, idempotency_key, fingerprint, accepted_status, created_at, updated_at)
VALUES (?, 'pending', ?, ?, ?, ?, ?, ?, ?, ?, 201, ?, ?)"""
_INSERT_LINE = """INSERT INTO order_lines (order_id, line_no, sku, quantity, unit_price_e4)
VALUES (?, ?, ?, ?, ?)"""


class SqlitePlacingTables:
    """See PlacingTables."""

    reads_before_locking = False

    def __init__(self, ledger: SqliteLedger) -> None:
        self._ledger = ledger

    def read(self, session: SqliteSession, placements: Sequence[Placement]) -> PlacementView:
        """See PlacingTables."""
        skus = sorted({line.sku for placement in placements for line in placement.command.lines})
        rows = session.execute_sql(_READ_PRODUCTS, (json.dumps(skus),))
        keys = [placement.key for placement in placements if placement.key is not None]
        return PlacementView(
            products={product.sku: product for product in products_of(rows)},
            keyed_orders={key: found for key in keys if (found := _keyed_order(session, key)) is not None},
        )

    def lock(self, session: SqliteSession, placements: Sequence[Placement]) -> None:
        """See PlacingTables; the transaction has begun by taking the writer's lock."""

    def written(self, session: SqliteSession, placements: Sequence[Placement]) -> set[UUID]:
        """See PlacingTables."""
        ids = json.dumps([str(placement.id) for placement in placements])
        return {UUID(order_id) for (order_id,) in session.execute_sql(_READ_IDS, (ids,))}

    def write(self, session: SqliteSession, accepted: Sequence[Accepted]) -> None:
        """See PlacingTables."""
        session.execute_many(_INSERT_ORDER, [_order_row(placement) for placement, _ in accepted])
        session.execute_many(_INSERT_LINE, [row for placement, _ in accepted for row in _line_rows(placement)])
        movements, events = _entries(accepted)
        self._ledger.write(session, movements=movements, events=events)


def _entries(accepted: Sequence[Accepted]) -> tuple[list[MovementEntry], list[EventEntry]]:
    movements: list[MovementEntry] = []
    events: list[EventEntry] = []
    for placement, verdict in accepted:
        origin = placement_origin(placement)
        movements.extend([(reservation(placement, allocation), origin) for allocation in verdict.allocations])
        events.append((placed_event(placement), origin))
    return movements, events


def _keyed_order(session: SqliteSession, key: tuple[str, str]) -> KeyedOrder | None:
    row = session.execute_sql(_READ_KEY, key).fetchone()
    if row is None:
        return None
    order_id, fingerprint, accepted_status = row
    return KeyedOrder(order_id=UUID(order_id), fingerprint=fingerprint, accepted_status=accepted_status)


def _order_row(placement: Placement) -> tuple[object, ...]:
    command, created_at = placement.command, to_microseconds(placement.created_at)
    total = None if placement.total is None else to_ten_thousandths(placement.total)
    what = (str(placement.id), command.customer_id, command.reference, placement.currency, total)
    who = (json.dumps(dict(command.metadata)), placement.caller_name, command.idempotency_key, placement.fingerprint)
    return (*what, *who, created_at, created_at)


def _line_rows(placement: Placement) -> list[tuple[object, ...]]:
    order_id = str(placement.id)
    rows: list[tuple[object, ...]] = []
    for line_no, line in enumerate(placement.command.lines, start=1):
        unit_price = None if line.unit_price is None else to_ten_thousandths(line.unit_price)
        rows.append((order_id, line_no, line.sku, line.quantity, unit_price))
    return rows
