"""Placing on SQLite: one round under the writer's lock."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from oms_core.domain.orders.new_orders import placed_event, placed_order, reservation
from oms_core.domain.orders.placement import EnteredAs, Placement, PlacementView, Reserve
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.ledger import EventEntry, MovementEntry
from oms_peewee.dialect import AsWritten, NewOrder
from oms_peewee.sqlite.connections import SqliteSession
from oms_peewee.sqlite.ledger import SqliteLedger
from oms_peewee.sqlite.order_statements import insert_orders, read_keyed_orders, read_products, written_ids


class SqlitePlacedOrders:
    """See NewOrderTables."""

    entered_as = EnteredAs.PLACED
    reads_before_locking = False

    def __init__(self, ledger: SqliteLedger) -> None:
        self._ledger = ledger

    def read(self, session: SqliteSession, placements: Sequence[Placement]) -> PlacementView:
        return PlacementView(
            products=read_products(session, placements), keyed_orders=read_keyed_orders(session, placements)
        )

    def lock(self, session: SqliteSession, placements: Sequence[Placement]) -> None:
        """See NewOrderTables; the transaction has begun by taking the writer's lock."""

    def written(self, session: SqliteSession, placements: Sequence[Placement]) -> set[UUID]:
        return written_ids(session, placements)

    def write(self, session: SqliteSession, new_orders: Sequence[NewOrder], view: PlacementView) -> AsWritten:  # noqa: ARG002
        placements = [placement for placement, _ in new_orders]
        insert_orders(session, placements, status=OrderStatus.PENDING, entered_as=self.entered_as)
        movements, events = _entries(new_orders)
        self._ledger.write(session, movements=movements, events=events)
        return placed_order


def _entries(new_orders: Sequence[NewOrder]) -> tuple[list[MovementEntry], list[EventEntry]]:
    movements: list[MovementEntry] = []
    events: list[EventEntry] = []
    for placement, verdict in new_orders:
        stamp = placement.stamp
        if isinstance(verdict, Reserve):
            movements.extend([(reservation(placement.id, allocation), stamp) for allocation in verdict.allocations])
        events.append((placed_event(placement), stamp))
    return movements, events
