"""The queue's storage in memory: accepted orders, workers, the outbox."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from oms_core.domain.commands import OrderLine
from oms_core.domain.events import Event
from oms_core.domain.orders.new_orders import reservation
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.placement import Placement, PlacementOutcome, PlacementView, Refuse, Reserve
from oms_core.domain.orders.queueing import (
    POSITIONS_EXACT_MAX,
    Claim,
    DecideAcceptance,
    QueuedOrder,
    QueueSample,
    Settlement,
    WorkerState,
    claimed_together,
    fitting,
)
from oms_core.domain.orders.settled_orders import settled_event, settled_order
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stamps import Stamp
from oms_core.ports.queue_storage import DecideSettlement, SettleBatch
from oms_memory.order_writer import QueuedOrderWriter
from oms_memory.tables import Tables

_FORGOTTEN = timedelta(days=1)
_RELAY = "event-relay"


class MemoryQueuedOrders:
    """QueueStorage over dictionaries."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._writer = QueuedOrderWriter(tables)

    def accept(self, placements: Sequence[Placement], decide: DecideAcceptance) -> list[PlacementOutcome]:
        return self._writer.write(placements, decide)

    def settle(self, batch: SettleBatch, decide: DecideSettlement) -> Settlement:
        batch.wait_for_turn()
        with self._tables.lock:
            free = [
                order
                for order in self._queued(set(batch.order_ids))
                if order.id in batch.claimed or self._is_due(order)
            ]
            orders = free[: fitting(len(order.lines) for order in free)]
            queued = [_as_queued(order) for order in orders]
            skus = {line.sku for order in queued for line in order.lines}
            known = {sku: self._tables.products[sku] for sku in skus if sku in self._tables.products}
            verdicts = decide(queued, PlacementView(products=known, keyed_orders={})) if queued else []
            decided = [
                (order, verdict)
                for order, verdict in zip(queued, verdicts, strict=True)
                if isinstance(verdict, Reserve | Refuse)
            ]
            self._write(decided, batch.claimed, batch.stamp)
            statuses = {order.id: self._tables.orders[order.id].status for order in queued}
            left = () if len(orders) == len(free) else tuple(each for each in batch.order_ids if each not in statuses)
            return Settlement(statuses=statuses, left=left)

    def claim(self, order_ids: Sequence[UUID], *, lease_seconds: float) -> list[Claim]:
        with self._tables.lock:
            return self._claim(self._queued(set(order_ids)), lease_seconds)

    def sweep(self, *, older_than_seconds: float, limit: int, lease_seconds: float) -> list[Claim]:
        with self._tables.lock:
            latest = self._tables.now() - timedelta(seconds=older_than_seconds)
            due = [
                order
                for order in self._queued(self._tables.orders)
                if self._is_due(order) and (not older_than_seconds or order.updated_at <= latest)
            ]
            return self._claim(due[:limit], lease_seconds)

    def unclaim(self, claims: Sequence[Claim]) -> None:
        with self._tables.lock:
            tried = {claim.order_id: claim.attempts for claim in claims}
            for order in self._queued(tried):
                if order.attempts == tried[order.id]:
                    self._tables.orders[order.id] = replace(order, attempts=order.attempts - 1)
                    self._tables.due_times.pop(order.id, None)

    def settled(self, order_ids: Sequence[UUID]) -> list[Order]:
        with self._tables.lock:
            found = [self._tables.orders[order_id] for order_id in order_ids if order_id in self._tables.orders]
        return [order for order in found if order.status is not OrderStatus.QUEUED]

    def sample(self) -> QueueSample:
        with self._tables.lock:
            queued = self._queued(self._tables.orders)
            statuses = [order.status for order in self._tables.orders.values()]
        numbers = [order.queue_no or 0 for order in queued]
        return QueueSample(
            numbers=numbers[:POSITIONS_EXACT_MAX],
            last_number=numbers[-1] if numbers else None,
            oldest_since=queued[0].updated_at if queued else None,
            failed=min(statuses.count(OrderStatus.FAILED), POSITIONS_EXACT_MAX),
            rejected=min(statuses.count(OrderStatus.REJECTED), POSITIONS_EXACT_MAX),
        )

    def _queued(self, order_ids: Collection[UUID]) -> list[Order]:
        found = (self._tables.orders.get(order_id) for order_id in order_ids)
        queued = [order for order in found if order is not None and order.status is OrderStatus.QUEUED]
        return sorted(queued, key=lambda order: order.queue_no or 0)

    def _is_due(self, order: Order) -> bool:
        due_at = self._tables.due_times.get(order.id)
        return due_at is None or due_at <= self._tables.now()

    def _claim(self, orders: Sequence[Order], lease_seconds: float) -> list[Claim]:
        taken = orders[: claimed_together([order.attempts for order in orders])]
        for order in taken:
            self._tables.orders[order.id] = replace(order, attempts=order.attempts + 1)
            self._tables.hold(order.id, lease_seconds)
        return [Claim(order_id=order.id, attempts=order.attempts + 1) for order in taken]

    def _write(
        self,
        decided: Sequence[tuple[QueuedOrder, Reserve | Refuse]],
        claimed: Collection[UUID],
        stamp: Stamp,
    ) -> None:
        entries = [
            (reservation(order.id, allocation), stamp)
            for order, verdict in decided
            if isinstance(verdict, Reserve)
            for allocation in verdict.allocations
        ]
        self._tables.check(entries)
        for queued, verdict in decided:
            order = self._tables.orders[queued.id]
            settled = settled_order(
                order,
                verdict,
                stamp.at,
                was_claimed=order.id in claimed,
                hold_until=self._tables.now() + timedelta(seconds=order.hold_seconds or 0),
            )
            self._tables.orders[order.id] = settled
            self._tables.due_times.pop(order.id, None)
            self._tables.record(settled_event(queued, verdict), stamp)
        self._tables.move(entries)


