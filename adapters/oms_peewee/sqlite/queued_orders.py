"""Queueing orders on SQLite: like placing them, without looking at stock."""

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import UUID

from oms_core.domain.orders.new_orders import queued_order
from oms_core.domain.orders.placement import EnteredAs, Placement
from oms_core.domain.orders.queueing import AcceptanceView, queued_event
from oms_core.domain.orders.statuses import OrderStatus
from oms_peewee.dialect import AsWritten, NewOrder
from oms_peewee.sqlite.connections import SqliteSession
from oms_peewee.sqlite.ledger import SqliteLedger
from oms_peewee.sqlite.order_statements import insert_orders, read_keyed_orders, written_ids

_READ_SKUS = "SELECT sku FROM products WHERE sku IN (SELECT value FROM json_each(?))"
# Numbers start anew when nothing is queued: they only order what is.
_LAST_NUMBER = "SELECT coalesce(max(queue_no), 0) FROM orders WHERE status = 'queued'"


class SqliteQueuedOrders:
    """See NewOrderTables."""

    entered_as = EnteredAs.QUEUED
    reads_before_locking = False

    def __init__(self, ledger: SqliteLedger) -> None:
        self._ledger = ledger

    def read(self, session: SqliteSession, placements: Sequence[Placement]) -> AcceptanceView:
        skus = json.dumps(sorted({line.sku for placement in placements for line in placement.lines}))
        known = {sku for (sku,) in session.execute_sql(_READ_SKUS, (skus,))}
        return AcceptanceView(known_skus=known, keyed_orders=read_keyed_orders(session, placements))

    def lock(self, session: SqliteSession, placements: Sequence[Placement]) -> None:
        """See NewOrderTables; the transaction has begun by taking the writer's lock."""

    def written(self, session: SqliteSession, placements: Sequence[Placement]) -> set[UUID]:
        return written_ids(session, placements)

    def write(self, session: SqliteSession, new_orders: Sequence[NewOrder], view: AcceptanceView) -> AsWritten:  # noqa: ARG002
        placements = [placement for placement, _ in new_orders]
        first = next_number(session)
        numbers = range(first, first + len(placements))
        insert_orders(
            session,
            placements,
            status=OrderStatus.QUEUED,
            entered_as=self.entered_as,
            numbers=numbers,
        )
        self._ledger.write_events(session, [(queued_event(placement), placement.stamp) for placement in placements])
        number_of = {placement.id: number for placement, number in zip(placements, numbers, strict=True)}
        return lambda placement: queued_order(placement, number_of[placement.id])


def next_number(session: SqliteSession) -> int:
    """Return the number after the last one in the queue."""
    (last,) = session.execute_sql(_LAST_NUMBER).fetchone()
    return int(last) + 1
