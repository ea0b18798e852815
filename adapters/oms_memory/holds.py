"""Holds in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from oms_core.domain.limits import TRANSACTION_ORDERS_MAX
from oms_core.domain.orders.holds import OVERDUE_COUNTED_MAX, OverdueHold, expiry
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.order_changes import order_after
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stamps import Stamp
from oms_memory.tables import Tables

_SWEEP = "hold-sweep"


class MemoryHolds:
    """HoldStorage over dictionaries."""

    expire_orders_max = TRANSACTION_ORDERS_MAX

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def clock(self) -> datetime:
        with self._tables.lock:
            return self._tables.now()

    def overdue(self, *, limit: int) -> list[OverdueHold]:
        with self._tables.lock:
            due = sorted(self._overdue(self._tables.orders), key=lambda order: (order.hold_until, order.id))
            return [OverdueHold(order_id=order.id, lines=len(order.lines)) for order in due[:limit]]

    def count_overdue(self) -> int:
        return len(self.overdue(limit=OVERDUE_COUNTED_MAX))

    def expire(self, order_ids: Sequence[UUID], *, stamp: Stamp) -> list[UUID]:
        with self._tables.lock:
            due = sorted(self._overdue(set(order_ids)), key=lambda order: order.id)
            changes = [(order, expiry(order.id, order.version, self._tables.holdings(order.id))) for order in due]
            entries = [(row, stamp) for _, change in changes for row in change.movements]
            self._tables.check(entries)
            for order, change in changes:
                self._tables.orders[order.id] = order_after(order, change, stamp.at)
                for event in change.events:
                    self._tables.record(event, stamp)
            self._tables.move(entries)
            return [order.id for order in due]

    def lease(self, holder: str, *, seconds: float) -> bool:
        with self._tables.lock:
            return self._tables.lease(_SWEEP, holder, seconds)

    def release(self, holder: str) -> None:
        with self._tables.lock:
            self._tables.release(_SWEEP, holder)

    def _overdue(self, order_ids: Sequence[UUID] | set[UUID] | dict[UUID, Order]) -> list[Order]:
        now = self._tables.now()
        found = [self._tables.orders[order_id] for order_id in order_ids if order_id in self._tables.orders]
        return [
            order
            for order in found
            if order.status is OrderStatus.HELD and order.hold_until is not None and order.hold_until <= now
        ]