class MemoryWorkers:
    """WorkerStorage over a dictionary."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def beat(self, state: WorkerState) -> None:
        with self._tables.lock:
            now = self._tables.now()
            workers = self._tables.workers
            workers[state.id] = replace(state, seen_at=now)
            for forgotten in [each.id for each in workers.values() if each.seen_at < now - _FORGOTTEN]:
                del workers[forgotten]

    def leave(self, worker_id: str) -> None:
        with self._tables.lock:
            self._tables.workers.pop(worker_id, None)

    def find(self, *, silent_seconds: float) -> list[WorkerState]:
        with self._tables.lock:
            earliest = self._tables.now() - timedelta(seconds=silent_seconds)
            heard = [state for state in self._tables.workers.values() if state.seen_at >= earliest]
        return sorted(heard, key=lambda state: state.id)


class MemoryOutbox:
    """OutboxStorage over dictionaries."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def lease(self, holder: str, *, seconds: float) -> bool:
        with self._tables.lock:
            return self._tables.lease(_RELAY, holder, seconds)

    def release(self, holder: str) -> None:
        with self._tables.lock:
            self._tables.release(_RELAY, holder)

    def unpublished(self, *, limit: int) -> list[Event]:
        with self._tables.lock:
            return [self._tables.unpublished[event_id] for event_id in sorted(self._tables.unpublished)[:limit]]

    def published(self, event_ids: Sequence[int]) -> None:
        with self._tables.lock:
            for event_id in event_ids:
                self._tables.unpublished.pop(event_id, None)


def _as_queued(order: Order) -> QueuedOrder:
    lines = tuple(OrderLine(sku=line.sku, quantity=line.quantity) for line in order.lines)
    return QueuedOrder(
        id=order.id, version=order.version, lines=lines, hold_seconds=order.hold_seconds, locations=order.locations
    )
