"""The rows of orders that wait: written with the order, and always locked before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import peewee

from oms_core.domain.orders.order import Order
from oms_core.domain.orders.order_changes import OrderChange, joins_queue
from oms_core.domain.orders.statuses import WAITING, OrderStatus
from oms_peewee.faults import ChangedMeanwhileError
from oms_peewee.order_models import WaitingRow
from oms_peewee.order_queries import find_order, row_locked_order
from oms_peewee.rows import rows_of
from oms_peewee.session import Session

TO_BE_PLACED = "place"
TO_BE_CONFIRMED = "confirm"
_WAITING = "SELECT order_id FROM waiting_orders WHERE order_id"


def lock_order(session: Session, order_id: UUID, owner: str | None) -> Order | None:
    """Lock one order, before it the row with which it waits, and read it as it then is.

    Raise ChangedMeanwhileError when it has begun to wait in between: its row would be locked too late.
    """
    if not session.row_lock:
        return find_order(session, order_id, owner)
    waiting = WaitingRow.select(WaitingRow.order_id).where(WaitingRow.order_id == order_id)
    waits = session.locking(waiting).first(session) is not None
    order = row_locked_order(session, order_id, owner)
    if order is not None and order.status in WAITING and not waits:
        raise ChangedMeanwhileError("the order has begun to wait")
    return order


@dataclass(frozen=True, slots=True)
class LockedWaiting:
    """The orders whose waiting rows are locked; None where the whole database is."""

    order_ids: frozenset[str] | None

    def check(self, orders: Iterable[Order]) -> None:
        """Raise ChangedMeanwhileError when one that was locked since had begun to wait in between."""
        if self.order_ids is not None:
            for order in orders:
                if order.status in WAITING and str(order.id) not in self.order_ids:
                    raise ChangedMeanwhileError("an order has begun to wait")


def lock_waiting(session: Session, order_ids: Sequence[UUID]) -> LockedWaiting:
    """Lock the rows with which these orders wait, by id; their own rows are to be locked next."""
    if not session.row_lock:
        return LockedWaiting(None)
    among, ids = session.among([str(order_id) for order_id in order_ids])
    rows = rows_of(session, f"{_WAITING} {among} ORDER BY order_id {session.row_lock}", [ids])
    return LockedWaiting(frozenset(str(order_id) for (order_id,) in rows))


def write_waiting(session: Session, before: Order, after: Order, change: OrderChange) -> None:
    """Write how an order waits after a change, which has locked it."""
    if joins_queue(before, change):
        WaitingRow.insert(
            order_id=after.id,
            waits_for=TO_BE_PLACED,
            queue_no=after.queue_no,
            attempts=after.attempts,
            **_due(session, change, after.updated_at),
        ).execute(session)
    elif after.status is OrderStatus.HELD:
        held = WaitingRow.update(due_at=after.hold_until, since=after.updated_at)
        held.where(WaitingRow.order_id == after.id).execute(session)
    elif after.status is OrderStatus.QUEUED and change.entry is not None:
        changed = WaitingRow.update(attempts=after.attempts, **_due(session, change, after.updated_at))
        changed.where(WaitingRow.order_id == after.id).execute(session)
    elif before.status in WAITING and after.status not in WAITING:
        WaitingRow.delete().where(WaitingRow.order_id == after.id).execute(session)


def is_to_be_placed() -> peewee.Expression:
    """Return the condition of the queue: a literal, so that its index is used."""
    return peewee.Expression(WaitingRow.waits_for, "=", peewee.SQL(f"'{TO_BE_PLACED}'"))


def is_to_be_placed_by_itself() -> peewee.Expression:
    """Return the same for orders known by id, written so that the queue's index is not used.

    It may hold a million orders, of which a few are wanted.
    """
    return WaitingRow.waits_for.concat("") == TO_BE_PLACED


def is_to_be_confirmed() -> peewee.Expression:
    """Return the condition of the holds: a literal, so that their index is used."""
    return peewee.Expression(WaitingRow.waits_for, "=", peewee.SQL(f"'{TO_BE_CONFIRMED}'"))


def is_to_be_confirmed_by_itself() -> peewee.Expression:
    """Return the same for orders known by id, written so that the index of the holds is not used."""
    return WaitingRow.waits_for.concat("") == TO_BE_CONFIRMED


def _due(session: Session, change: OrderChange, now: datetime) -> dict[str, object]:
    due_in = None if change.entry is None else change.entry.due_in_seconds
    return {"since": now, "due_at": None if due_in is None else session.time_from_now(due_in)}
