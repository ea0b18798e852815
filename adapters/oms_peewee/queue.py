"""QueueStorage: accepted orders that wait to be placed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from peewee import fn

from oms_core.domain.orders.order import Order
from oms_core.domain.orders.placement import Placement, PlacementOutcome
from oms_core.domain.orders.queueing import (
    POSITIONS_EXACT_MAX,
    Claim,
    DecideAcceptance,
    QueueSample,
    Settlement,
    claimed_together,
)
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.ports.queue_storage import DecideSettlement, SettleBatch
from oms_peewee.database import Database
from oms_peewee.order_models import OrderRow, WaitingRow
from oms_peewee.order_queries import orders_of
from oms_peewee.order_writer import OrderWriter
from oms_peewee.session import Session
from oms_peewee.settlement import QueueSettler
from oms_peewee.waiting_orders import is_to_be_placed, is_to_be_placed_by_itself
from oms_peewee.written import Written, nothing_written

_LONG_AGO_SECONDS = 366 * 86_400.0


class PeeweeQueue:
    """QueueStorage on both databases."""

    def __init__(self, database: Database, writer: OrderWriter[Any], settler: QueueSettler) -> None:
        self._database = database
        self._writer = writer
        self._settler = settler

    def accept(self, placements: Sequence[Placement], decide: DecideAcceptance) -> list[PlacementOutcome]:
        return self._writer.write(placements, decide)

    def settle(self, batch: SettleBatch, decide: DecideSettlement) -> Settlement:
        return self._settler.settle(batch, decide)

    def claim(self, order_ids: Sequence[UUID], *, lease_seconds: float) -> list[Claim]:
        def find(session: Session) -> list[WaitingRow]:
            wanted = WaitingRow.select().where(WaitingRow.order_id.in_(list(order_ids)), is_to_be_placed_by_itself())
            found = session.locking_free(wanted).execute(session)
            return sorted(found, key=lambda row: row.queue_no)

        return self._claim(find, lease_seconds) if order_ids else []

    def sweep(self, *, older_than_seconds: float, limit: int, lease_seconds: float) -> list[Claim]:
        # The clocks of writers and database may differ, so orders of any age are asked for without a bound.
        age = older_than_seconds or -_LONG_AGO_SECONDS

        def find(session: Session) -> list[WaitingRow]:
            is_due = WaitingRow.due_at.is_null() | (WaitingRow.due_at <= session.time_from_now(0))
            is_old = WaitingRow.since <= session.time_from_now(-age)
            wanted = WaitingRow.select().where(is_to_be_placed(), is_due, is_old)
            # By number, not by id: nobody waits here for a row that somebody else has locked.
            wanted = session.locking_free(wanted.order_by(WaitingRow.queue_no).limit(limit))
            with session.index_walk():
                return list(wanted.execute(session))

        return self._claim(find, lease_seconds)

    def unclaim(self, claims: Sequence[Claim]) -> None:
        def unclaim(session: Session) -> Written[None]:
            held = _held(session, claims)
            if not held:
                return nothing_written(None)
            taken_back = WaitingRow.update(attempts=WaitingRow.attempts - 1, due_at=None)
            taken_back.where(WaitingRow.order_id.in_(list(held))).execute(session)
            return Written(result=None, was_committed=lambda later: not _unchanged(later, held), is_small=True)

        if claims:
            self._database.write(unclaim, look_up={})

    def settled(self, order_ids: Sequence[UUID]) -> list[Order]:
        def read(session: Session) -> list[Order]:
            is_queued = OrderRow.status == OrderStatus.QUEUED.value
            wanted = OrderRow.select(OrderRow.id).where(OrderRow.id.in_(list(order_ids)), ~is_queued)
            found = [row.id for row in wanted.execute(session)]
            return list(orders_of(session, found).values()) if found else []

        return self._database.read(read) if order_ids else []

    def sample(self) -> QueueSample:
        def look(session: Session) -> QueueSample:
            with session.index_walk():
                return _sample(session)

        return self._database.read(look)

    def _claim(self, find: Callable[[Session], Sequence[WaitingRow]], lease_seconds: float) -> list[Claim]:
        def claim(session: Session) -> Written[list[Claim]]:
            found = find(session)
            taken = found[: claimed_together([row.attempts for row in found])]
            claims = [Claim(order_id=row.order_id, attempts=row.attempts + 1) for row in taken]
            if not claims:
                return nothing_written(claims)
            due_at = _count_try(session, claims, lease_seconds)
            return Written(
                result=claims,
                was_committed=lambda later: bool(_still_claimed(later, taken, due_at)),
                as_it_is=lambda later: _still_claimed(later, taken, due_at),
                is_small=True,
            )

        return self._database.write(claim, look_up={})


def _count_try(session: Session, claims: Sequence[Claim], lease_seconds: float) -> datetime:
    """Count the try of each; return when they are due, by the database's clock."""
    counted = WaitingRow.update(attempts=WaitingRow.attempts + 1, due_at=session.time_from_now(lease_seconds))
    mine = counted.where(WaitingRow.order_id.in_([claim.order_id for claim in claims])).returning(WaitingRow.due_at)
    due_at: datetime = next(iter(mine.execute(session))).due_at
    return due_at


