"""The ledger on PostgreSQL: one round trip for everything but the COMMIT and the rare stock events."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from oms_core.domain.stock import StockKey
from oms_peewee import arrays
from oms_peewee.faults import UncoveredError
from oms_peewee.ledger import EventEntry, Figures, LevelMove, Location, MovementEntry, announcements, level_moves
from oms_peewee.postgresql import PostgresqlSession
from oms_peewee.statements import Call, Statement

_INSERT_MOVEMENTS = Statement(
    name="insert_movements",
    types=(
        *("text[]", "text[]", "text[]", "bigint[]", "bigint[]", "uuid[]", "smallint[]"),
        *("text[]", "text[]", "text[]", "text[]", "bytea[]", "timestamptz[]"),
    ),
    sql="""INSERT INTO stock_movements (sku, location, kind, on_hand_delta, reserved_delta, order_id, line_no,
      reason, reference, actor, idempotency_key, fingerprint, created_at)
    SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7),
      unnest($8), unnest($9), unnest($10), unnest($11), unnest($12), unnest($13)""",
)
_INSERT_EVENTS = Statement(
    name="insert_events",
    types=("text[]", "uuid[]", "integer[]", "text[]", "jsonb[]", "text[]", "text[]", "timestamptz[]"),
    sql="""INSERT INTO events (type, order_id, order_version, sku, data, actor, request_id, created_at)
    SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8)""",
)
# A subquery per SKU, in the order of the array: the order of the locks does not depend on a plan, and a plan made
# while a table was small cannot read all of it when it has grown. The same holds for the other LATERALs.
LOCK_LEVELS = Statement(
    name="lock_levels",
    types=("text[]",),
    sql="""SELECT count(*) FROM unnest($1) AS wanted(sku) CROSS JOIN LATERAL (
      SELECT 1 FROM stock_levels AS l WHERE l.sku = wanted.sku ORDER BY l.location FOR UPDATE) AS locked""",
)
# Gives the figures from before, since all parts of a statement see the same snapshot; it is taken after the locks.
_MOVE_LEVELS = Statement(
    name="move_levels",
    types=("text[]", "text[]", "bigint[]", "bigint[]", "timestamptz[]", "text[]"),
    sql="""WITH moved AS (
      UPDATE stock_levels AS l
      SET on_hand = l.on_hand + m.on_hand_delta, reserved = l.reserved + m.reserved_delta,
        version = l.version + 1, updated_at = m.at
      FROM (SELECT unnest($1) AS sku, unnest($2) AS location, unnest($3) AS on_hand_delta,
        unnest($4) AS reserved_delta, unnest($5) AS at) AS m
      WHERE l.sku = m.sku AND l.location = m.location
        AND l.on_hand + m.on_hand_delta >= 0
        AND l.reserved + m.reserved_delta BETWEEN 0 AND l.on_hand + m.on_hand_delta
      RETURNING 1)
    SELECT p.sku, p.low_stock_threshold, l.available, (SELECT count(*) FROM moved)
    FROM unnest($6) AS wanted(sku)
    CROSS JOIN LATERAL (SELECT * FROM products AS p WHERE p.sku = wanted.sku OFFSET 0) AS p
    CROSS JOIN LATERAL (SELECT sum(on_hand - reserved)::bigint AS available
      FROM stock_levels AS l WHERE l.sku = wanted.sku) AS l""",
)


class PostgresqlLedger:
    """See Ledger."""

    def write(
        self,
        session: PostgresqlSession,
        *,
        movements: Sequence[MovementEntry],
        events: Sequence[EventEntry],
        key: StockKey | None = None,
        new_skus: Collection[str] = (),
        first: Sequence[Call] = (),
    ) -> None:
        """See Ledger; `first` is written in the same round trip, before anything else."""
        moves = level_moves(movements)
        skus = sorted({sku for sku, _ in moves})
        calls = [*first]
        if events:
            calls.append(_insert_events(events))
        if not movements:
            session.run(calls)
            return
        calls += [_insert_movements(movements, key), (LOCK_LEVELS, [arrays.texts(skus)]), _move_levels(moves, skus)]
        rows = session.run(calls).fetchall()
        if not rows or rows[0][-1] != len(moves):
            raise UncoveredError("the stock does not cover what was decided")
        before = {sku: Figures(available, threshold) for sku, threshold, available, _ in rows if sku not in new_skus}
        if stock_events := announcements(movements, moves, before):
            session.run([_insert_events(stock_events)])


def _insert_movements(movements: Sequence[MovementEntry], key: StockKey | None) -> Call:
    rows = [movement for movement, _ in movements]
    return _INSERT_MOVEMENTS, [
        arrays.texts([row.sku for row in rows]),
        arrays.texts([row.location for row in rows]),
        arrays.texts([row.kind for row in rows]),
        arrays.numbers([row.on_hand_delta for row in rows]),
        arrays.numbers([row.reserved_delta for row in rows]),
        arrays.ids([row.order_id for row in rows]),
        arrays.numbers([row.line_no for row in rows]),
        arrays.texts([row.reason for row in rows]),
        arrays.texts([row.reference for row in rows]),
        arrays.texts([origin.actor for _, origin in movements]),
        arrays.texts([key.key] if key else []),
        arrays.digests([key.fingerprint] if key else []),
        arrays.times([origin.at for _, origin in movements]),
    ]


def _insert_events(events: Sequence[EventEntry]) -> Call:
    rows = [event for event, _ in events]
    return _INSERT_EVENTS, [
        arrays.texts([row.type for row in rows]),
        arrays.ids([row.order_id for row in rows]),
        arrays.numbers([row.order_version for row in rows]),
        arrays.texts([row.sku for row in rows]),
        arrays.documents([row.data for row in rows]),
        arrays.texts([origin.actor for _, origin in events]),
        arrays.texts([origin.request_id for _, origin in events]),
        arrays.times([origin.at for _, origin in events]),
    ]


def _move_levels(moves: dict[Location, LevelMove], skus: Sequence[str]) -> Call:
    return _MOVE_LEVELS, [
        arrays.texts([sku for sku, _ in moves]),
        arrays.texts([location for _, location in moves]),
        arrays.numbers([move.on_hand_delta for move in moves.values()]),
        arrays.numbers([move.reserved_delta for move in moves.values()]),
        arrays.times([move.at for move in moves.values()]),
        arrays.texts(skus),
    ]
