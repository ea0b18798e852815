"""What placing, queueing and settling orders on SQLite have in common: the statements that read and write orders."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from oms_core.domain.money import to_ten_thousandths
from oms_core.domain.orders.placement import Demand, EnteredAs, KeyedOrder, Placement
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.products import Product
from oms_peewee.fields import ENTERED_AS, ENTRY_CODES, to_microseconds
from oms_peewee.rows import products_of
from oms_peewee.sqlite.connections import SqliteSession

_READ_PRODUCTS = """SELECT p.sku, p.name, p.low_stock_threshold, p.updated_at,
  l.location, l.on_hand, l.reserved, l.version, l.updated_at
FROM products AS p LEFT JOIN stock_levels AS l ON l.sku = p.sku
WHERE p.sku IN (SELECT value FROM json_each(?)) ORDER BY p.sku, l.location"""
_READ_KEY = """SELECT id, fingerprint, accepted_status FROM orders
WHERE caller = ? AND idempotency_key = ?"""
_READ_IDS = "SELECT id FROM orders WHERE id IN (SELECT value FROM json_each(?))"
_INSERT_ORDER = """INSERT INTO orders (id, customer_id, reference, currency, total_e4, metadata,
  caller, idempotency_key, fingerprint, created_at, updated_at, queue_no, status, accepted_status)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_INSERT_LINE = """INSERT INTO order_lines (order_id, line_no, sku, quantity, unit_price_e4)
VALUES (?, ?, ?, ?, ?)"""


def read_products(session: SqliteSession, orders: Iterable[Demand]) -> Mapping[str, Product]:
    """Read the products ordered with their levels."""
    skus = sorted({line.sku for order in orders for line in order.lines})
    rows = session.execute_sql(_READ_PRODUCTS, (json.dumps(skus),))
    return {product.sku: product for product in products_of(rows)}


def read_keyed_orders(session: SqliteSession, placements: Sequence[Placement]) -> Mapping[tuple[str, str], KeyedOrder]:
    """Read the orders that carry the keys of these."""
    keys = [placement.key for placement in placements if placement.key is not None]
    return {key: found for key in keys if (found := _keyed_order(session, key)) is not None}


def written_ids(session: SqliteSession, placements: Sequence[Placement]) -> set[UUID]:
    """Tell which orders are there."""
    ids = json.dumps([str(placement.id) for placement in placements])
    return {UUID(order_id) for (order_id,) in session.execute_sql(_READ_IDS, (ids,))}


def insert_orders(
    session: SqliteSession,
    placements: Sequence[Placement],
    *,
    status: OrderStatus,
    entered_as: EnteredAs,
    numbers: Sequence[int | None] = (),
) -> None:
    """Write orders and lines; `numbers` are their queue numbers, in this order."""
    numbers = numbers or [None] * len(placements)
    rows = [
        _order_row(placement, status, entered_as, queue_no)
        for placement, queue_no in zip(placements, numbers, strict=True)
    ]
    session.execute_many(_INSERT_ORDER, rows)
    session.execute_many(_INSERT_LINE, [row for placement in placements for row in _line_rows(placement)])


def _keyed_order(session: SqliteSession, key: tuple[str, str]) -> KeyedOrder | None:
    row = session.execute_sql(_READ_KEY, key).fetchone()
    if row is None:
        return None
    order_id, fingerprint, code = row
    return KeyedOrder(order_id=UUID(order_id), fingerprint=fingerprint, entered_as=ENTERED_AS[code])


def _order_row(
    placement: Placement, status: OrderStatus, entered_as: EnteredAs, queue_no: int | None
) -> tuple[object, ...]:
    command, created_at = placement.command, to_microseconds(placement.created_at)
    total = None if placement.total is None else to_ten_thousandths(placement.total)
    what = (str(placement.id), command.customer_id, command.reference, placement.currency, total)
    who = (json.dumps(dict(command.metadata)), placement.caller_name, command.idempotency_key, placement.fingerprint)
    return (*what, *who, created_at, created_at, queue_no, status.value, ENTRY_CODES[entered_as])


def _line_rows(placement: Placement) -> list[tuple[object, ...]]:
    order_id = str(placement.id)
    rows: list[tuple[object, ...]] = []
    for line_no, line in enumerate(placement.command.lines, start=1):
        unit_price = None if line.unit_price is None else to_ten_thousandths(line.unit_price)
        rows.append((order_id, line_no, line.sku, line.quantity, unit_price))
    return rows
