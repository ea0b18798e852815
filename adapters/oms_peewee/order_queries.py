"""Queries for orders, by id or by the filter of a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial, reduce
from uuid import UUID

import peewee

from oms_core.domain.identifiers import uuid7_floor
from oms_core.domain.limits import ORDER_LINES_MAX
from oms_core.domain.orders.order import Holding, LineAllocation, Order, OrderFilter, allocations_of, orders_within
from oms_core.domain.orders.shipments import Standing
from oms_core.domain.orders.statuses import MAY_HAVE_RETURNED, MAY_HAVE_SHIPPED, SHIPPABLE
from oms_core.domain.stock.products import MovementKind
from oms_peewee.location_queries import unshippable_locations
from oms_peewee.order_models import LineRow, OrderRow, WaitingRow
from oms_peewee.return_rows import returns_of
from oms_peewee.rows import LINE_COLUMNS, ORDER_COLUMNS, Row, lines_of, order_of, rows_of
from oms_peewee.session import Session
from oms_peewee.shipment_rows import shipments_of

_ORDERS = f"SELECT {ORDER_COLUMNS} FROM orders WHERE"  # noqa: S608  Only constants are put in.
_LINES = f"SELECT {LINE_COLUMNS} FROM order_lines WHERE order_id"  # noqa: S608  Only a constant is put in.
# What came back counts where it was shipped from: by the lines of returns, or the rows of a release that had none.
_MOVED = f"""SELECT order_id, line_no, sku, location, reserved_delta AS reserved,
    CASE kind WHEN '{MovementKind.RETURN}' THEN 0 ELSE -on_hand_delta END AS shipped,
    CASE kind WHEN '{MovementKind.RETURN}' THEN on_hand_delta ELSE 0 END AS returned
  FROM stock_movements
  WHERE order_id {{among}} AND (act_id IS NULL OR kind <> '{MovementKind.RETURN}')"""  # noqa: S608  Only constants.
HOLDING_ENTRIES = f"""{_MOVED}
  UNION ALL
  SELECT order_id, line_no, sku, shipped_from, 0, 0, quantity FROM return_lines WHERE order_id {{among}}"""  # noqa: S608
_HOLDINGS = """SELECT CAST(order_id AS text), line_no, sku, location,
  CAST(sum(reserved) AS bigint), CAST(sum(shipped) AS bigint), CAST(sum(returned) AS bigint)
