"""Settling queued orders on SQLite: one round under the writer's lock."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from oms_core.domain.orders.new_orders import reservation
from oms_core.domain.orders.placement import PlacementView, Reserve
from oms_core.domain.orders.queueing import QueuedOrder, settled_event, settled_failure, settled_status
from oms_core.ports.queue_storage import SettleBatch
from oms_peewee.dialect import QueuedLine, Settled
from oms_peewee.fields import to_microseconds
from oms_peewee.settlement import ROWS_MAX
from oms_peewee.sqlite.connections import SqliteSession
from oms_peewee.sqlite.ledger import SqliteLedger, read_products

# CROSS JOIN keeps the order of the tables: few ids, then their orders, then their lines, each by its key.
_TAKE = """WITH taken AS MATERIALIZED (
  SELECT wanted.key AS number, o.id, o.version, o.queue_no FROM json_each(?) AS wanted CROSS JOIN orders AS o
  WHERE o.id = wanted.value ->> 0 AND o.status = 'queued'
    AND (wanted.value ->> 1 OR o.due_at IS NULL OR o.due_at <= ?))
SELECT taken.number, taken.version, l.sku, l.quantity FROM taken CROSS JOIN order_lines AS l ON l.order_id = taken.id
ORDER BY taken.queue_no, taken.id, l.line_no LIMIT ?"""
_UPDATE_ORDER = """UPDATE orders SET status = ?, version = version + 1, updated_at = ?, failure = ?,
  attempts = max(attempts - ?, 0), due_at = NULL WHERE id = ?"""


class SqliteSettlingTables:
    """SettlingTables on SQLite."""

    reads_before_turn = False  # The transaction begins by taking the writer's lock.

    def __init__(self, ledger: SqliteLedger) -> None:
        self._ledger = ledger

    def take(self, session: SqliteSession, order_ids: Sequence[UUID], claimed: Sequence[bool]) -> Iterable[QueuedLine]:
        wanted = json.dumps([[str(order_id), int(claim)] for order_id, claim in zip(order_ids, claimed, strict=True)])
        params = (wanted, datetime.now(UTC), ROWS_MAX)
        return session.execute_sql(_TAKE, params)  # type: ignore[no-any-return]  # The driver's cursor.

    def lock(self, session: SqliteSession, orders: Sequence[QueuedOrder]) -> None:
        """Lock nothing more: the transaction has begun by taking the lock of the file."""

    def read(self, session: SqliteSession, orders: Sequence[QueuedOrder]) -> PlacementView:
        return PlacementView(
            products=read_products(session, {line.sku for order in orders for line in order.lines}), keyed_orders={}
        )

    def write(
        self,
        session: SqliteSession,
        settled: Sequence[Settled],
        batch: SettleBatch,
        view: PlacementView,  # noqa: ARG002
    ) -> None:
        session.execute_many(_UPDATE_ORDER, [_order_row(entry, batch) for entry in settled])
        movements = [
            (reservation(order.id, allocation), batch.stamp)
            for order, verdict in settled
            if isinstance(verdict, Reserve)
            for allocation in verdict.allocations
        ]
        events = [(settled_event(order, verdict), batch.stamp) for order, verdict in settled]
        self._ledger.write(session, movements=movements, events=events)


def _order_row(entry: Settled, batch: SettleBatch) -> tuple[object, ...]:
    order, verdict = entry
    failure = settled_failure(verdict)
    shown = None if failure is None else json.dumps(failure.document)
    return (
        settled_status(verdict).value,
        to_microseconds(batch.stamp.at),
        shown,
        int(order.id in batch.claimed),
        str(order.id),
    )
