"""OrderStorage: orders, their lines, their history."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.events import Event
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.orders.bulk_changes import Acted, DecideOrderChanges
from oms_core.domain.orders.order import LineAllocation, Order, OrderFilter
from oms_core.domain.orders.order_changes import Changed, OrderChange, joins_queue, order_after
from oms_core.domain.orders.placement import Placement, PlacementOutcome, PlacementView, order_archived
from oms_core.domain.orders.returns import Return
from oms_core.domain.orders.shipments import Shipment
from oms_core.domain.orders.statuses import OPEN
from oms_core.domain.stamps import Stamp
from oms_core.domain.stock.products import Product
from oms_core.errors import OmsError
from oms_core.ports.order_storage import NO_KEYS, DecideOrderChange, DecidePlacement
from oms_peewee.bulk_changes import BulkChanges
from oms_peewee.database import Database
from oms_peewee.dialect import Ledger
from oms_peewee.event_queries import events_of, has_event
from oms_peewee.idempotency_keys import keep_order_keys, kept_act
from oms_peewee.line_rows import write_lines
from oms_peewee.order_models import OrderRow
from oms_peewee.order_queries import (
    find_allocations,
    find_order,
    has_order,
    order_page,
    seen_by,
    standing_of,
)
from oms_peewee.order_writer import OrderWriter
from oms_peewee.payment_references import keep_payment_reference
from oms_peewee.products import lock_products, products_by_sku
from oms_peewee.raised_levels import ready_levels
from oms_peewee.return_rows import returns_of, write_returns
from oms_peewee.session import Session
from oms_peewee.shipment_rows import shipments_of, write_shipments
from oms_peewee.waiting_orders import lock_order, write_waiting
from oms_peewee.written import Written, nothing_written


class PeeweeOrders:
    """OrderStorage on both databases."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        writer: OrderWriter[PlacementView],
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._writer = writer
        self._bulk = BulkChanges(database, ledger)

    def place(self, placements: Sequence[Placement], decide: DecidePlacement) -> list[PlacementOutcome]:
        return self._writer.write(placements, decide)

    def change(
        self, order_id: UUID, *, owner: str | None, caller: Caller, now: datetime, decide: DecideOrderChange
    ) -> Order:
        stamp = Stamp.of(caller, now)
        return self._database.write(
            lambda session: self._act(session, order_id, owner, stamp, decide),
            look_up={"order_ids": [str(order_id)]},
        ).order

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
        stamp = Stamp.of(caller, now)
        return self._database.write(
            lambda session: self._act(session, order_id, owner, stamp, decide, key=key, skus=skus),
            look_up={"order_ids": [str(order_id)]},
        )

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
        return self._bulk.change(order_ids, owner=owner, stamp=Stamp.of(caller, now), decide=decide, keys=keys)

    def get(self, order_id: UUID, *, owner: str | None) -> Order:
        return self._database.read(lambda session: _existing(find_order(session, order_id, owner), order_id))

    def find(self, wanted: OrderFilter, *, after: UUID | None, limit: int, lines_max: int | None = None) -> list[Order]:
        return self._database.read(lambda session: order_page(session, wanted, after, limit, lines_max))

    def allocations(self, order_ids: Sequence[UUID], *, owner: str | None) -> dict[UUID, list[LineAllocation]]:
        return self._database.read(lambda session: find_allocations(session, seen_by(session, order_ids, owner)))

    def shipments(self, order_ids: Sequence[UUID], *, owner: str | None) -> dict[UUID, list[Shipment]]:
        return self._database.read(lambda session: shipments_of(session, seen_by(session, order_ids, owner)))

    def returns(self, order_ids: Sequence[UUID], *, owner: str | None) -> dict[UUID, list[Return]]:
        return self._database.read(lambda session: returns_of(session, seen_by(session, order_ids, owner)))

    def events(self, order_id: UUID, *, owner: str | None, after: int | None, limit: int) -> list[Event]:
        return self._database.read(lambda session: _events(session, order_id, owner, after, limit))

    def _act(
        self,
        session: Session,
        order_id: UUID,
        owner: str | None,
        stamp: Stamp,
        decide: DecideOrderChange,
        *,
        key: IdempotencyKey | None = None,
        skus: Collection[str] | None = None,
    ) -> Written[Changed]:
        found = lock_order(session, order_id, owner)
        kept = None if key is None else kept_act(session, key)
        if kept is not None and found is None and owner is None:
            raise order_archived(kept.order_id)
        order = _existing(found, order_id)
        if kept is not None:
            return nothing_written(Changed(order=order, act_no=kept.act_no, replayed=True))
        changed, change = self._changed(session, order, stamp, decide, skus)
        if key is not None:
            keep_order_keys(session, [(key, order_id, changed.act_no)], stamp.at)
        elif change is None:
            return nothing_written(changed)

        def was_committed(later: Session) -> bool:
            if key is None:
                return change is not None and _is_changed(later, order, change, stamp)
            return lock_order(later, order_id, owner) is not None and kept_act(later, key) is not None

        return Written(
            result=changed,
            was_committed=was_committed,
            as_it_is=lambda later: replace(changed, order=_existing(find_order(later, order_id, owner), order_id)),
        )

    def _changed(
        self, session: Session, order: Order, stamp: Stamp, decide: DecideOrderChange, skus: Collection[str] | None
    ) -> tuple[Changed, OrderChange | None]:
        """Write what is decided on an order that is locked, if anything; return it as it then is."""
        change = _decided(session, order, stamp, decide, skus)
        if change is None:
            return Changed(order=order), None
        queue_no = session.next_queue_number() if joins_queue(order, change) else None
        changed = order_after(order, change, stamp.at, queue_no=queue_no)
        OrderRow.update(_columns(order, changed, change)).where(OrderRow.id == order.id).execute(session)
        if change.payment_reference is not None:
            keep_payment_reference(session, change.payment_reference, order.id, stamp.at)
        write_waiting(session, order, changed, change)
        if change.lines:
            write_lines(session, order.id, change.lines)
        if change.shipments:
            write_shipments(session, [change])
        if change.returns:
            write_returns(session, [change])
        self._ledger.write(
            session,
            movements=[(movement, stamp) for movement in change.movements],
            events=[(event, stamp) for event in change.events],
        )
        return Changed(order=changed, act_no=change.act_no), change


