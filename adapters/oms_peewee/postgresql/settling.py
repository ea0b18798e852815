"""Settling queued orders on PostgreSQL: one round trip to take them, one to read stock, one to write and commit."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias
from uuid import UUID

from oms_core.domain.orders.order import OrderFailure
from oms_core.domain.orders.placement import PlacementView, Refuse, Reserve
from oms_core.domain.orders.queueing import QueuedOrder
from oms_core.domain.orders.settled_orders import settled_event
from oms_core.domain.stamps import Stamp
from oms_core.domain.stock.ledger import level_moves
from oms_core.ports.queue_storage import SettleBatch, at_once
from oms_peewee.dialect import QueuedLine, Settled
from oms_peewee.postgresql import arrays
from oms_peewee.postgresql.connections import PostgresqlSession
from oms_peewee.postgresql.ledger import LOCK_LEVELS, PostgresqlLedger
from oms_peewee.postgresql.order_statements import read_products, skus_of
from oms_peewee.postgresql.statements import Call, Statement
from oms_peewee.settlement import ROWS_MAX

# First all waiting rows, then all orders, each by id. What an order waits for is not for an index: that of the queue
# would be read whole for each id, by a plan made while it was empty.
TAKE = Statement(
    name="take_queued",
    types=("uuid[]", "boolean[]", "integer[]", "integer"),
    sql="""WITH waiting AS MATERIALIZED (
      SELECT wanted.number, w.*
      FROM (SELECT unnest($1) AS id, unnest($2) AS claimed, unnest($3) AS number) AS wanted
      CROSS JOIN LATERAL (
        SELECT w.order_id, w.queue_no FROM waiting_orders AS w
        WHERE w.order_id = wanted.id AND w.waits_for || '' = 'place'
          AND (wanted.claimed OR w.due_at IS NULL OR w.due_at <= now())
        FOR UPDATE SKIP LOCKED) AS w),
    taken AS MATERIALIZED (
      SELECT waiting.number, waiting.queue_no, o.* FROM waiting CROSS JOIN LATERAL (
        SELECT o.id, o.version, o.hold_seconds, o.locations FROM orders AS o
        WHERE o.id = waiting.order_id FOR UPDATE) AS o
      WHERE (SELECT count(*) FROM waiting) > 0)
    SELECT taken.number, taken.version, taken.hold_seconds, taken.locations, l.sku, l.quantity
    FROM taken CROSS JOIN LATERAL (
      SELECT line_no, sku, quantity FROM order_lines AS l WHERE l.order_id = taken.id ORDER BY line_no OFFSET 0) AS l
    ORDER BY taken.queue_no, taken.id, l.line_no LIMIT $4""",
)
# A sweep that comes too late for an order still locks it for a moment, to find that out. Whose claim it is waits then:
# passed over, the order would wait for the claim to run out. All lock by id, so that nobody waits for one who waits for
# him.
TAKE_CLAIMED = replace(TAKE, name="take_claimed", sql=TAKE.sql.replace(" SKIP LOCKED", ""))
# Both updates name the ids again, for the index: a plan made while the table was empty would else walk through all
# of it. Placing is the common case, so it writes each order's event (`settled_event`) from the row that it updates.
_LEFT = """WITH left_queue AS (DELETE FROM waiting_orders WHERE order_id = ANY ($1) RETURNING order_id, attempts)"""
_PLACED = f"""{_LEFT}, placed AS (
      UPDATE orders AS o
      SET status = 'pending', version = o.version + 1, updated_at = $2, failure = NULL,
        attempts = greatest(q.attempts - coalesce(s.counted, 0), 0)
      FROM (SELECT unnest($3) AS id, unnest($4) AS counted) AS s JOIN left_queue AS q ON q.order_id = s.id
      WHERE o.id = s.id AND o.id = ANY ($5)
      RETURNING o.id, o.version)"""  # noqa: S608  Only a constant of ours is put in.
_EVENTS = """INSERT INTO events (type, order_id, order_version, data, actor, request_id, created_at)
    SELECT $6, id, version, $7, $8, $9, $10 FROM placed"""
_PLACE = Statement(
    name="place_queued",
    types=(
        *("uuid[]", "timestamptz", "uuid[]", "smallint[]", "uuid[]"),
        *("text", "jsonb", "text", "text", "timestamptz"),
    ),
    sql=f"{_PLACED} {_EVENTS}",
)
_PLACE_AND_MARK = replace(
    _PLACE,
    sql=f"""{_PLACED}, written AS ({_EVENTS} RETURNING id)
    INSERT INTO outbox (event_id) SELECT id FROM written""",  # noqa: S608  Only constants of ours are put in.
)
# An order that is to be held goes on waiting, to be confirmed: its row is kept. Until when is computed before the
# UPDATE, for a distributed server does not let it compute that from a column.
_HELD = """WITH holds AS (SELECT id, counted, now() + make_interval(secs => hold_seconds) AS until
      FROM (SELECT unnest($1) AS id, unnest($2) AS counted, unnest($3) AS hold_seconds) AS h),
    waiting AS (
      UPDATE waiting_orders AS w
      SET waits_for = 'confirm', queue_no = NULL, attempts = 0, since = $4, due_at = h.until
      FROM holds AS h JOIN waiting_orders AS before ON before.order_id = h.id
      WHERE w.order_id = h.id AND w.order_id = ANY ($5) AND before.order_id = ANY ($6)
      RETURNING w.order_id, w.due_at, before.attempts),
    held AS (
      UPDATE orders AS o
      SET status = 'held', version = o.version + 1, updated_at = $7, failure = NULL, hold_until = w.due_at,
        attempts = greatest(w.attempts - coalesce(h.counted, 0), 0)
      FROM holds AS h JOIN waiting AS w ON w.order_id = h.id
      WHERE o.id = h.id AND o.id = ANY ($8)
      RETURNING o.id, o.version, o.hold_seconds)"""
_HELD_EVENTS = """INSERT INTO events (type, order_id, order_version, data, actor, request_id, created_at)
    SELECT $9, id, version, $10 || jsonb_build_object('hold_seconds', hold_seconds), $11, $12, $13 FROM held"""
_HOLD = Statement(
    name="hold_queued",
    types=(
        *("uuid[]", "smallint[]", "integer[]", "timestamptz", "uuid[]", "uuid[]", "timestamptz", "uuid[]"),
        *("text", "jsonb", "text", "text", "timestamptz"),
    ),
    sql=f"{_HELD} {_HELD_EVENTS}",
)
_HOLD_AND_MARK = replace(
    _HOLD,
    sql=f"""{_HELD}, written AS ({_HELD_EVENTS} RETURNING id)
    INSERT INTO outbox (event_id) SELECT id FROM written""",  # noqa: S608  Only constants of ours are put in.
)
_REJECT = Statement(
    name="reject_queued",
    types=("uuid[]", "timestamptz", "uuid[]", "jsonb[]", "smallint[]", "uuid[]"),
    sql=f"""{_LEFT}
    UPDATE orders AS o
    SET status = 'rejected', version = o.version + 1, updated_at = $2, failure = s.failure,
      attempts = greatest(q.attempts - coalesce(s.counted, 0), 0)
    FROM (SELECT unnest($3) AS id, unnest($4) AS failure, unnest($5) AS counted) AS s
      JOIN left_queue AS q ON q.order_id = s.id
    WHERE o.id = s.id AND o.id = ANY ($6)""",  # noqa: S608  Only a constant of ours is put in.
)
# The ledger row of `oms_core.domain.orders.new_orders.reservation`.
_RESERVE = Statement(
    name="reserve_queued",
    types=("text[]", "text[]", "bigint[]", "uuid[]", "smallint[]", "text", "timestamptz"),
    sql="""INSERT INTO stock_movements (sku, location, kind, on_hand_delta, reserved_delta, order_id, line_no, actor,
      created_at)
    SELECT unnest($1), unnest($2), 'reserve', 0, unnest($3), unnest($4), unnest($5), $6, $7""",
)

_Placed: TypeAlias = tuple[QueuedOrder, Reserve]
_Rejected: TypeAlias = tuple[QueuedOrder, Refuse]


class PostgresqlSettlingTables:
    """SettlingTables on PostgreSQL."""

    reads_before_turn = True

    def __init__(self, ledger: PostgresqlLedger) -> None:
        self._ledger = ledger

    def take(
        self, session: PostgresqlSession, order_ids: Sequence[UUID], claimed: Sequence[bool]
    ) -> Iterable[QueuedLine]:
        numbers = arrays.numbers(range(len(order_ids)))
        params = [arrays.ids(order_ids), arrays.flags(claimed), numbers, ROWS_MAX]
        # Planned anew each time, by the present size of the table: a plan made while it was empty may take any index.
        statement = TAKE_CLAIMED if all(claimed) else TAKE
        return session.execute_sql(statement.direct, params)  # type: ignore[no-any-return]  # The driver's cursor.

    def lock(self, session: PostgresqlSession, orders: Sequence[QueuedOrder]) -> None:
        session.run([(LOCK_LEVELS, [arrays.texts(skus_of(orders))])])

    def read(self, session: PostgresqlSession, orders: Sequence[QueuedOrder]) -> PlacementView:
        return PlacementView(products=read_products(session, skus_of(orders)), keyed_orders={})

    def write(
        self, session: PostgresqlSession, settled: Sequence[Settled], batch: SettleBatch, view: PlacementView
    ) -> None:
        claimed, stamp = batch.claimed, batch.stamp
        placed = [(order, verdict) for order, verdict in settled if isinstance(verdict, Reserve)]
        rejected = [(order, verdict) for order, verdict in settled if isinstance(verdict, Refuse)]
        calls = []
        if rejected:
            events = [(settled_event(order, verdict), stamp) for order, verdict in rejected]
            calls = [_reject(rejected, claimed, stamp), self._ledger.insert_events(events)]
        if not placed:
            session.run_and_commit(calls)
            return
        pending = [entry for entry in placed if entry[0].hold_seconds is None]
        held = [entry for entry in placed if entry[0].hold_seconds is not None]
        if pending:
            calls.append(self._place_orders(pending, claimed, stamp))
        if held:
            calls.append(self._hold_orders(held, claimed, stamp))
        calls.append(_reserve(placed, stamp))
        moves = (
            ((taken.sku, taken.location), 0, taken.quantity, stamp)
            for _, verdict in placed
            for taken in verdict.allocations
        )
        levels = level_moves(moves)
        if batch.wait_for_turn is not at_once:  # A round trip more, so that the order rows are written meanwhile.
            session.run(calls)
            calls = []
            batch.wait_for_turn()
        self._ledger.reserve(session, calls, levels, view.products)

    def _place_orders(self, placed: Sequence[_Placed], claimed: Collection[UUID], stamp: Stamp) -> Call:
        event = settled_event(*placed[0])
        ids = arrays.ids([order.id for order, _ in placed])
        statement = _PLACE_AND_MARK if self._ledger.keeps_outbox else _PLACE
        return statement, [
            *(ids, stamp.at, ids, _counted(placed, claimed), ids),
            *(event.type.value, json.dumps(dict(event.data)), stamp.actor, stamp.request_id, stamp.at),
        ]

    def _hold_orders(self, held: Sequence[_Placed], claimed: Collection[UUID], stamp: Stamp) -> Call:
        event = settled_event(*held[0])
        ids = arrays.ids([order.id for order, _ in held])
        statement = _HOLD_AND_MARK if self._ledger.keeps_outbox else _HOLD
        return statement, [
            *(ids, _counted(held, claimed), arrays.numbers([order.hold_seconds for order, _ in held])),
            *(stamp.at, ids, ids, stamp.at, ids),
            *(event.type.value, json.dumps(dict(event.data)), stamp.actor, stamp.request_id, stamp.at),
        ]


def _reject(rejected: Sequence[_Rejected], claimed: Collection[UUID], stamp: Stamp) -> Call:
    ids = arrays.ids([order.id for order, _ in rejected])
    failures = arrays.documents([OrderFailure.of(verdict.error).document for _, verdict in rejected])
    return _REJECT, [ids, stamp.at, ids, failures, _counted(rejected, claimed), ids]


def _counted(settled: Sequence[Settled], claimed: Collection[UUID]) -> str:
    """Write the tries to take back; unnest fills a column that is too short with NULL."""
    return arrays.numbers([int(order.id in claimed) for order, _ in settled]) if claimed else "{}"


def _reserve(placed: Sequence[_Placed], stamp: Stamp) -> Call:
    reserved = [(order.id, allocation) for order, verdict in placed for allocation in verdict.allocations]
    return _RESERVE, [
        arrays.texts([allocation.sku for _, allocation in reserved]),
        arrays.texts([allocation.location for _, allocation in reserved]),
        arrays.numbers([allocation.quantity for _, allocation in reserved]),
        arrays.ids([order_id for order_id, _ in reserved]),
        arrays.numbers([allocation.line_no for _, allocation in reserved]),
        stamp.actor,
        stamp.at,
    ]
