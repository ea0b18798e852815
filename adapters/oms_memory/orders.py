"""Orders in memory."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.events import Event
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.orders.order import Order, OrderFilter, orders_within
from oms_core.domain.orders.placement import Placement, PlacementOutcome
from oms_core.domain.orders.status_changes import joins_queue, order_after
from oms_core.domain.stamps import Stamp
from oms_core.ports.storage import DecideOrderChange, DecidePlacement
from oms_memory.order_writer import PlacedOrderWriter
from oms_memory.tables import Tables


class MemoryOrders:
    """OrderStorage over dictionaries: one lock makes every method a transaction."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._writer = PlacedOrderWriter(tables)

    def place(self, placements: Sequence[Placement], decide: DecidePlacement) -> list[PlacementOutcome]:
        return self._writer.write(placements, decide)

    def change(
        self, order_id: UUID, *, owner: str | None, caller: Caller, now: datetime, decide: DecideOrderChange
    ) -> Order:
        with self._tables.lock:
            return self._change(self._tables.order(order_id, owner), Stamp.of(caller, now), decide)

    def change_once(
        self,
        order_id: UUID,
        *,
        key: IdempotencyKey,
        owner: str | None,
        caller: Caller,
        now: datetime,
        decide: DecideOrderChange,
    ) -> tuple[Order, bool]:
        with self._tables.lock:
            order = self._tables.order(order_id, owner)
            kept = self._tables.kept_keys.get((key.actor, key.key))
            if kept is not None:
                key.check(kept.fingerprint)
                return order, True
            changed = self._change(order, Stamp.of(caller, now), decide)
            self._tables.kept_keys[key.actor, key.key] = key
            return changed, False

    def get(self, order_id: UUID, *, owner: str | None) -> Order:
        with self._tables.lock:
            return self._tables.order(order_id, owner)

    def find(self, wanted: OrderFilter, *, after: UUID | None, limit: int, lines_max: int | None = None) -> list[Order]:
        with self._tables.lock:
            orders = sorted(self._tables.orders.values(), key=lambda order: order.id, reverse=not wanted.oldest_first)
        beyond = operator.gt if wanted.oldest_first else operator.lt
        found = (order for order in orders if (after is None or beyond(order.id, after)) and _matches(order, wanted))
        return list(orders_within(islice(found, limit), lines_max))

    def events(self, order_id: UUID, *, owner: str | None, after: int | None, limit: int) -> list[Event]:
        with self._tables.lock:
            self._tables.order(order_id, owner)
            found = [
                entry for entry in self._tables.events if entry.event.order_id == order_id and entry.id > (after or 0)
            ]
        return found[:limit]

    def _change(self, order: Order, stamp: Stamp, decide: DecideOrderChange) -> Order:
        change = decide(order, self._tables.holdings_at_levels(order.id))
        if change is None:
            return order
        entries = [(row, stamp) for row in change.movements]
        self._tables.check(entries)
        if change.event is not None:
            self._tables.record(change.event, stamp)
        self._tables.move(entries)
        if change.entry is not None:
            self._tables.hold(order.id, change.entry.due_in_seconds)
        queue_no = self._tables.next_number() if joins_queue(order, change) else None
        self._tables.orders[order.id] = changed = order_after(order, change, stamp.at, queue_no=queue_no)
        return changed


def _matches(order: Order, wanted: OrderFilter) -> bool:
    return (
        (not wanted.statuses or order.status in wanted.statuses)
        and wanted.customer_id in {None, order.customer_id}
        and wanted.reference in {None, order.reference}
        and wanted.failure_code in {None, None if order.failure is None else order.failure.code}
        and (wanted.sku is None or any(line.sku == wanted.sku for line in order.lines))
        and (wanted.created_from is None or order.created_at >= wanted.created_from)
        and (wanted.created_to is None or order.created_at < wanted.created_to)
    )
