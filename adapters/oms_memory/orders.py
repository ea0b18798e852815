"""Orders in memory."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.events import Event
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.orders.bulk_changes import DecideOrderChanges, Moved, order_not_found
from oms_core.domain.orders.order import LineAllocation, Order, OrderFilter, orders_within
from oms_core.domain.orders.placement import EnteredAs, KeyedOrder, Placement, PlacementOutcome, order_archived
from oms_core.domain.orders.queueing import fitting
from oms_core.domain.orders.status_changes import OrderChange, joins_queue, order_after
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stamps import Stamp
from oms_core.domain.stock.products import MovementKind, NewMovement
from oms_core.ports.storage import DecideOrderChange, DecidePlacement
from oms_memory.order_writer import PlacedOrderWriter
from oms_memory.tables import Tables

_UNITS = ("reserved", "shipped", "returned")


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
            kept = self._tables.order_keys.get((key.actor, key.key))
            if kept is not None:
                key.check(kept.fingerprint)
            if kept is not None and order_id not in self._tables.orders and owner is None:
                raise order_archived(kept.order_id)
            order = self._tables.order(order_id, owner)
            if kept is not None:
                return order, True
            changed = self._change(order, Stamp.of(caller, now), decide)
            self._tables.order_keys[key.actor, key.key] = KeyedOrder(
                order_id=order_id, fingerprint=key.fingerprint, entered_as=EnteredAs.QUEUED
            )
            return changed, False

    def change_many(
        self,
        order_ids: Sequence[UUID],
        *,
        owner: str | None,
        caller: Caller,
        now: datetime,
        decide: DecideOrderChanges,
    ) -> dict[UUID, Moved]:
        stamp = Stamp.of(caller, now)
        with self._tables.lock:
            known = [self._tables.orders.get(order_id) for order_id in sorted(order_ids)]
            fit = fitting(0 if order is None else len(order.lines) for order in known)
            outcomes: dict[UUID, Moved] = {each: order_not_found(each) for each in sorted(order_ids)[:fit]}
            orders = [order for order in known[:fit] if order is not None and owner in {None, order.customer_id}]
            decisions = decide([(order, self._tables.holdings_at_levels(order.id)) for order in orders])
            changes = []
            for order, decision in zip(orders, decisions, strict=True):
                if isinstance(decision, OrderChange):
                    changes.append((order, decision))
                else:
                    outcomes[order.id] = order if decision is None else decision
            return outcomes | self._change_all(changes, stamp)

    def get(self, order_id: UUID, *, owner: str | None) -> Order:
        with self._tables.lock:
            return self._tables.order(order_id, owner)

    def find(self, wanted: OrderFilter, *, after: UUID | None, limit: int, lines_max: int | None = None) -> list[Order]:
        with self._tables.lock:
            orders = sorted(self._tables.orders.values(), key=lambda order: order.id, reverse=not wanted.oldest_first)
        beyond = operator.gt if wanted.oldest_first else operator.lt
        found = (order for order in orders if (after is None or beyond(order.id, after)) and _matches(order, wanted))
        return list(orders_within(islice(found, limit), lines_max))

    def allocations(self, order_ids: Sequence[UUID], *, owner: str | None) -> dict[UUID, list[LineAllocation]]:
        with self._tables.lock:
            found = [self._tables.orders.get(order_id) for order_id in order_ids]
            seen = [order.id for order in found if order is not None and owner in {None, order.customer_id}]
            served = {order_id: _allocations(self._tables.order_movements.get(order_id, [])) for order_id in seen}
            return {order_id: allocations for order_id, allocations in served.items() if allocations}

    def events(self, order_id: UUID, *, owner: str | None, after: int | None, limit: int) -> list[Event]:
        with self._tables.lock:
            self._tables.order(order_id, owner)
            found = [
                entry for entry in self._tables.events if entry.event.order_id == order_id and entry.id > (after or 0)
            ]
        return found[:limit]

    def _change_all(self, changes: Sequence[tuple[Order, OrderChange]], stamp: Stamp) -> dict[UUID, Order]:
        entries = [(row, stamp) for _, change in changes for row in change.movements]
        self._tables.check(entries)
        for _, change in changes:
            if change.event is not None:
                self._tables.record(change.event, stamp)
        self._tables.move(entries)
        changed = {order.id: order_after(order, change, stamp.at) for order, change in changes}
        self._tables.orders.update(changed)
        return changed

    def _change(self, order: Order, stamp: Stamp, decide: DecideOrderChange) -> Order:
        change = decide(order, self._tables.holdings_at_levels(order.id))
        if change is None:
            return order
        entries = [(row, stamp) for row in change.movements]
        self._tables.check_payment(order.id, change.payment_reference)
        self._tables.check(entries)
        if change.payment_reference is not None:
            self._tables.payments[change.payment_reference] = order.id
        if change.event is not None:
            self._tables.record(change.event, stamp)
        self._tables.move(entries)
        if change.entry is not None:
            self._tables.hold(order.id, change.entry.due_in_seconds)
        queue_no = self._tables.next_number() if joins_queue(order, change) else None
        self._tables.orders[order.id] = changed = order_after(order, change, stamp.at, queue_no=queue_no)
        return changed


def _allocations(rows: Sequence[NewMovement]) -> list[LineAllocation]:
    sums: dict[tuple[int, str], Counter[str]] = {}
    for row in rows:
        units = sums.setdefault((row.line_no or 0, row.location), Counter())
        units["reserved"] += row.reserved_delta
        units["returned" if row.kind is MovementKind.RETURN else "shipped"] += abs(row.on_hand_delta)
    return [
        LineAllocation(line_no=line_no, location=location, **{name: units[name] for name in _UNITS})
        for (line_no, location), units in sorted(sums.items())
        if any(units.values())
    ]


def _matches(order: Order, wanted: OrderFilter) -> bool:
    return (
        (not wanted.statuses or order.status in wanted.statuses)
        and wanted.customer_id in {None, order.customer_id}
        and wanted.reference in {None, order.reference}
        and wanted.failure_code in {None, None if order.failure is None else order.failure.code}
        and (wanted.sku is None or any(line.sku == wanted.sku for line in order.lines))
        and (wanted.created_from is None or order.created_at >= wanted.created_from)
        and (wanted.created_to is None or order.created_at < wanted.created_to)
        and (wanted.hold_before is None or _is_held_no_longer_than(order, wanted.hold_before))
    )


def _is_held_no_longer_than(order: Order, time: datetime) -> bool:
    return order.status is OrderStatus.HELD and order.hold_until is not None and order.hold_until < time
