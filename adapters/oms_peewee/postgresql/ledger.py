"""The ledger on PostgreSQL: one round trip for everything but the COMMIT, often for that too."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from oms_core.domain.limits import COUNT_MAX
from oms_core.domain.stock.ledger import (
    EventEntry,
    Figures,
    LevelId,
    LevelMove,
    MovementEntry,
    announcements,
    available_deltas,
    moves_of,
)
from oms_core.domain.stock.products import Product
from oms_peewee.faults import UncoveredError
from oms_peewee.postgresql import arrays
from oms_peewee.postgresql.connections import PostgresqlSession
from oms_peewee.postgresql.statements import Call, Statement, with_outbox

_INSERT_MOVEMENTS = Statement(
    name="insert_movements",
    types=(
        *("text[]", "text[]", "text[]", "bigint[]", "bigint[]", "uuid[]", "smallint[]"),
        *("text[]", "text[]", "text[]", "timestamptz[]", "uuid[]"),
    ),
    sql="""INSERT INTO stock_movements (sku, location, kind, on_hand_delta, reserved_delta, order_id, line_no,
      reason, reference, actor, created_at, act_id)
    SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7),
      unnest($8), unnest($9), unnest($10), unnest($11), unnest($12)""",
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
_MOVE = f"""WITH moved AS (
      UPDATE stock_levels AS l
      SET on_hand = l.on_hand + m.on_hand_delta, reserved = l.reserved + m.reserved_delta,
        version = l.version + 1, updated_at = m.at
      FROM (SELECT unnest($1) AS sku, unnest($2) AS location, unnest($3) AS on_hand_delta,
        unnest($4) AS reserved_delta, unnest($5) AS at) AS m
      WHERE l.sku = m.sku AND l.location = m.location
        AND l.on_hand + m.on_hand_delta BETWEEN 0 AND {COUNT_MAX}
        AND l.reserved + m.reserved_delta BETWEEN 0 AND l.on_hand + m.on_hand_delta
        AND (m.reserved_delta <= greatest(m.on_hand_delta, 0)
          OR l.on_hand + m.on_hand_delta - l.reserved - m.reserved_delta >= coalesce(l.withheld, 0))
      RETURNING 1)"""  # noqa: S608  Only a constant is put in.
_MOVE_TYPES = ("text[]", "text[]", "bigint[]", "bigint[]", "timestamptz[]")
# Of the products of which no more than the threshold, or nothing, was or is left, so that a stock event may be due,
# the figures from before: all parts of a statement see the same snapshot, which is taken after the locks. Where units
# are withheld, what is available does not change by as many as are moved: what is left is read afterwards.
_DUE = """SELECT p.sku, l.available, p.low_stock_threshold, l.withheld
      FROM (SELECT unnest($6) AS sku, unnest($7) AS delta) AS wanted
      CROSS JOIN LATERAL (SELECT * FROM products AS p WHERE p.sku = wanted.sku OFFSET 0) AS p
      CROSS JOIN LATERAL (
        SELECT sum(greatest(on_hand - reserved - coalesce(withheld, 0), 0))::bigint AS available,
          count(withheld) AS withheld
        FROM stock_levels AS l WHERE l.sku = wanted.sku) AS l
      WHERE least(l.available, l.available + wanted.delta) <= coalesce(p.low_stock_threshold, 0) OR l.withheld > 0"""
_AVAILABLE = Statement(
    name="available",
    types=("text[]",),
    sql="""SELECT sku, sum(greatest(on_hand - reserved - coalesce(withheld, 0), 0))::bigint FROM stock_levels
    WHERE sku = ANY ($1) GROUP BY sku""",
)
# Returns one row at least, with the number of levels moved.
_MOVE_LEVELS = Statement(
    name="move_levels",
    types=(*_MOVE_TYPES, "text[]", "bigint[]"),
    sql=f"""{_MOVE}
    SELECT counted.levels, due.*
    FROM (SELECT count(*) AS levels FROM moved) AS counted
    LEFT JOIN ({_DUE}) AS due ON true""",  # noqa: S608  Only constants are put in.
)
# The last two end the transaction, by a division by zero (SQL has no other way), unless products have as many levels as
# are known, and each level covers what is reserved with more than the threshold left, so that no stock event is due.
# They can be sent with the COMMIT, since nobody has to look at their results. The products are read after the locks.
_LOCK_KNOWN_LEVELS = replace(
    LOCK_LEVELS,
    name="lock_known_levels",
    types=("bigint", "text[]"),
    sql=LOCK_LEVELS.sql.replace("SELECT count(*)", "SELECT 1 / (count(*) = $1)::integer").replace("($1)", "($2)"),
)
# `units_of_sku` is NULL for a product with a single level, whose figures are those of the product.
_RESERVE_QUIETLY = Statement(
    name="reserve_quietly",
    types=("text[]", "text[]", "bigint[]", "bigint[]", "timestamptz[]", "bigint"),
    sql="""WITH moved AS (
      UPDATE stock_levels AS l
      SET reserved = l.reserved + m.units, version = l.version + 1, updated_at = m.at
      FROM (SELECT unnest($1) AS sku, unnest($2) AS location, unnest($3) AS units, unnest($4) AS units_of_sku,
        unnest($5) AS at) AS m
      CROSS JOIN LATERAL (SELECT * FROM products AS p WHERE p.sku = m.sku OFFSET 0) AS p
      WHERE l.sku = m.sku AND l.location = m.location
        AND l.reserved + m.units <= l.on_hand - coalesce(l.withheld, 0)
        AND CASE WHEN m.units_of_sku IS NULL THEN l.on_hand - l.reserved - coalesce(l.withheld, 0) - m.units ELSE (
          SELECT sum(greatest(s.on_hand - s.reserved - coalesce(s.withheld, 0), 0)) FROM stock_levels AS s
          WHERE s.sku = m.sku) - m.units_of_sku END
          > coalesce(p.low_stock_threshold, 0)
      RETURNING 1)
    SELECT 1 / (count(*) = $6)::integer FROM moved""",
)


class PostgresqlLedger:
    """The ledger on PostgreSQL; `keeps_outbox` marks every event for publishing."""

    def __init__(self, *, keeps_outbox: bool) -> None:
        self.keeps_outbox = keeps_outbox
        self._insert_events = self.of_events(_INSERT_EVENTS)

    def of_events(self, statement: Statement) -> Statement:
        """Return the form that this database needs of a statement that inserts events."""
        return with_outbox(statement) if self.keeps_outbox else statement

    def write(
        self,
        session: PostgresqlSession,
        *,
        movements: Sequence[MovementEntry],
        events: Sequence[EventEntry],
        silent_skus: Collection[str] = (),
    ) -> None:
        calls = [self.insert_events(events)] if events else []
        if movements:
            self.write_calls(session, [*calls, _insert_movements(movements)], moves_of(movements), silent_skus)
        elif calls:
            session.run(calls)

    def write_calls(
        self,
        session: PostgresqlSession,
        calls: Sequence[Call],
        moves: Mapping[LevelId, LevelMove],
        silent_skus: Collection[str] = (),
    ) -> None:
        """Run `calls`, which write the ledger rows, lock and move the levels, and announce stock events."""
        deltas = available_deltas(moves)
        rows = session.run([*calls, _lock_levels(deltas), _move_levels(moves, deltas)]).fetchall()
        if rows[0][0] != len(moves):
            raise UncoveredError("the stock does not cover what was decided")
        told = [row for _, *row in rows if row[0] is not None and row[0] not in silent_skus]
        before = {sku: Figures(available, threshold) for sku, available, threshold, _ in told}
        withheld = [sku for sku, *_, levels in told if levels]
        after = dict(session.run([(_AVAILABLE, [arrays.texts(withheld)])]).fetchall()) if withheld else {}
        if stock_events := announcements(moves, before, after):
            session.run([self.insert_events(stock_events)])

    def reserve(
        self,
        session: PostgresqlSession,
        calls: Sequence[Call],
        moves: Mapping[LevelId, LevelMove],
        products: Mapping[str, Product],
    ) -> None:
        """Do the same as the end of a transaction, for reservations of products as they were read or remembered.

        Where plenty is left of all of them, the COMMIT travels along, so that a hot level is not locked for a round
        trip. Raise UncoveredError, or a driver's error for it, if the figures were wrong.
        """
        deltas = available_deltas(moves)
        if not all(_is_plenty(products[sku], delta) for sku, delta in deltas.items()):
            self.write_calls(session, calls, moves)
            return
        session.run_and_commit([*calls, _lock_known(products, deltas), _reserve_quietly(moves, deltas, products)])

    def insert_events(self, events: Sequence[EventEntry]) -> Call:
        """Return the call that writes events."""
        rows = [event for event, _ in events]
        return self._insert_events, [
            arrays.texts([row.type for row in rows]),
            arrays.ids([row.order_id for row in rows]),
            arrays.numbers([row.order_version for row in rows]),
            arrays.texts([row.sku for row in rows]),
            arrays.documents([row.data for row in rows]),
            arrays.texts([stamp.actor for _, stamp in events]),
            arrays.texts([stamp.request_id for _, stamp in events]),
            arrays.times([stamp.at for _, stamp in events]),
        ]


def _insert_movements(movements: Sequence[MovementEntry]) -> Call:
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
        arrays.texts([stamp.actor for _, stamp in movements]),
        arrays.times([stamp.at for _, stamp in movements]),
        arrays.ids([row.act_id for row in rows]),
    ]


def _lock_levels(skus: Iterable[str]) -> Call:
    return LOCK_LEVELS, [arrays.texts([*skus])]


def _move_levels(moves: Mapping[LevelId, LevelMove], deltas: Mapping[str, int]) -> Call:
    return _MOVE_LEVELS, [*_moved(moves), arrays.texts([*deltas]), arrays.numbers([*deltas.values()])]


def _lock_known(products: Mapping[str, Product], skus: Collection[str]) -> Call:
    return _LOCK_KNOWN_LEVELS, [sum([len(products[sku].levels) for sku in skus]), arrays.texts([*skus])]


def _reserve_quietly(
    moves: Mapping[LevelId, LevelMove], deltas: Mapping[str, int], products: Mapping[str, Product]
) -> Call:
    return _RESERVE_QUIETLY, [
        arrays.texts([sku for sku, _ in moves]),
        arrays.texts([location for _, location in moves]),
        arrays.numbers([move.reserved_delta for move in moves.values()]),
        arrays.numbers([None if len(products[sku].levels) == 1 else -deltas[sku] for sku, _ in moves]),
        arrays.times([move.stamp.at for move in moves.values()]),
        len(moves),
    ]


def _moved(moves: Mapping[LevelId, LevelMove]) -> list[object]:
    return [
        arrays.texts([sku for sku, _ in moves]),
        arrays.texts([location for _, location in moves]),
        arrays.numbers([move.on_hand_delta for move in moves.values()]),
        arrays.numbers([move.reserved_delta for move in moves.values()]),
        arrays.times([move.stamp.at for move in moves.values()]),
    ]


def _is_plenty(product: Product, delta: int) -> bool:
    """Return whether no stock event can follow from taking units, unless others take as many meanwhile."""
    return product.available + 2 * delta > (product.low_stock_threshold or 0)
