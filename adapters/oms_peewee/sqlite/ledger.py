"""The ledger on SQLite, whose statements cost no round trip."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from oms_core.domain.limits import COUNT_MAX
from oms_core.domain.stock.ledger import EventEntry, Figures, LevelId, LevelMove, MovementEntry, announcements, moves_of
from oms_core.domain.stock.products import Product
from oms_peewee.faults import UncoveredError
from oms_peewee.fields import to_microseconds
from oms_peewee.rows import products_of
from oms_peewee.sqlite.connections import SqliteSession

_READ_PRODUCTS = """SELECT p.sku, p.name, p.low_stock_threshold, p.updated_at,
  l.location, l.on_hand, l.reserved, l.version, l.withheld, l.kept_back, l.updated_at
FROM products AS p LEFT JOIN stock_levels AS l ON l.sku = p.sku
WHERE p.sku IN (SELECT value FROM json_each(?)) ORDER BY p.sku, l.location"""
_INSERT_MOVEMENT = """INSERT INTO stock_movements (sku, location, kind, on_hand_delta, reserved_delta, order_id,
  line_no, reason, reference, actor, created_at, act_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_INSERT_EVENT = """INSERT INTO events (type, order_id, order_version, sku, data, actor, request_id, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
_FIGURES = """SELECT p.sku, p.low_stock_threshold, sum(max(l.on_hand - l.reserved - coalesce(l.withheld, 0), 0)),
  count(l.withheld)
FROM products AS p JOIN stock_levels AS l ON l.sku = p.sku
WHERE p.sku IN (SELECT value FROM json_each(?)) GROUP BY p.sku"""
_MOVE_LEVEL = f"""UPDATE stock_levels SET on_hand = on_hand + :on_hand_delta, reserved = reserved + :reserved_delta,
  version = version + 1, updated_at = :at
WHERE sku = :sku AND location = :location AND on_hand + :on_hand_delta BETWEEN 0 AND {COUNT_MAX}
  AND reserved + :reserved_delta BETWEEN 0 AND on_hand + :on_hand_delta
  AND (:reserved_delta <= max(:on_hand_delta, 0)
    OR on_hand + :on_hand_delta - reserved - :reserved_delta >= coalesce(withheld, 0))"""  # noqa: S608  Only a constant is put in.


_LAST_EVENT = "SELECT coalesce(max(id), 0) FROM events"
_MARK_EVENTS = "INSERT INTO outbox (event_id) SELECT id FROM events WHERE id > ?"


class SqliteLedger:
    """The ledger on SQLite, under the lock of the file; `keeps_outbox` marks every event for publishing."""

    def __init__(self, *, keeps_outbox: bool) -> None:
        self._keeps_outbox = keeps_outbox

    def write(
        self,
        session: SqliteSession,
        *,
        movements: Sequence[MovementEntry],
        events: Sequence[EventEntry],
        silent_skus: Collection[str] = (),
    ) -> None:
        self.write_events(session, events)
        if not movements:
            return
        moves = moves_of(movements)
        session.execute_many(_INSERT_MOVEMENT, _movement_rows(movements))
        figures = _figures(session, {sku for sku, _ in moves if sku not in silent_skus})
        if session.execute_many(_MOVE_LEVEL, _level_rows(moves)) != len(moves):
            raise UncoveredError("the stock does not cover what was decided")
        before = {sku: Figures(available, threshold) for sku, (threshold, available, _) in figures.items()}
        kept = {sku for sku, (*_, withheld) in figures.items() if withheld}
        after = {sku: available for sku, (_, available, _) in _figures(session, kept).items()} if kept else {}
        self.write_events(session, announcements(moves, before, after))

    def write_events(self, session: SqliteSession, events: Sequence[EventEntry]) -> None:
        """Write events."""
        if not events:
            return
        (last,) = session.execute_sql(_LAST_EVENT).fetchone() if self._keeps_outbox else (0,)
        session.execute_many(_INSERT_EVENT, _event_rows(events))
        if self._keeps_outbox:
            session.execute_sql(_MARK_EVENTS, (last,))


def read_products(session: SqliteSession, skus: Collection[str]) -> dict[str, Product]:
    """Read products with their levels, as far as they exist."""
    rows = session.execute_sql(_READ_PRODUCTS, (json.dumps(sorted(skus)),))
    return {product.sku: product for product in products_of(rows)}


def _movement_rows(movements: Sequence[MovementEntry]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for row, stamp in movements:
        order_id = None if row.order_id is None else str(row.order_id)
        what = (row.sku, row.location, row.kind.value, row.on_hand_delta, row.reserved_delta)
        why = (order_id, row.line_no, row.reason, row.reference, stamp.actor)
        act_id = None if row.act_id is None else str(row.act_id)
        rows.append((*what, *why, to_microseconds(stamp.at), act_id))
    return rows


def _event_rows(events: Sequence[EventEntry]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for row, stamp in events:
        order_id = None if row.order_id is None else str(row.order_id)
        what = (row.type.value, order_id, row.order_version, row.sku, json.dumps(dict(row.data)))
        rows.append((*what, stamp.actor, stamp.request_id, to_microseconds(stamp.at)))
    return rows


def _level_rows(moves: Mapping[LevelId, LevelMove]) -> list[dict[str, object]]:
    return [
        {
            "sku": sku,
            "location": location,
            "on_hand_delta": move.on_hand_delta,
            "reserved_delta": move.reserved_delta,
            "at": to_microseconds(move.stamp.at),
        }
        for (sku, location), move in moves.items()
    ]


def _figures(session: SqliteSession, skus: Collection[str]) -> dict[str, tuple[int | None, int, int]]:
    """Read threshold and available units of products, and at how many locations some are withheld."""
    rows = session.execute_sql(_FIGURES, (json.dumps(sorted(skus)),)).fetchall()
    return {sku: (threshold, available, withheld) for sku, threshold, available, withheld in rows}
