"""Queries for orders, by id or by the filter of a list."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any
from uuid import UUID

import peewee
from peewee import fn

from oms_core.domain.identifiers import uuid7_floor
from oms_core.domain.limits import ORDER_LINES_MAX
from oms_core.domain.orders.order import Holding, Order, OrderFilter, PlacedLine, orders_within
from oms_peewee.models import LevelRow, LineRow, MovementRow, OrderRow
from oms_peewee.rows import line_of, order_of
from oms_peewee.session import Session

_LOWEST_ID = UUID(int=0)
# Written as in the index.
_FAILURE_CODE = peewee.Expression(OrderRow.failure, "->>", peewee.SQL("'code'"))


def find_order(session: Session, order_id: UUID, owner: str | None) -> Order | None:
    """Read one order that the owner (None: anybody) may see."""
    return _with_lines(session, _one(order_id, owner).first(session))


def lock_order(session: Session, order_id: UUID, owner: str | None) -> Order | None:
    """Lock one order and read it as it then is."""
    return _with_lines(session, session.locking(_one(order_id, owner)).first(session))


def has_order(session: Session, order_id: UUID, owner: str | None) -> bool:
    """Return whether there is such an order that the owner may see."""
    return _one(order_id, owner).first(session) is not None


def orders_of(session: Session, order_ids: Sequence[UUID]) -> dict[UUID, Order]:
    """Read orders by id."""
    rows = OrderRow.select().where(OrderRow.id.in_(order_ids)).execute(session)
    return {order.id: order for order in _all_with_lines(session, list(rows))}


def order_page(
    session: Session, wanted: OrderFilter, after: UUID | None, limit: int, lines_max: int | None
) -> list[Order]:
    """Read orders in the order of their ids, beyond `after`, up to the one whose lines reach `lines_max`."""
    page = _page(wanted, after, limit)
    query = OrderRow.select().where(OrderRow.id.in_(page)).order_by(_sorted_by(OrderRow.id, wanted)).limit(limit)
    rows = list(query.execute(session))
    return _with_lines_within(session, rows, lines_max, wanted) if rows else []


def holdings_of(session: Session, order_id: UUID) -> list[Holding]:
    """Sum what an order holds, by line and location, and read the level's count."""
    held = (MovementRow.line_no, MovementRow.sku, MovementRow.location)
    at_level = (LevelRow.sku == MovementRow.sku) & (LevelRow.location == MovementRow.location)
    sums = (
        MovementRow.select(
            *held, _sum(MovementRow.reserved_delta), _sum(MovementRow.on_hand_delta * -1), fn.MAX(LevelRow.on_hand)
        )
        .join(LevelRow, on=at_level)
        .where(MovementRow.order_id == order_id)
        .group_by(*held)
        .order_by(*held)
        .tuples()
    )
    return [
        Holding(
            line_no=line_no,
            sku=sku,
            location=location,
            reserved=reserved,
            shipped=shipped,
            level_on_hand=on_hand,
        )
        for line_no, sku, location, reserved, shipped, on_hand in sums.execute(session)
    ]


def lock_levels(session: Session, order_id: UUID) -> None:
    """Lock the levels that an order has moved, by (sku, location)."""
    moved = MovementRow.select(MovementRow.sku, MovementRow.location).where(MovementRow.order_id == order_id)
    levels = (
        LevelRow.select(LevelRow.sku)
        .where(peewee.Tuple(LevelRow.sku, LevelRow.location).in_(moved))
        .order_by(LevelRow.sku, LevelRow.location)
    )
    session.locking(levels).execute(session)


def _one(order_id: UUID, owner: str | None) -> peewee.ModelSelect[Any]:
    wanted = OrderRow.select().where(OrderRow.id == order_id)
    return wanted if owner is None else wanted.where(OrderRow.customer_id == owner)


def _with_lines(session: Session, row: OrderRow | None) -> Order | None:
    return None if row is None else _all_with_lines(session, [row])[0]


