"""Settling queued orders on PostgreSQL: one round trip to take them, one to read stock, one to write, one to commit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from oms_core.domain.placement import Accept, PlacementView
from oms_core.domain.queueing import QueuedOrder, settled_event
from oms_peewee import arrays
from oms_peewee.ledger import Origin, level_moves
from oms_peewee.ledger_postgresql import LOCK_LEVELS, PostgresqlLedger
from oms_peewee.new_orders_postgresql import insert_reservations, read_products, skus_of
from oms_peewee.postgresql import PostgresqlSession
from oms_peewee.settling import ROWS_MAX, Decided, failure_of, status_of
from oms_peewee.statements import Call, Statement

# The status is not for an index: that of the queue would be read whole for each id, by a plan made while it was empty.
TAKE = Statement(
    name="take_queued",
    types=("uuid[]", "boolean[]", "integer"),
    sql="""WITH taken AS MATERIALIZED (
      SELECT o.* FROM unnest($1, $2) AS wanted(id, claimed)
      CROSS JOIN LATERAL (
        SELECT o.id, o.version, o.queue_no FROM orders AS o
        WHERE o.id = wanted.id AND o.status || '' = 'queued'
          AND (wanted.claimed OR o.due_at IS NULL OR o.due_at <= now())
        FOR UPDATE SKIP LOCKED) AS o)
    SELECT taken.id, taken.version, l.sku, l.quantity
    FROM taken CROSS JOIN LATERAL (
      SELECT line_no, sku, quantity FROM order_lines AS l WHERE l.order_id = taken.id ORDER BY line_no OFFSET 0) AS l
    ORDER BY taken.queue_no, taken.id, l.line_no LIMIT $3""",
)
# The ids once more, for the index: a plan made while the table was empty would else walk through all of it.
_UPDATE_ORDERS = Statement(
    name="settle_orders",
    types=("timestamptz", "uuid[]", "text[]", "jsonb[]", "smallint[]", "uuid[]"),
    sql="""UPDATE orders AS o
    SET status = s.status, version = o.version + 1, updated_at = $1, failure = s.failure,
      attempts = greatest(o.attempts - s.counted, 0), due_at = NULL
    FROM (SELECT unnest($2) AS id, unnest($3) AS status, unnest($4) AS failure, unnest($5) AS counted) AS s
    WHERE o.id = s.id AND o.id = ANY ($6)""",
)


class PostgresqlSettlingTables:
    """See SettlingTables."""

    def __init__(self, ledger: PostgresqlLedger) -> None:
        self._ledger = ledger

    def take(
        self, session: PostgresqlSession, order_ids: Sequence[UUID], claimed: Sequence[bool]
    ) -> Iterable[tuple[Any, ...]]:
        """See SettlingTables."""
        params = [arrays.ids(order_ids), arrays.flags(claimed), ROWS_MAX]
        # Planned anew each time, by the present size of the table: a plan made while it was empty may take any index.
        return session.execute_sql(TAKE.direct, params)  # type: ignore[no-any-return]  # The driver's cursor.

    def lock(self, session: PostgresqlSession, orders: Sequence[QueuedOrder]) -> None:
        """See SettlingTables."""
        session.run([(LOCK_LEVELS, [arrays.texts(skus_of(orders))])])

    def read(self, session: PostgresqlSession, orders: Sequence[QueuedOrder]) -> PlacementView:
        """See SettlingTables."""
        return PlacementView(products=read_products(session, skus_of(orders)), keyed_orders={})

    def write(
        self, session: PostgresqlSession, decided: Sequence[Decided], claimed: Collection[UUID], origin: Origin
    ) -> None:
        """See SettlingTables."""
        reserved = [
            (order.id, origin, allocation)
            for order, verdict in decided
            if isinstance(verdict, Accept)
            for allocation in verdict.allocations
        ]
        events = [(settled_event(order, verdict), origin) for order, verdict in decided]
        calls = [_update_orders(decided, claimed, origin), self._ledger.insert_events(events)]
        if not reserved:
            session.run(calls)
            return
        moves = (((taken.sku, taken.location), 0, taken.quantity, origin) for _, _, taken in reserved)
        self._ledger.write_calls(session, [*calls, insert_reservations(reserved)], level_moves(moves))


def _update_orders(decided: Sequence[Decided], claimed: Collection[UUID], origin: Origin) -> Call:
    failures = [failure_of(verdict) for _, verdict in decided]
    ids = arrays.ids([order.id for order, _ in decided])
    return _UPDATE_ORDERS, [
        origin.at,
        ids,
        arrays.texts([status_of(verdict).value for _, verdict in decided]),
        arrays.documents(failures) if any(failures) else "{}",
        arrays.numbers([int(order.id in claimed) for order, _ in decided]),
        ids,
    ]