def _decided(
    session: Session, order: Order, stamp: Stamp, decide: DecideOrderChange, skus: Collection[str] | None
) -> OrderChange | None:
    ((_, standing),) = standing_of(session, [order], stamp.at)
    if skus is not None:
        standing = replace(standing, products=_products(session, order, skus))
    change = decide(order, standing)
    if change is not None and change.raised:
        # A count has a bound, and is known to nobody but to who has it locked.
        change = decide(order, replace(standing, counts=ready_levels(session, change.raised, stamp.at)))
    return change


def _products(session: Session, order: Order, skus: Collection[str]) -> dict[str, Product]:
    named = sorted({*skus, *(line.sku for line in order.lines)})
    if order.status in OPEN:
        lock_products(session, named)
    return products_by_sku(session, named)


def _columns(before: Order, changed: Order, change: OrderChange) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "status": changed.status.value,
        "attempts": changed.attempts,
        "version": changed.version,
        "updated_at": changed.updated_at,
    }
    if change.entry is not None:
        failure = change.entry.failure
        columns["failure"] = None if failure is None else failure.document
    if (before.hold_until, before.hold_extensions) != (changed.hold_until, changed.hold_extensions):
        columns["hold_until"] = changed.hold_until
        columns["hold_extensions"] = changed.hold_extensions or None
    if change.payment_reference is not None:
        columns["payment_reference"] = change.payment_reference
    if change.lines:
        columns["total"] = change.total
    if change.details is not None:
        columns |= {"reference": change.details.reference, "metadata": dict(change.details.metadata)}
    return columns


def _is_changed(session: Session, before: Order, change: OrderChange, stamp: Stamp) -> bool:
    """Return whether a change of the order as it was `before` was committed, waiting for whoever has it locked.

    A change without an event only says when the next try is due, or a payment reference. If somebody has changed the
    order since, they have set the first anew, and this change counts as made; the second is nobody else's.
    """
    present = lock_order(session, before.id, None)
    if present is None or present.version == before.version:
        return False
    if not change.events:
        return change.payment_reference in {None, present.payment_reference}
    return has_event(session, change.events[0], stamp)


def _existing(order: Order | None, order_id: UUID) -> Order:
    if order is None:
        raise _order_not_found(order_id)
    return order


def _events(session: Session, order_id: UUID, owner: str | None, after: int | None, limit: int) -> list[Event]:
    found = events_of(session, order_id, owner, after, limit)
    if not found and not has_order(session, order_id, owner):
        raise _order_not_found(order_id)
    return found


def _order_not_found(order_id: UUID) -> OmsError:
    return OmsError("order_not_found", f"no order has the id {order_id}")