def _with_lines_within(
    session: Session, rows: Sequence[OrderRow], lines_max: int | None, wanted: OrderFilter
) -> list[Order]:
    """Add lines to orders in the filter's order. The last order has all of its lines."""
    if lines_max is None:
        return _all_with_lines(session, rows)
    query = LineRow.select().where(LineRow.order_id.in_([row.id for row in rows]))
    query = query.order_by(_sorted_by(LineRow.order_id, wanted), LineRow.line_no).limit(lines_max + ORDER_LINES_MAX)
    lines: dict[UUID, list[PlacedLine]] = {row.id: [] for row in rows}
    for line in query.execute(session):
        lines[line.order_id].append(line_of(line))
    return list(orders_within((order_of(row, lines[row.id]) for row in rows), lines_max))


def _all_with_lines(session: Session, rows: Sequence[OrderRow]) -> list[Order]:
    ids = [row.id for row in rows]
    lines: dict[UUID, list[PlacedLine]] = {order_id: [] for order_id in ids}
    query = LineRow.select().where(LineRow.order_id.in_(ids)).order_by(LineRow.order_id, LineRow.line_no)
    for line in query.execute(session):
        lines[line.order_id].append(line_of(line))
    return [order_of(row, lines[row.id]) for row in rows]


def _page(wanted: OrderFilter, after: UUID | None, limit: int) -> peewee.SelectBase:
    """Select ids such that each form reads one index from the cursor on, and no more than the page needs."""
    if wanted.sku is not None:
        return _page_of_sku(wanted, after, limit)
    statuses = sorted(wanted.statuses)
    has_index = any(each is not None for each in (wanted.customer_id, wanted.reference, wanted.failure_code))
    if len(statuses) > 1 and not has_index:
        pages = [_page_of_status(wanted, status, after, limit) for status in statuses]
        return reduce(lambda left, right: left.union_all(right), pages)
    conditions = [*_bounds(OrderRow.id, wanted, after), *_conditions(wanted)]
    return OrderRow.select(OrderRow.id).where(*conditions).order_by(_sorted_by(OrderRow.id, wanted)).limit(limit)


def _page_of_sku(wanted: OrderFilter, after: UUID | None, limit: int) -> peewee.SelectBase:
    bounds = _bounds(LineRow.order_id, wanted, after)
    page = LineRow.select(LineRow.order_id).distinct().where(LineRow.sku == wanted.sku, *bounds)
    if conditions := _conditions(wanted):
        page = page.join(OrderRow, on=(OrderRow.id == LineRow.order_id)).where(*conditions)
    return page.order_by(_sorted_by(LineRow.order_id, wanted)).limit(limit)


def _page_of_status(wanted: OrderFilter, status: str, after: UUID | None, limit: int) -> peewee.SelectBase:
    conditions = [OrderRow.status == status, *_bounds(OrderRow.id, wanted, after)]
    page = OrderRow.select(OrderRow.id).where(*conditions).order_by(_sorted_by(OrderRow.id, wanted)).limit(limit)
    # SQLite takes ORDER BY and LIMIT inside a UNION only in a subquery.
    return peewee.Select((page,), (page.c.id,))


def _sorted_by(order_id: peewee.Field, wanted: OrderFilter) -> peewee.Node:
    return order_id.asc() if wanted.oldest_first else order_id.desc()


def _bounds(order_id: peewee.Field, wanted: OrderFilter, after: UUID | None) -> list[peewee.Expression]:
    """Bound the ids, which are UUIDv7 of created_at: a range of times is a range of them."""
    first = _LOWEST_ID if wanted.created_from is None else uuid7_floor(wanted.created_from)
    bounds = [order_id >= first]
    if after is not None:
        bounds.append(order_id > after if wanted.oldest_first else order_id < after)
    if wanted.created_to is not None:
        bounds.append(order_id < uuid7_floor(wanted.created_to))
    return bounds


def _conditions(wanted: OrderFilter) -> list[peewee.Expression]:
    conditions = []
    if wanted.statuses:
        conditions.append(OrderRow.status.in_(sorted(wanted.statuses)))
    if wanted.customer_id is not None:
        conditions.append(OrderRow.customer_id == wanted.customer_id)
    if wanted.reference is not None:
        conditions.append(OrderRow.reference == wanted.reference)
    if wanted.failure_code is not None:
        code = peewee.Expression(_FAILURE_CODE, "=", wanted.failure_code)
        conditions += [OrderRow.failure.is_null(False), code]
    return conditions


def _sum(units: peewee.Node) -> peewee.Node:
    return fn.SUM(units).cast("BIGINT")  # PostgreSQL's sum of bigint is numeric.
