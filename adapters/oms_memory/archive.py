"""What leaves for an archive, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.orders.archiving import FINISHED, ArchivedOrder, add_up, openings
from oms_core.domain.orders.order import Order
from oms_core.domain.stamps import Stamp
from oms_core.domain.stock.ledger import LevelId
from oms_core.domain.stock.products import Movement, MovementKind
from oms_memory.tables import Tables


class MemoryArchive:
    """ArchiveStorage over dictionaries."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def finished(self, *, before: datetime, after: UUID | None, limit: int) -> list[ArchivedOrder]:
        with self._tables.lock:
            orders = [
                order
                for order_id, order in sorted(self._tables.orders.items())
                if (after is None or order_id > after) and order.status in FINISHED and order.updated_at < before
            ]
            return [self._whole(order) for order in orders[:limit]]

    def remove(self, versions: Mapping[UUID, int], *, caller: Caller, now: datetime) -> frozenset[UUID]:
        with self._tables.lock:
            gone = {order_id for order_id in versions if order_id not in self._tables.orders}
            leaving = {
                order_id
                for order_id, version in versions.items()
                if order_id not in gone and self._may_leave(self._tables.orders[order_id], version)
            }
            moved = add_up(
                ((row.movement.sku, row.movement.location), row.movement.on_hand_delta)
                for rows in self._tables.movements.values()
                for row in rows
                if row.movement.order_id in leaving
            )
            replaced = {level for level, on_hand in moved.items() if on_hand}
            former = [row for rows in self._tables.movements.values() for row in rows if _is_opening(row, replaced)]
            sums = add_up([*moved.items(), *((_level(row), row.movement.on_hand_delta) for row in former)])
            self._tables.forget(leaving, {row.id for row in former})
            for opening in openings(sums):
                self._tables.write_movement(opening, Stamp.of(caller, now))
            return frozenset(gone | leaving)

    def _may_leave(self, order: Order, version: int) -> bool:
        unpublished = {entry.event.order_id for entry in self._tables.unpublished.values()}
        return (
            order.version == version
            and order.status in FINISHED
            and not any(holding.reserved for holding in self._tables.holdings(order.id))
            and order.id not in unpublished
        )

    def _whole(self, order: Order) -> ArchivedOrder:
        rows = [row for rows in self._tables.movements.values() for row in rows if row.movement.order_id == order.id]
        return ArchivedOrder(
            order=order,
            movements=tuple(sorted(rows, key=lambda row: row.id)),
            events=tuple(entry for entry in self._tables.events if entry.event.order_id == order.id),
            shipments=self._tables.shipments_of(order.id),
            returns=self._tables.returns_of(order.id),
        )


def _level(row: Movement) -> LevelId:
    return row.movement.sku, row.movement.location


def _is_opening(row: Movement, levels: set[LevelId]) -> bool:
    return row.movement.kind is MovementKind.OPENING and _level(row) in levels
