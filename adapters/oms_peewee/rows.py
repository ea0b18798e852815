"""Rows as domain objects: plain tuples as the driver reads them, for an instance of a model costs more than its row.

Ids and documents are read as text. psycopg2 would make objects of them one call of Python at a time, and a line does
not need the id of its order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType
from typing import Any, TypeAlias
from uuid import UUID

from oms_core.domain.events import Event, EventType, NewEvent
from oms_core.domain.money import from_ten_thousandths
from oms_core.domain.orders.details import LATER_NAMES
from oms_core.domain.orders.order import Order, OrderFailure, PlacedLine
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.products import Movement, MovementKind, NewMovement, Product, StockLevel
from oms_peewee.fields import read_time
from oms_peewee.order_models import OrderRow
from oms_peewee.session import Session

Row: TypeAlias = tuple[Any, ...]

_LATER = [(name, OrderRow._meta.fields[name]) for name in LATER_NAMES]
# Read for orders that are queued alone. `id` is that of the order: the other table has none.
_WHILE_QUEUED = """CASE status WHEN 'queued' THEN (SELECT {column} FROM waiting_orders WHERE order_id = id)
  ELSE {otherwise} END"""
ORDER_COLUMNS = ", ".join(
    (
        "CAST(id AS text), status, currency, total_e4, CAST(failure AS text)",
        _WHILE_QUEUED.format(column="attempts", otherwise="attempts"),
        "version, created_at, updated_at",
        _WHILE_QUEUED.format(column="queue_no", otherwise="NULL"),
        "hold_seconds, hold_until, hold_extensions, payment_reference",
        "customer_id, reference, CAST(metadata AS text)",
        *(field.column_name for _, field in _LATER),
    )
)
LINE_COLUMNS = "CAST(order_id AS text), line_no, sku, quantity, unit_price_e4"
MOVEMENT_COLUMNS = """id, sku, location, kind, on_hand_delta, reserved_delta, CAST(order_id AS text), line_no, reason,
  reference, actor, created_at, CAST(act_id AS text)"""
EVENT_COLUMNS = """id, type, CAST(order_id AS text), order_version, sku, CAST(data AS text), actor, request_id,
  created_at"""

_STATUSES = MappingProxyType({status.value: status for status in OrderStatus})
_KINDS = MappingProxyType({kind.value: kind for kind in MovementKind})
_TYPES = MappingProxyType({kind.value: kind for kind in EventType})
_decode = json.JSONDecoder().raw_decode


def rows_of(session: Session, sql: str, params: Sequence[object]) -> list[Row]:
    """Run a SELECT whose parameters are written ?, on every database; return its rows as the driver reads them."""
    return list(session.execute_sql(sql.replace("?", session.param), params).fetchall())


def products_of(rows: Iterable[Row]) -> list[Product]:
    """Read products from rows (sku, name, low_stock_threshold, updated_at, location, on_hand, reserved, version,
    withheld, kept_back, level_updated_at), ordered by sku and location; a product without levels has one row, whose
    location is None.

    A product is as new as its newest level: placing an order touches levels only.
    """
    return [_product([*group]) for _, group in groupby(rows, key=itemgetter(0))]


def order_of(row: Row, lines: Sequence[PlacedLine]) -> Order:
    """Read an order from its ORDER_COLUMNS."""
    id, status, currency, total_e4, failure, attempts, version, created_at, updated_at, *details = row
    queue_no, hold_seconds, hold_until, hold_extensions, payment_reference, *told = details
    customer_id, reference, metadata, *later = told
    created = read_time(created_at)
    order = Order(
        id=UUID(id),
        status=_STATUSES[status],
        currency=currency,
        lines=tuple(lines),
        total=None if total_e4 is None else from_ten_thousandths(total_e4),
        failure=None if failure is None else OrderFailure.read(_document(failure)),
        attempts=attempts,
        version=version,
        created_at=created,
        updated_at=created if updated_at == created_at else read_time(updated_at),
        queue_no=queue_no,
        hold_seconds=hold_seconds,
        hold_until=None if hold_until is None else read_time(hold_until),
        hold_extensions=hold_extensions or 0,
        payment_reference=payment_reference,
        customer_id=customer_id,
        reference=reference,
        metadata=_document(metadata),
    )
    return _with_later(order, later) if later else order


def lines_of(rows: Sequence[Row], order_ids: Iterable[str]) -> dict[str, list[PlacedLine]]:
    """Read the lines of orders from their LINE_COLUMNS, ordered by line_no. Many lines have the same price."""
    prices_e4 = {row[-1] for row in rows}
    prices = {price_e4: None if price_e4 is None else from_ten_thousandths(price_e4) for price_e4 in prices_e4}
    lines: dict[str, list[PlacedLine]] = {order_id: [] for order_id in order_ids}
    for order_id, line_no, sku, quantity, price_e4 in rows:
        lines[order_id].append(PlacedLine(line_no=line_no, sku=sku, quantity=quantity, unit_price=prices[price_e4]))
    return lines


def movement_of(row: Row) -> Movement:
    """Read a row of the ledger from its MOVEMENT_COLUMNS."""
    id, sku, location, kind, on_hand_delta, reserved_delta, order_id, line_no, *told = row
    reason, reference, actor, created_at, act_id = told
    movement = NewMovement(
        sku=sku,
        location=location,
        kind=_KINDS[kind],
        on_hand_delta=on_hand_delta,
        reserved_delta=reserved_delta,
        order_id=None if order_id is None else UUID(order_id),
        line_no=line_no,
        reason=reason,
        reference=reference,
        act_id=None if act_id is None else UUID(act_id),
    )
    return Movement(id=id, movement=movement, actor=actor, created_at=read_time(created_at))


def event_of(row: Row) -> Event:
    """Read an event from its EVENT_COLUMNS."""
    id, event_type, order_id, order_version, sku, data, actor, request_id, created_at = row
    event = NewEvent(
        type=_TYPES[event_type],
        order_id=None if order_id is None else UUID(order_id),
        order_version=order_version,
        sku=sku,
        data=_document(data),
    )
    return Event(id=id, event=event, actor=actor, request_id=request_id, created_at=read_time(created_at))


def _document(text: str) -> Any:
    return _decode(text)[0]


def _with_later(order: Order, later: Sequence[Any]) -> Order:
    if all(value is None for value in later):
        return order
    told = [(name, field.python_value(value)) for (name, field), value in zip(_LATER, later, strict=True)]
    read: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in told}
    return replace(order, **read)


def _product(rows: Sequence[Row]) -> Product:
    sku, name, low_stock_threshold, updated_at, first_location = rows[0][:5]
    with_level = rows if first_location is not None else []
    return Product(
        sku=sku,
        name=name,
        low_stock_threshold=low_stock_threshold,
        levels=tuple(
            [
                StockLevel(
                    location=location,
                    on_hand=on_hand,
                    reserved=reserved,
                    version=version,
                    withheld=withheld or 0,
                    kept_back=kept_back or 0,
                )
                for _, _, _, _, location, on_hand, reserved, version, withheld, kept_back, _ in with_level
            ]
        ),
        updated_at=read_time(max([updated_at, *(row[-1] for row in with_level)])),
    )