def _still_claimed(session: Session, taken: Sequence[WaitingRow], due_at: datetime) -> list[Claim]:
    """Return the orders taken that still wait and whose try was counted. Wait for whoever has them locked.

    An order that somebody else has claimed or put off since has its try counted once.
    """
    present = _locked(session, [row.order_id for row in taken])
    return [
        Claim(order_id=before.order_id, attempts=now.attempts)
        for before in taken
        if (now := present.get(before.order_id)) is not None and _is_counted(before, now, due_at)
    ]


def _locked(session: Session, order_ids: Sequence[UUID]) -> dict[UUID, WaitingRow]:
    """Lock those of the orders that are queued."""
    wanted = WaitingRow.select().where(WaitingRow.order_id.in_(list(order_ids)), is_to_be_placed_by_itself())
    return {row.order_id: row for row in session.locking(wanted.order_by(WaitingRow.order_id)).execute(session)}


def _held(session: Session, claims: Sequence[Claim]) -> dict[UUID, WaitingRow]:
    """Lock the orders that are as their claims have left them."""
    tried = {claim.order_id: claim.attempts for claim in claims}
    return {id: row for id, row in _locked(session, list(tried)).items() if row.attempts == tried[id]}


def _unchanged(session: Session, before: Mapping[UUID, WaitingRow]) -> bool:
    """Return whether one of the orders is as it was `before`; wait for whoever has them locked."""
    return any(
        (row.attempts, row.due_at) == (before[id].attempts, before[id].due_at) and not _was_changed(before[id], row)
        for id, row in _locked(session, list(before)).items()
    )


def _is_counted(before: WaitingRow, now: WaitingRow, due_at: datetime) -> bool:
    if now.attempts != before.attempts + 1:
        return bool(now.attempts > before.attempts)
    return bool(now.due_at == due_at or _was_changed(before, now))


def _was_changed(before: WaitingRow, now: WaitingRow) -> bool:
    """Return whether the order was changed, put off for one: to claim it is no change."""
    return (before.since, before.queue_no) != (now.since, now.queue_no)


def _sample(session: Session) -> QueueSample:
    waiting = WaitingRow.select(WaitingRow.queue_no).where(is_to_be_placed()).order_by(WaitingRow.queue_no)
    numbers = [number for (number,) in waiting.limit(POSITIONS_EXACT_MAX).tuples().execute(session)]
    last = WaitingRow.select(fn.MAX(WaitingRow.queue_no)).where(is_to_be_placed()).scalar(session)
    oldest = WaitingRow.select().where(is_to_be_placed()).order_by(WaitingRow.queue_no).first(session)
    return QueueSample(
        numbers=numbers,
        last_number=last,
        oldest_since=None if oldest is None else oldest.since,
        failed=_count(session, OrderStatus.FAILED),
        rejected=_count(session, OrderStatus.REJECTED),
    )


def _count(session: Session, status: OrderStatus) -> int:
    page = OrderRow.select(OrderRow.id).where(OrderRow.status == status.value).limit(POSITIONS_EXACT_MAX)
    return int(page.count(session))
