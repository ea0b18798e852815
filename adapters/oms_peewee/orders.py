"""OrderStorage: orders, their lines, their history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.events import Event
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.orders.order import Order, OrderFilter
from oms_core.domain.orders.placement import Placement, PlacementOutcome, PlacementView
from oms_core.domain.orders.status_changes import OrderChange, joins_queue, order_after
from oms_core.domain.stamps import Stamp
from oms_core.errors import OmsError
from oms_core.ports.storage import DecideOrderChange, DecidePlacement
from oms_peewee.database import Database
from oms_peewee.dialect import Ledger
from oms_peewee.event_queries import has_event
from oms_peewee.idempotency_keys import is_kept, keep_key
from oms_peewee.models import EventRow, OrderRow
from oms_peewee.order_queries import find_order, has_order, holdings_of, lock_levels, lock_order, order_page
from oms_peewee.order_writer import OrderWriter
from oms_peewee.rows import event_of
from oms_peewee.session import Session
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

    def place(self, placements: Sequence[Placement], decide: DecidePlacement) -> list[PlacementOutcome]:
        return self._writer.write(placements, decide)

    def change(
        self, order_id: UUID, *, owner: str | None, caller: Caller, now: datetime, decide: DecideOrderChange
    ) -> Order:
        stamp = Stamp.of(caller, now)
        return self._database.write(
            lambda session: self._change(session, order_id, owner, stamp, decide),
            look_up={"order_ids": [str(order_id)]},
        )

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
        stamp = Stamp.of(caller, now)
        return self._database.write(
            lambda session: self._change_once(session, order_id, owner, stamp, decide, key=key),
            look_up={"order_ids": [str(order_id)]},
        )

    def get(self, order_id: UUID, *, owner: str | None) -> Order:
        return self._database.read(lambda session: _existing(find_order(session, order_id, owner), order_id))

    def find(self, wanted: OrderFilter, *, after: UUID | None, limit: int, lines_max: int | None = None) -> list[Order]:
        return self._database.read(lambda session: order_page(session, wanted, after, limit, lines_max))

    def events(self, order_id: UUID, *, owner: str | None, after: int | None, limit: int) -> list[Event]:
        return self._database.read(lambda session: _events(session, order_id, owner, after, limit))

    def _change(
        self,
        session: Session,
        order_id: UUID,
        owner: str | None,
        stamp: Stamp,
        decide: DecideOrderChange,
    ) -> Written[Order]:
        order = _existing(lock_order(session, order_id, owner), order_id)
        change = decide(order, holdings_of(session, order_id))
        if change is not None and any(movement.on_hand_delta > 0 for movement in change.movements):
            # The count has a bound, and may have come nearer to it since it was read.
            lock_levels(session, order_id)
            change = decide(order, holdings_of(session, order_id))
        if change is None:
            return nothing_written(order)
        queue_no = session.next_queue_number() if joins_queue(order, change) else None
        changed = order_after(order, change, stamp.at, queue_no=queue_no)
        OrderRow.update(_columns(session, order, changed, change)).where(OrderRow.id == order_id).execute(session)
        self._ledger.write(
            session,
            movements=[(movement, stamp) for movement in change.movements],
            events=[] if change.event is None else [(change.event, stamp)],
        )
        return Written(
            result=changed,
            was_committed=lambda later: _is_changed(later, order, change, stamp),
            as_it_is=lambda later: _existing(find_order(later, order_id, owner), order_id),
        )

    def _change_once(
        self,
        session: Session,
        order_id: UUID,
        owner: str | None,
        stamp: Stamp,
        decide: DecideOrderChange,
        *,
        key: IdempotencyKey,
    ) -> Written[tuple[Order, bool]]:
        order = _existing(lock_order(session, order_id, owner), order_id)
        if is_kept(session, key):
            return nothing_written((order, True))
        changed = self._change(session, order_id, owner, stamp, decide)
        keep_key(session, key, stamp.at)
        return Written(
            result=(changed.result, False),
            was_committed=lambda later: lock_order(later, order_id, owner) is not None and is_kept(later, key),
            as_it_is=lambda later: (_existing(find_order(later, order_id, owner), order_id), False),
        )


def _columns(session: Session, order: Order, changed: Order, change: OrderChange) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "status": changed.status.value,
        "version": changed.version,
        "updated_at": changed.updated_at,
    }
    if changed.queue_no != order.queue_no:
        columns["queue_no"] = changed.queue_no
    if (entry := change.entry) is not None:
        failure, due_in = entry.failure, entry.due_in_seconds
        columns["attempts"] = entry.attempts
        columns["failure"] = None if failure is None else failure.document
        columns["due_at"] = None if due_in is None else session.time_from_now(due_in)
    return columns


def _is_changed(session: Session, before: Order, change: OrderChange, stamp: Stamp) -> bool:
    """Return whether a change of the order as it was `before` was committed, waiting for whoever has it locked.

    A change without an event only says when the next try is due. If somebody has changed the order since, they have
    set that anew, and this change counts as made.
    """
    present = lock_order(session, before.id, None)
    if present is None or present.version == before.version:
        return False
    return change.event is None or has_event(session, change.event, stamp)


def _existing(order: Order | None, order_id: UUID) -> Order:
    if order is None:
        raise _order_not_found(order_id)
    return order


def _events(session: Session, order_id: UUID, owner: str | None, after: int | None, limit: int) -> list[Event]:
    if not has_order(session, order_id, owner):
        raise _order_not_found(order_id)
    page = EventRow.select().where(EventRow.order_id == order_id).order_by(EventRow.id).limit(limit)
    if after is not None:
        page = page.where(EventRow.id > after)
    return [event_of(row) for row in page.execute(session)]


def _order_not_found(order_id: UUID) -> OmsError:
    return OmsError("order_not_found", f"no order has the id {order_id}")
