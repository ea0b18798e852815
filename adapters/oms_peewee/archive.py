"""ArchiveStorage: finished orders are read whole, and removed with what the ledger and the history have of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee
from peewee import fn

from oms_core.domain.callers import Caller
from oms_core.domain.events import Event
from oms_core.domain.identifiers import uuid7_floor
from oms_core.domain.orders.archiving import FINISHED, ArchivedOrder, add_up, openings
from oms_core.domain.stamps import Stamp
from oms_core.domain.stock.ledger import LevelId
from oms_core.domain.stock.products import Movement, MovementKind
from oms_peewee.database import Database
from oms_peewee.models import EventRow, MovementRow, OutboxRow
from oms_peewee.order_models import LineRow, OrderRow, ReturnLineRow, ReturnRow, ShipmentRow
from oms_peewee.order_queries import orders_of
from oms_peewee.return_rows import returns_of
from oms_peewee.rows import EVENT_COLUMNS, MOVEMENT_COLUMNS, event_of, movement_of, rows_of
from oms_peewee.session import Session
from oms_peewee.shipment_rows import shipments_of
from oms_peewee.written import Written, nothing_written

_LOWEST_ID = UUID(int=0)
_MOVEMENTS = f"SELECT {MOVEMENT_COLUMNS} FROM stock_movements WHERE order_id"  # noqa: S608  Only a constant is put in.
_EVENTS = f"SELECT {EVENT_COLUMNS} FROM events WHERE order_id"  # noqa: S608  Only a constant is put in.
_STATUSES = sorted(status.value for status in FINISHED)

# A literal, so that the index of openings is used: it is short, and the ids of the ledger have none of their own.
_IS_OPENING = peewee.Expression(MovementRow.kind, "=", peewee.SQL(f"'{MovementKind.OPENING}'"))


class PeeweeArchive:
    """ArchiveStorage on both databases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def finished(self, *, before: datetime, after: UUID | None, limit: int) -> list[ArchivedOrder]:
        return self._database.read(lambda session: _finished(session, before, after, limit))

    def remove(self, versions: Mapping[UUID, int], *, caller: Caller, now: datetime) -> frozenset[UUID]:
        stamp = Stamp.of(caller, now)
        return self._database.write(
            lambda session: _remove(session, versions, stamp),
            look_up={"order_ids": [str(order_id) for order_id in versions]},
        )


def _finished(session: Session, before: datetime, after: UUID | None, limit: int) -> list[ArchivedOrder]:
    # What was changed before was placed before: the ids bound the walk.
    page = OrderRow.select(OrderRow.id).where(
        OrderRow.id > (after or _LOWEST_ID),
        OrderRow.id < uuid7_floor(before),
        OrderRow.status.in_(_STATUSES),
        OrderRow.updated_at < before,
    )
    with session.index_walk():
        ids = [order_id for (order_id,) in page.order_by(OrderRow.id).limit(limit).tuples().execute(session)]
    if not ids:
        return []
    orders = orders_of(session, ids)  # First: whatever changes afterwards has another version.
    shipments, returns = shipments_of(session, ids), returns_of(session, ids)
    among, texts = session.among([str(order_id) for order_id in ids])
    movements = _by_order(movement_of(row) for row in rows_of(session, f"{_MOVEMENTS} {among} ORDER BY id", [texts]))
    events = _by_order(event_of(row) for row in rows_of(session, f"{_EVENTS} {among} ORDER BY id", [texts]))
    return [
        ArchivedOrder(
            order=orders[order_id],
            movements=tuple(movements.get(order_id, ())),
            events=tuple(events.get(order_id, ())),
            shipments=tuple(shipments.get(order_id, ())),
            returns=tuple(returns.get(order_id, ())),
        )
        for order_id in ids
        if order_id in orders
    ]


def _remove(session: Session, versions: Mapping[UUID, int], stamp: Stamp) -> Written[frozenset[UUID]]:
    present = _locked(session, versions)
    gone = frozenset(versions) - present.keys()
    wanted = [order_id for order_id, version in present.items() if version == versions[order_id]]
    wanted = _without_open_ends(session, wanted)
    if not wanted:
        return nothing_written(gone)
    levels = _sums(session, wanted)
    replaced = _openings_of(session, [level for level, on_hand in levels.items() if on_hand])
    counted = [*levels.items(), *((level, on_hand) for _, level, on_hand in replaced)]
    if replaced:
        of_ids = MovementRow.id.in_([row_id for row_id, _, _ in replaced])
        MovementRow.delete().where(_IS_OPENING, of_ids).execute(session)
    for model, column in (
        (MovementRow, MovementRow.order_id),
        (EventRow, EventRow.order_id),
        (LineRow, LineRow.order_id),
        (ShipmentRow, ShipmentRow.order_id),
        (ReturnLineRow, ReturnLineRow.order_id),
        (ReturnRow, ReturnRow.order_id),
        (OrderRow, OrderRow.id),
    ):
        _delete(session, model, column, wanted)
    _write_openings(session, add_up(counted), stamp)
    return Written(result=gone | frozenset(wanted), was_committed=lambda later: not _locked(later, wanted))