FROM ({entries}) AS entries
GROUP BY order_id, line_no, sku, location ORDER BY 1, 2, 4"""
_LOWEST_ID = UUID(int=0)
# Written as in the index.
_FAILURE_CODE = peewee.Expression(OrderRow.failure, "->>", peewee.SQL("'code'"))


def find_order(session: Session, order_id: UUID, owner: str | None) -> Order | None:
    """Read one order that the owner (None: anybody) may see."""
    return _one(session, order_id, owner)


def row_locked_order(session: Session, order_id: UUID, owner: str | None) -> Order | None:
    """Lock the row of one order and read it as it then is."""
    return _one(session, order_id, owner, session.row_lock)


def row_locked_orders(session: Session, order_ids: Sequence[UUID], owner: str | None) -> dict[UUID, Order]:
    """Lock the rows of those of these orders that the owner may see, by id, and read them as they then are."""
    among, ids = session.among([str(order_id) for order_id in order_ids])
    seen, params = ("", []) if owner is None else (" AND customer_id = ?", [owner])
    sql = f"{_ORDERS} id {among}{seen} ORDER BY id {session.row_lock}"
    return {order.id: order for order in _with_lines(session, rows_of(session, sql, [ids, *params]))}


def has_order(session: Session, order_id: UUID, owner: str | None) -> bool:
    """Return whether there is such an order that the owner may see."""
    condition, params = order_seen_by(order_id, owner)
    return bool(rows_of(session, f"SELECT 1 FROM orders WHERE {condition}", params))  # noqa: S608  Only its form.


def order_seen_by(order_id: UUID, owner: str | None) -> tuple[str, list[object]]:
    """Return the condition that is met by this order where the owner (None: anybody) may see it; its parameters."""
    if owner is None:
        return "id = ?", [str(order_id)]
    return "id = ? AND customer_id = ?", [str(order_id), owner]


def orders_of(session: Session, order_ids: Sequence[UUID]) -> dict[UUID, Order]:
    """Read orders by id."""
    among, ids = session.among([str(order_id) for order_id in order_ids])
    rows = rows_of(session, f"{_ORDERS} id {among}", [ids])
    return {order.id: order for order in _with_lines(session, rows)}


def order_page(
    session: Session, wanted: OrderFilter, after: UUID | None, limit: int, lines_max: int | None
) -> list[Order]:
    """Read orders in the order of their ids, beyond `after`, up to the one whose lines reach `lines_max`."""
    page = _page(session, wanted, after, limit)
    # Bounded twice, or a join could walk the key from its end to the cursor.
    query = OrderRow.select(peewee.SQL(ORDER_COLUMNS)).where(
        OrderRow.id.in_(page), *_bounds(OrderRow.id, wanted, after)
    )
    query = query.order_by(_sorted_by(OrderRow.id, wanted)).limit(limit)
    rows = session.execute(query).fetchall()  # type: ignore[no-untyped-call]
    if lines_max is None:
        return _with_lines(session, rows)
    # The last order has all of its lines.
    direction = "ASC" if wanted.oldest_first else "DESC"
    end = f"ORDER BY order_id {direction}, line_no LIMIT {lines_max + ORDER_LINES_MAX}"
    return list(orders_within(_with_lines(session, rows, end), lines_max))


def is_ordered(session: Session, sku: str) -> bool:
    """Return whether an order has a line of a product, or had one that was removed."""
    return LineRow.select(LineRow.order_id).where(LineRow.sku == sku).limit(1).first(session) is not None


def holdings_of(session: Session, order_ids: Sequence[UUID], *, may_have_returned: bool) -> dict[UUID, list[Holding]]:
    """Sum what each of these orders holds, by line and location. Where none `may_have_returned`, no return is read."""
    among, ids = session.among([str(order_id) for order_id in order_ids])
    entries = HOLDING_ENTRIES if may_have_returned else _MOVED
    sql = _HOLDINGS.format(entries=entries.format(among=among))
    held: dict[UUID, list[Holding]] = {order_id: [] for order_id in order_ids}
    params = [ids, ids] if may_have_returned else [ids]
    for order_id, line_no, sku, location, *units in rows_of(session, sql, params):
        reserved, shipped, came_back = units
        holding = Holding(
            line_no=line_no, sku=sku, location=location, reserved=reserved, shipped=shipped, returned=came_back
        )
        held[UUID(order_id)].append(holding)
    return held


def standing_of(session: Session, orders: Iterable[Order], at: datetime) -> list[tuple[Order, Standing]]:
    """Read how orders stand, beside each: what it holds, and its shipments and returns. No count of a level is read."""
    orders = list(orders)
    if not orders:
        return []
    returning = [order.id for order in orders if order.status in MAY_HAVE_RETURNED]
    held = holdings_of(session, [order.id for order in orders], may_have_returned=bool(returning))
    shipped = shipments_of(session, [order.id for order in orders if order.status in MAY_HAVE_SHIPPED])
    returned = returns_of(session, returning) if returning else {}
    may_ship = any(order.status in SHIPPABLE for order in orders)
    told = partial(Standing, at=at, unshippable=unshippable_locations(session) if may_ship else frozenset())
    return [
        (
            order,
            told(holdings=held[order.id], shipments=shipped.get(order.id, ()), returns=returned.get(order.id, ())),
        )
        for order in orders
    ]


def find_allocations(session: Session, order_ids: Sequence[UUID]) -> dict[UUID, list[LineAllocation]]:
    """Read from where each line of these orders is served."""
    held = holdings_of(session, order_ids, may_have_returned=True)
    served = {order_id: allocations_of(holdings) for order_id, holdings in held.items()}
    return {order_id: allocations for order_id, allocations in served.items() if allocations}


def seen_by(session: Session, order_ids: Sequence[UUID], owner: str | None) -> Sequence[UUID]:
    """Return those of the orders that the owner (None: anybody) may see."""
    if owner is not None:
        seen = OrderRow.select(OrderRow.id).where(OrderRow.id.in_(list(order_ids)), OrderRow.customer_id == owner)
        return [order_id for (order_id,) in seen.tuples().execute(session)]
    return order_ids


def _one(session: Session, order_id: UUID, owner: str | None, lock: str = "") -> Order | None:
    condition, params = order_seen_by(order_id, owner)
    rows = rows_of(session, f"{_ORDERS} {condition} {lock}", params)
    return next(iter(_with_lines(session, rows)), None)


def _with_lines(session: Session, rows: Sequence[Row], end: str = "ORDER BY order_id, line_no") -> list[Order]:
    if not rows:
        return []
    order_ids = [row[0] for row in rows]
    among, ids = session.among(order_ids)
    lines = lines_of(rows_of(session, f"{_LINES} {among} {end}", [ids]), order_ids)
    return [order_of(row, lines[row[0]]) for row in rows]


def _page(session: Session, wanted: OrderFilter, after: UUID | None, limit: int) -> peewee.SelectBase:
    """Select ids such that each form reads one index from the cursor on, and no more than the page needs."""
    if wanted.sku is not None:
        return _page_of_sku(session, wanted, after, limit)
    statuses = sorted(wanted.statuses)
    indexed = (wanted.customer_id, wanted.reference, wanted.failure_code, wanted.hold_before)
    has_index = any(each is not None for each in indexed)
    if len(statuses) > 1 and not has_index:
        pages = [_page_of_status(wanted, status, after, limit) for status in statuses]
        return reduce(lambda left, right: left.union_all(right), pages)
    bounds = _bounds(OrderRow.id, wanted, after)
    page = OrderRow.select(OrderRow.id).where(*bounds, *_conditions(wanted))
    page = page.order_by(_sorted_by(OrderRow.id, wanted))
    if wanted.customer_id is None or wanted.reference is not None or wanted.failure_code is not None:
        return page.limit(limit)
    return session.by_period(page, OrderRow.id, bounds, limit=limit, oldest_first=wanted.oldest_first)


def _page_of_sku(session: Session, wanted: OrderFilter, after: UUID | None, limit: int) -> peewee.SelectBase:
    bounds = _bounds(LineRow.order_id, wanted, after)
    page = LineRow.select(LineRow.order_id).distinct().where(LineRow.sku == wanted.sku, LineRow.quantity > 0, *bounds)
    if conditions := _conditions(wanted):
        page = page.join(OrderRow, on=(OrderRow.id == LineRow.order_id)).where(*conditions)
    page = page.order_by(_sorted_by(LineRow.order_id, wanted))
    of_orders = _bounds(OrderRow.id, wanted, after)
    return session.by_period(page, LineRow.order_id, of_orders, limit=limit, oldest_first=wanted.oldest_first)


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
    if wanted.hold_before is not None:
        held = WaitingRow.select(WaitingRow.order_id).where(WaitingRow.waits_for == "confirm")
        conditions.append(OrderRow.id.in_(held.where(WaitingRow.due_at < wanted.hold_before)))
    if wanted.customer_id is not None:
        conditions.append(OrderRow.customer_id == wanted.customer_id)
    if wanted.reference is not None:
        conditions.append(OrderRow.reference == wanted.reference)
    if wanted.failure_code is not None:
        code = peewee.Expression(_FAILURE_CODE, "=", wanted.failure_code)
        conditions += [OrderRow.failure.is_null(False), code]
    return conditions
