"""Queries for events: an order's, and those that only one call can have written, which tell of a lost COMMIT."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from uuid import UUID

import peewee

from oms_core.domain.events import Event, EventType, NewEvent
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stamps import Stamp
from oms_peewee.models import EventRow
from oms_peewee.order_queries import order_seen_by
from oms_peewee.rows import EVENT_COLUMNS, event_of, rows_of
from oms_peewee.session import Session

_SETTLED: Mapping[str, OrderStatus] = MappingProxyType(
    {
        EventType.ORDER_PLACED.value: OrderStatus.PENDING,
        EventType.ORDER_HELD.value: OrderStatus.HELD,
        EventType.ORDER_REJECTED.value: OrderStatus.REJECTED,
    }
)
_EVENTS = f"SELECT {EVENT_COLUMNS} FROM events WHERE order_id"  # noqa: S608  Only a constant is put in.


def events_of(session: Session, order_id: UUID, owner: str | None, after: int | None, limit: int) -> list[Event]:
    """Read the events of an order by id, above `after`; none of an order that the owner may not see."""
    is_theirs, params = order_seen_by(order_id, owner)
    order = f"(SELECT id FROM orders WHERE {is_theirs})"  # noqa: S608  Only a condition of ours is put in.
    sql = f"{_EVENTS} = {order} AND id > ? ORDER BY id LIMIT ?"
    return [event_of(row) for row in rows_of(session, sql, [*params, after or 0, limit])]


def has_event(session: Session, event: NewEvent, stamp: Stamp) -> bool:
    """Return whether this event of an order was written, at this version of it and by nobody else."""
    written = EventRow.select(EventRow.id).where(
        EventRow.order_id == event.order_id,
        EventRow.order_version == event.order_version,
        EventRow.type == event.type.value,
        *_is_of(stamp),
    )
    return written.first(session) is not None


def settled_by(session: Session, order_ids: Collection[UUID], stamp: Stamp) -> dict[UUID, OrderStatus]:
    """Tell which of these orders a call has settled and how, whatever became of them since."""
    written = EventRow.select(EventRow.order_id, EventRow.type).where(
        EventRow.order_id.in_(list(order_ids)), EventRow.type.in_(list(_SETTLED)), *_is_of(stamp)
    )
    return {row.order_id: _SETTLED[row.type] for row in written.execute(session)}


def _is_of(stamp: Stamp) -> list[peewee.Expression]:
    """Compare an event's stamp. Times are exact to the microsecond, and fixed before the transaction."""
    request_id = stamp.request_id
    return [
        EventRow.actor == stamp.actor,
        EventRow.request_id.is_null() if request_id is None else EventRow.request_id == request_id,
        EventRow.created_at == stamp.at,
    ]