def _locked(session: Session, order_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Lock those of the orders that are there and finished; return their versions."""
    there = OrderRow.select(OrderRow.id, OrderRow.version, OrderRow.status).where(OrderRow.id.in_(list(order_ids)))
    rows = session.locking(there.order_by(OrderRow.id)).execute(session)
    # One that is open again is at another version; 0 is none.
    return {row.id: row.version if row.status in _STATUSES else 0 for row in rows}


def _without_open_ends(session: Session, order_ids: Sequence[UUID]) -> list[UUID]:
    """Leave out the orders that still reserve something somewhere, or whose events are to be published."""
    if not order_ids:
        return []
    of_orders = MovementRow.order_id.in_(list(order_ids))
    reserving = MovementRow.select(MovementRow.order_id).where(of_orders)
    reserving = reserving.group_by(MovementRow.order_id, MovementRow.sku, MovementRow.location)
    reserving = reserving.having(fn.SUM(MovementRow.reserved_delta) != 0)
    unpublished = EventRow.select(EventRow.order_id).join(OutboxRow, on=(OutboxRow.event_id == EventRow.id))
    unpublished = unpublished.where(EventRow.order_id.in_(list(order_ids)))
    open_ends = {row.order_id for query in (reserving, unpublished) for row in query.execute(session)}
    return [order_id for order_id in order_ids if order_id not in open_ends]


def _sums(session: Session, order_ids: Sequence[UUID]) -> dict[LevelId, int]:
    """Sum what the orders' rows have changed the count on hand of each level by."""
    of_level = (MovementRow.sku, MovementRow.location)
    sums = MovementRow.select(*of_level, fn.SUM(MovementRow.on_hand_delta).cast("BIGINT"))
    rows = sums.where(MovementRow.order_id.in_(list(order_ids))).group_by(*of_level).tuples().execute(session)
    return {(sku, location): on_hand for sku, location, on_hand in rows}


def _openings_of(session: Session, levels: Sequence[LevelId]) -> list[tuple[int, LevelId, int]]:
    """Lock the openings that the products of levels have; return the id, the level and the units of those levels'."""
    if not levels:
        return []
    columns = (MovementRow.id, MovementRow.sku, MovementRow.location, MovementRow.on_hand_delta)
    found = MovementRow.select(*columns).where(_IS_OPENING, MovementRow.sku.in_(sorted({sku for sku, _ in levels})))
    found = session.locking(found.order_by(MovementRow.sku, MovementRow.location, MovementRow.id))
    rows = [(row.id, (row.sku, row.location), row.on_hand_delta) for row in found.execute(session)]
    wanted = set(levels)
    return [row for row in rows if row[1] in wanted]


def _write_openings(session: Session, sums: Mapping[LevelId, int], stamp: Stamp) -> None:
    rows: list[dict[Any, object]] = [
        {
            MovementRow.sku: row.sku,
            MovementRow.location: row.location,
            MovementRow.kind: row.kind.value,
            MovementRow.on_hand_delta: row.on_hand_delta,
            MovementRow.reserved_delta: 0,
            MovementRow.reason: row.reason,
            MovementRow.actor: stamp.actor,
            MovementRow.created_at: stamp.at,
        }
        for row in openings(sums)
    ]
    for chunk in peewee.chunked(rows, 500):
        MovementRow.insert_many(chunk).execute(session)


def _delete(session: Session, model: Any, column: peewee.Field, values: Sequence[object]) -> None:
    if values:
        model.delete().where(column.in_(list(values))).execute(session)


def _by_order(entries: Iterable[Movement] | Iterable[Event]) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = {}
    for entry in entries:
        order_id = entry.movement.order_id if isinstance(entry, Movement) else entry.event.order_id
        if order_id is not None:
            found.setdefault(order_id, []).append(entry)
    return found
