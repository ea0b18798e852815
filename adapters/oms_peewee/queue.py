"""QueueStorage: accepted orders that wait to be placed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee
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
from oms_peewee.models import OrderRow
from oms_peewee.order_queries import orders_of
from oms_peewee.order_writer import OrderWriter
from oms_peewee.session import Session
from oms_peewee.settlement import QueueSettler
from oms_peewee.written import Written, nothing_written

_LONG_AGO_SECONDS = 366 * 86_400.0
_WAITING = OrderRow.select(OrderRow.id, OrderRow.attempts, OrderRow.queue_no, OrderRow.version)


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
        def find(session: Session) -> list[OrderRow]:
            wanted = _WAITING.where(OrderRow.id.in_(list(order_ids)), _is_queued_by_itself())
            found = session.locking_free(wanted).execute(session)
            return sorted(found, key=lambda row: row.queue_no)

        return self._claim(find, lease_seconds) if order_ids else []

    def sweep(self, *, older_than_seconds: float, limit: int, lease_seconds: float) -> list[Claim]:
        # The clocks of writers and database may differ, so orders of any age are asked for without a bound.
        age = older_than_seconds or -_LONG_AGO_SECONDS

        def find(session: Session) -> list[OrderRow]:
            is_due = OrderRow.due_at.is_null() | (OrderRow.due_at <= session.time_from_now(0))
            is_old = OrderRow.updated_at <= session.time_from_now(-age)
            wanted = _WAITING.where(_is_queued(), is_due, is_old).order_by(OrderRow.queue_no).limit(limit)
            with session.index_walk():
                return list(session.locking_free(wanted).execute(session))

        return self._claim(find, lease_seconds)

    def unclaim(self, claims: Sequence[Claim]) -> None:
        def unclaim(session: Session) -> Written[None]:
            held = _held(session, claims)
            if not held:
                return nothing_written(None)
            taken_back = OrderRow.update(attempts=OrderRow.attempts - 1, due_at=None)
            taken_back.where(OrderRow.id.in_(list(held))).execute(session)
            return Written(result=None, was_committed=lambda later: not _unchanged(later, held), is_small=True)

        if claims:
            self._database.write(unclaim, look_up={})

    def settled(self, order_ids: Sequence[UUID]) -> list[Order]:
        def read(session: Session) -> list[Order]:
            wanted = OrderRow.select(OrderRow.id).where(OrderRow.id.in_(list(order_ids)), ~_is_queued())
            found = [row.id for row in wanted.execute(session)]
            return list(orders_of(session, found).values()) if found else []

        return self._database.read(read) if order_ids else []

    def sample(self) -> QueueSample:
        def look(session: Session) -> QueueSample:
            with session.index_walk():
                return _sample(session)

        return self._database.read(look)

    def _claim(self, find: Callable[[Session], Sequence[OrderRow]], lease_seconds: float) -> list[Claim]:
        def claim(session: Session) -> Written[list[Claim]]:
            found = find(session)
            taken = found[: claimed_together([row.attempts for row in found])]
            claims = [Claim(order_id=row.id, attempts=row.attempts + 1) for row in taken]
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
    counted = OrderRow.update(attempts=OrderRow.attempts + 1, due_at=session.time_from_now(lease_seconds))
    mine = counted.where(OrderRow.id.in_([claim.order_id for claim in claims])).returning(OrderRow.due_at)
    due_at: datetime = next(iter(mine.execute(session))).due_at
    return due_at


def _still_claimed(session: Session, taken: Sequence[OrderRow], due_at: datetime) -> list[Claim]:
    """Return the orders taken that still wait and whose try was counted. Wait for whoever has them locked.

    An order that somebody else has claimed or put off since has its try counted once.
    """
    present = _locked(session, [row.id for row in taken])
    return [
        Claim(order_id=before.id, attempts=now.attempts)
        for before in taken
        if (now := present.get(before.id)) is not None and _is_counted(before, now, due_at)
    ]


def _locked(session: Session, order_ids: Sequence[UUID]) -> dict[UUID, OrderRow]:
    """Lock those of the orders that are queued."""
    columns = (OrderRow.id, OrderRow.attempts, OrderRow.version, OrderRow.due_at)
    wanted = OrderRow.select(*columns).where(OrderRow.id.in_(list(order_ids)), _is_queued_by_itself())
    return {row.id: row for row in session.locking(wanted.order_by(OrderRow.id)).execute(session)}


def _held(session: Session, claims: Sequence[Claim]) -> dict[UUID, OrderRow]:
    """Lock the orders that are as their claims have left them."""
    tried = {claim.order_id: claim.attempts for claim in claims}
    return {id: row for id, row in _locked(session, list(tried)).items() if row.attempts == tried[id]}


def _unchanged(session: Session, before: Mapping[UUID, OrderRow]) -> bool:
    """Return whether one of the orders is as it was `before`; wait for whoever has them locked."""
    return any(
        (row.attempts, row.version, row.due_at) == (before[id].attempts, before[id].version, before[id].due_at)
        for id, row in _locked(session, list(before)).items()
    )


def _is_counted(before: OrderRow, now: OrderRow, due_at: datetime) -> bool:
    if now.attempts != before.attempts + 1:
        return bool(now.attempts > before.attempts)
    return bool(now.due_at == due_at or now.version > before.version)


def _is_queued() -> peewee.Expression:
    # A literal, so that the index of queued orders is used.
    return peewee.Expression(OrderRow.status, "=", peewee.SQL("'queued'"))


def _is_queued_by_itself() -> peewee.Expression:
    # Written so that the index is not used: it may hold a million orders, of which a few are wanted.
    return OrderRow.status.concat("") == OrderStatus.QUEUED.value


def _sample(session: Session) -> QueueSample:
    waiting = OrderRow.select(OrderRow.queue_no).where(_is_queued()).order_by(OrderRow.queue_no)
    numbers = [number for (number,) in waiting.limit(POSITIONS_EXACT_MAX).tuples().execute(session)]
    last = OrderRow.select(fn.MAX(OrderRow.queue_no)).where(_is_queued()).scalar(session)
    oldest = OrderRow.select().where(_is_queued()).order_by(OrderRow.queue_no).first(session)
    return QueueSample(
        numbers=numbers,
        last_number=last,
        oldest_since=None if oldest is None else oldest.updated_at,
        failed=_count(session, OrderStatus.FAILED),
        rejected=_count(session, OrderStatus.REJECTED),
    )


def _count(session: Session, status: OrderStatus) -> int:
    page = OrderRow.select(OrderRow.id).where(OrderRow.status == status.value).limit(POSITIONS_EXACT_MAX)
    return int(page.count(session))
