"""Orders in memory."""

from __future__ import annotations

import operator
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.events import Event
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.orders.bulk_changes import Acted, DecideOrderChanges, order_not_found
from oms_core.domain.orders.order import LineAllocation, Order, OrderFilter, allocations_of, orders_within
from oms_core.domain.orders.order_changes import Changed, OrderChange, joins_queue, order_after
from oms_core.domain.orders.placement import EnteredAs, KeyedOrder, Placement, PlacementOutcome, order_archived
from oms_core.domain.orders.queueing import fitting
from oms_core.domain.orders.returns import Return
from oms_core.domain.orders.shipments import Shipment
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stamps import Stamp
from oms_core.errors import OmsError
from oms_core.ports.order_storage import NO_KEYS, DecideOrderChange, DecidePlacement
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
            return self._change(self._tables.order(order_id, owner), Stamp.of(caller, now), decide).order

    def act(
        self,
        order_id: UUID,
        *,
        key: IdempotencyKey | None,
        owner: str | None,
        caller: Caller,
        now: datetime,
        decide: DecideOrderChange,
        skus: Collection[str] | None = None,
    ) -> Changed:
        with self._tables.lock:
            if (replayed := self._replayed(order_id, key, owner)) is not None:
                return replayed
            changed = self._change(self._tables.order(order_id, owner), Stamp.of(caller, now), decide, skus)
            self._keep(key, changed)
            return changed

    def change_many(
        self,
        order_ids: Sequence[UUID],
        *,
        owner: str | None,
        caller: Caller,
        now: datetime,
        decide: DecideOrderChanges,
        keys: Mapping[UUID, IdempotencyKey] = NO_KEYS,
    ) -> dict[UUID, Acted]:
        stamp = Stamp.of(caller, now)
        with self._tables.lock:
            known = [self._tables.orders.get(order_id) for order_id in sorted(order_ids)]
            fit = fitting(0 if order is None else len(order.lines) for order in known)
            outcomes: dict[UUID, Acted] = {each: order_not_found(each) for each in sorted(order_ids)[:fit]}
            outcomes |= self._known(outcomes, keys, owner)
            orders = [
                order
                for order in known[:fit]
                if order is not None and owner in {None, order.customer_id} and _is_not_found(outcomes[order.id])
            ]
            decisions = decide([(order, self._tables.standing(order.id, now)) for order in orders])
            changes = []
            for order, decision in zip(orders, decisions, strict=True):
                if isinstance(decision, OrderChange):
                    changes.append((order, decision))
                else:
                    outcomes[order.id] = Changed(order=order) if decision is None else decision
            outcomes |= self._change_all(changes, stamp)
            for order in orders:
                if isinstance(outcome := outcomes[order.id], Changed):
                    self._keep(keys.get(order.id), outcome)
            return outcomes

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
            seen = self._seen(order_ids, owner)
            served = {order_id: allocations_of(self._tables.holdings(order_id)) for order_id in seen}
            return {order_id: allocations for order_id, allocations in served.items() if allocations}

    def shipments(self, order_ids: Sequence[UUID], *, owner: str | None) -> dict[UUID, list[Shipment]]:
        with self._tables.lock:
            made = {order_id: list(self._tables.shipments_of(order_id)) for order_id in self._seen(order_ids, owner)}
            return {order_id: shipments for order_id, shipments in made.items() if shipments}

    def returns(self, order_ids: Sequence[UUID], *, owner: str | None) -> dict[UUID, list[Return]]:
        with self._tables.lock:
            made = {order_id: list(self._tables.returns_of(order_id)) for order_id in self._seen(order_ids, owner)}
            return {order_id: returns for order_id, returns in made.items() if returns}

    def events(self, order_id: UUID, *, owner: str | None, after: int | None, limit: int) -> list[Event]:
        with self._tables.lock:
            self._tables.order(order_id, owner)
            found = [
                entry for entry in self._tables.events if entry.event.order_id == order_id and entry.id > (after or 0)
            ]
        return found[:limit]

    def _seen(self, order_ids: Sequence[UUID], owner: str | None) -> list[UUID]:
        """Return those of the orders that the owner (None: anybody) may see."""
        found = [self._tables.orders.get(order_id) for order_id in order_ids]
        return [order.id for order in found if order is not None and owner in {None, order.customer_id}]

    def _known(
        self, order_ids: Collection[UUID], keys: Mapping[UUID, IdempotencyKey], owner: str | None
    ) -> dict[UUID, Acted]:
        """Return what is known of orders by their keys: replays, and what a key is refused for."""
        known: dict[UUID, Acted] = {}
        for order_id in order_ids:
            try:
                replayed = self._replayed(order_id, keys.get(order_id), owner)
            except OmsError as error:
                known[order_id] = error
            else:
                known |= {} if replayed is None else {order_id: replayed}
        return known

    def _replayed(self, order_id: UUID, key: IdempotencyKey | None, owner: str | None) -> Changed | None:
        """Return what was done under a key. Raise what it is refused for."""
        kept = None if key is None else self._tables.order_keys.get((key.actor, key.key))
        if key is None or kept is None:
            return None
        key.check(kept.fingerprint)
        if order_id not in self._tables.orders and owner is None:
            raise order_archived(kept.order_id)
        return Changed(order=self._tables.order(order_id, owner), act_no=kept.act_no, replayed=True)

    def _keep(self, key: IdempotencyKey | None, changed: Changed) -> None:
        if key is not None:
            self._tables.order_keys[key.actor, key.key] = KeyedOrder(
                order_id=changed.order.id,
                fingerprint=key.fingerprint,
                entered_as=EnteredAs.QUEUED,
                act_no=changed.act_no,
            )

    def _change_all(self, changes: Sequence[tuple[Order, OrderChange]], stamp: Stamp) -> dict[UUID, Changed]:
        entries = [(row, stamp) for _, change in changes for row in change.movements]
        self._tables.check(entries)
        for _, change in changes:
            self._record(change, stamp)
        self._tables.move(entries)
        changed = {
            order.id: Changed(order=order_after(order, change, stamp.at), act_no=change.act_no)
            for order, change in changes
        }
        self._tables.orders.update({order_id: each.order for order_id, each in changed.items()})
        return changed

    def _record(self, change: OrderChange, stamp: Stamp) -> None:
        for event in change.events:
            self._tables.record(event, stamp)
        for shipment in change.shipments:
            self._tables.shipments.setdefault(shipment.order_id, {})[shipment.shipment_no] = shipment
        for made in change.returns:
            self._tables.returns.setdefault(made.order_id, []).append(made)

    def _change(
        self, order: Order, stamp: Stamp, decide: DecideOrderChange, skus: Collection[str] | None = None
    ) -> Changed:
        standing = self._tables.standing(order.id, stamp.at)
        if skus is not None:
            named = {*skus, *(line.sku for line in order.lines)}
            products = {sku: self._tables.products[sku] for sku in named if sku in self._tables.products}
            standing = replace(standing, products=products)
        change = decide(order, standing)
        if change is None:
            return Changed(order=order)
        entries = [(row, stamp) for row in change.movements]
        self._tables.check_payment(order.id, change.payment_reference)
        self._tables.check(entries)
        if change.payment_reference is not None:
            self._tables.payments[change.payment_reference] = order.id
        self._record(change, stamp)
        self._tables.move(entries)
        if change.entry is not None:
            self._tables.hold(order.id, change.entry.due_in_seconds)
        queue_no = self._tables.next_number() if joins_queue(order, change) else None
        self._tables.orders[order.id] = changed = order_after(order, change, stamp.at, queue_no=queue_no)
        return Changed(order=changed, act_no=change.act_no)


def _is_not_found(outcome: Acted) -> bool:
    """Return whether nothing is known of an order yet that was to be changed."""
    return isinstance(outcome, OmsError) and outcome.code == "order_not_found"


def _matches(order: Order, wanted: OrderFilter) -> bool:
    return (
        (not wanted.statuses or order.status in wanted.statuses)
        and wanted.customer_id in {None, order.customer_id}
        and wanted.reference in {None, order.reference}
        and wanted.failure_code in {None, None if order.failure is None else order.failure.code}
        and (wanted.sku is None or any(line.sku == wanted.sku and line.quantity for line in order.lines))
        and (wanted.created_from is None or order.created_at >= wanted.created_from)
        and (wanted.created_to is None or order.created_at < wanted.created_to)
        and (wanted.hold_before is None or _is_held_no_longer_than(order, wanted.hold_before))
    )


def _is_held_no_longer_than(order: Order, time: datetime) -> bool:
    return order.status is OrderStatus.HELD and order.hold_until is not None and order.hold_until < time
