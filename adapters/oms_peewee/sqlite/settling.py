"""Settling queued orders on SQLite: one round under the writer's lock."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from oms_core.domain.orders.new_orders import reservation
from oms_core.domain.orders.placement import PlacementView, Reserve
from oms_core.domain.orders.queueing import QueuedOrder
from oms_core.domain.orders.settled_orders import settled_event, settled_failure, settled_status
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.ports.queue_storage import SettleBatch
from oms_peewee.dialect import QueuedLine, Settled
from oms_peewee.fields import to_microseconds
from oms_peewee.settlement import ROWS_MAX
from oms_peewee.sqlite.connections import SqliteSession
from oms_peewee.sqlite.ledger import SqliteLedger, read_products

# CROSS JOIN keeps the order of the tables: few ids, how they wait, their orders, then their lines, each by its key.
_TAKE = """WITH taken AS MATERIALIZED (
  SELECT wanted.key AS number, o.id, o.version, o.hold_seconds, o.locations, w.queue_no FROM json_each(?) AS wanted
  CROSS JOIN waiting_orders AS w ON w.order_id = wanted.value ->> 0 CROSS JOIN orders AS o ON o.id = w.order_id
  WHERE w.waits_for = 'place' AND (wanted.value ->> 1 OR w.due_at IS NULL OR w.due_at <= ?))
SELECT taken.number, taken.version, taken.hold_seconds, taken.locations, l.sku, l.quantity
FROM taken CROSS JOIN order_lines AS l ON l.order_id = taken.id
ORDER BY taken.queue_no, taken.id, l.line_no LIMIT ?"""
_UPDATE_ORDER = """UPDATE orders SET status = ?, version = version + 1, updated_at = ?, failure = ?,
  attempts = max((SELECT attempts FROM waiting_orders WHERE order_id = orders.id) - ?, 0) WHERE id = ?"""
_HOLD_ORDER = """UPDATE orders SET status = ?, version = version + 1, updated_at = ?, failure = ?,
  attempts = max((SELECT attempts FROM waiting_orders WHERE order_id = orders.id) - ?, 0), hold_until = ?
WHERE id = ?"""
_WAIT_TO_BE_CONFIRMED = """UPDATE waiting_orders SET waits_for = 'confirm', queue_no = NULL, attempts = 0, since = ?,
  due_at = ? WHERE order_id = ?"""
_LEAVE_QUEUE = "DELETE FROM waiting_orders WHERE order_id = ?"


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
        held = [entry for entry in settled if settled_status(entry[0].hold_seconds, entry[1]) is OrderStatus.HELD]
        left = [entry for entry in settled if entry not in held] if held else settled
        session.execute_many(_UPDATE_ORDER, [_order_row(entry, batch) for entry in left])
        session.execute_many(_LEAVE_QUEUE, [(str(order.id),) for order, _ in left])
        _hold(session, held, batch)
        movements = [
            (reservation(order.id, allocation), batch.stamp)
            for order, verdict in settled
            if isinstance(verdict, Reserve)
            for allocation in verdict.allocations
        ]
        events = [(settled_event(order, verdict), batch.stamp) for order, verdict in settled]
        self._ledger.write(session, movements=movements, events=events)


def _hold(session: SqliteSession, held: Sequence[Settled], batch: SettleBatch) -> None:
    now = session.clock()
    ends = [to_microseconds(now + timedelta(seconds=order.hold_seconds or 0)) for order, _ in held]
    rows = [(_order_row(entry, batch), end) for entry, end in zip(held, ends, strict=True)]
    session.execute_many(_HOLD_ORDER, [(*row[:-1], end, row[-1]) for row, end in rows])
    since = to_microseconds(batch.stamp.at)
    session.execute_many(_WAIT_TO_BE_CONFIRMED, [(since, end, row[-1]) for row, end in rows])


def _order_row(entry: Settled, batch: SettleBatch) -> tuple[object, ...]:
    order, verdict = entry
    failure = settled_failure(verdict)
    shown = None if failure is None else json.dumps(failure.document)
    return (
        settled_status(order.hold_seconds, verdict).value,
        to_microseconds(batch.stamp.at),
        shown,
        int(order.id in batch.claimed),
        str(order.id),
    )
