"""HoldStorage: orders that wait to be confirmed, and those of them that are expired together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import peewee
from peewee import fn

from oms_core.domain.orders.holds import OVERDUE_COUNTED_MAX, OverdueHold, expiry
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stamps import Stamp
from oms_peewee.database import Database
from oms_peewee.dialect import Ledger
from oms_peewee.event_queries import has_event
from oms_peewee.leases import Lease
from oms_peewee.order_models import LineRow, OrderRow, WaitingRow
from oms_peewee.order_queries import holdings_of
from oms_peewee.session import Session
from oms_peewee.waiting_orders import is_to_be_confirmed, is_to_be_confirmed_by_itself, lock_order
from oms_peewee.written import Written, nothing_written

_LEASE = "hold-sweep"


class PeeweeHolds:
    """HoldStorage on both databases."""

    def __init__(self, database: Database, ledger: Ledger, *, expire_orders_max: int) -> None:
        self._database = database
        self._ledger = ledger
        self._lease = Lease(database, _LEASE)
        self.expire_orders_max = expire_orders_max

    def clock(self) -> datetime:
        return self._database.read(lambda session: session.clock())

    def overdue(self, *, limit: int) -> list[OverdueHold]:
        def read(session: Session) -> list[OverdueHold]:
            lines = LineRow.select(fn.COUNT(LineRow.line_no)).where(LineRow.order_id == WaitingRow.order_id)
            wanted = WaitingRow.select(WaitingRow.order_id, lines.alias("lines")).where(*_is_overdue(session))
            wanted = wanted.order_by(WaitingRow.due_at).limit(limit).tuples()
            with session.index_walk():
                return [OverdueHold(order_id=order_id, lines=count) for order_id, count in wanted.execute(session)]

        return self._database.read(read)

    def count_overdue(self) -> int:
        def count(session: Session) -> int:
            found = WaitingRow.select(WaitingRow.order_id).where(*_is_overdue(session)).limit(OVERDUE_COUNTED_MAX)
            with session.index_walk():
                return int(found.count(session))

        return self._database.read(count)

    def expire(self, order_ids: Sequence[UUID], *, stamp: Stamp) -> list[UUID]:
        if not order_ids:
            return []
        look_up = {"order_ids": [str(order_id) for order_id in order_ids]}
        return self._database.write(lambda session: self._expire(session, sorted(order_ids), stamp), look_up=look_up)

    def lease(self, holder: str, *, seconds: float) -> bool:
        return self._lease.take(holder, seconds=seconds)

    def release(self, holder: str) -> None:
        self._lease.release(holder)

    def _expire(self, session: Session, order_ids: Sequence[UUID], stamp: Stamp) -> Written[list[UUID]]:
        versions = _locked(session, order_ids)
        if not versions:
            return nothing_written([])
        holdings = holdings_of(session, list(versions), may_have_returned=False)
        changes = [expiry(order_id, version, holdings[order_id]) for order_id, version in versions.items()]
        expired = list(versions)
        moved = {"status": OrderStatus.EXPIRED.value, "version": OrderRow.version + 1, "updated_at": stamp.at}
        OrderRow.update(moved).where(OrderRow.id.in_(expired)).execute(session)
        WaitingRow.delete().where(WaitingRow.order_id.in_(expired)).execute(session)
        events = [event for change in changes for event in change.events]
        self._ledger.write(
            session,
            movements=[(movement, stamp) for change in changes for movement in change.movements],
            events=[(event, stamp) for event in events],
        )

        def was_committed(later: Session) -> bool:
            """Look for one event, once nobody has its order locked: all were written, or none."""
            return lock_order(later, expired[0], None) is not None and has_event(later, events[0], stamp)

        return Written(result=expired, was_committed=was_committed)


def _locked(session: Session, order_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Lock those of the orders that are held and overdue, and not locked; return their versions, by id."""
    waiting = WaitingRow.select(WaitingRow.order_id).where(
        WaitingRow.order_id.in_(list(order_ids)), is_to_be_confirmed_by_itself(), _is_due(session)
    )
    waiting = session.locking_free(waiting.order_by(WaitingRow.order_id))
    due = [row.order_id for row in waiting.execute(session)]
    if not due:
        return {}
    held = OrderRow.select(OrderRow.id, OrderRow.version, OrderRow.status).where(OrderRow.id.in_(due))
    rows = session.locking(held.order_by(OrderRow.id)).execute(session)
    return {row.id: row.version for row in rows if row.status == OrderStatus.HELD.value}


def _is_overdue(session: Session) -> tuple[peewee.Expression, peewee.Expression]:
    return is_to_be_confirmed(), _is_due(session)


def _is_due(session: Session) -> peewee.Expression:
    due: peewee.Expression = WaitingRow.due_at <= session.time_from_now(0)
    return due
