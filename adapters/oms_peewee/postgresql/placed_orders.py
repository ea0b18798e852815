"""Placing on PostgreSQL: prepared statements with arrays, one round trip to read, one to write and commit."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from oms_core.domain.orders.new_orders import placed_event, placed_order
from oms_core.domain.orders.placement import EnteredAs, Placement, PlacementView, Reserve
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.ledger import level_moves
from oms_peewee.dialect import AsWritten, NewOrder
from oms_peewee.postgresql import arrays
from oms_peewee.postgresql.connections import PostgresqlSession
from oms_peewee.postgresql.ledger import LOCK_LEVELS, PostgresqlLedger
from oms_peewee.postgresql.order_statements import (
    FirstEvents,
    insert_orders,
    insert_reservations,
    read_keyed_orders,
    read_products,
    skus_of,
    written_ids,
)


class PostgresqlPlacedOrders:
    """See NewOrderTables."""

    entered_as = EnteredAs.PLACED
    reads_before_locking = True

    def __init__(self, ledger: PostgresqlLedger) -> None:
        self._ledger = ledger
        self._events = FirstEvents(ledger)

    def read(self, session: PostgresqlSession, placements: Sequence[Placement]) -> PlacementView:
        return PlacementView(
            products=read_products(session, skus_of(placements)),
            keyed_orders=read_keyed_orders(session, placements),
        )

    def lock(self, session: PostgresqlSession, placements: Sequence[Placement]) -> None:
        session.run([(LOCK_LEVELS, [arrays.texts(skus_of(placements))])])

    def written(self, session: PostgresqlSession, placements: Sequence[Placement]) -> set[UUID]:
        return written_ids(session, placements)

    def write(self, session: PostgresqlSession, new_orders: Sequence[NewOrder], view: PlacementView) -> AsWritten:
        reserved = [
            (placement.id, stamp, allocation)
            for placement, verdict in new_orders
            for stamp in [placement.stamp]
            if isinstance(verdict, Reserve)
            for allocation in verdict.allocations
        ]
        placements = [placement for placement, _ in new_orders]
        calls = [
            *insert_orders(placements, status=OrderStatus.PENDING, entered_as=self.entered_as),
            insert_reservations(reserved),
            self._events.insert(placements, placed_event(placements[0])),
        ]
        moves = (
            ((allocation.sku, allocation.location), 0, allocation.quantity, stamp) for _, stamp, allocation in reserved
        )
        self._ledger.reserve(session, calls, level_moves(moves), view.products)
        return placed_order
