"""Rows as domain objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from oms_core.domain.events import Event, EventType, NewEvent
from oms_core.domain.orders.details import LATER_NAMES
from oms_core.domain.orders.order import Order, OrderFailure, PlacedLine
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.products import Movement, MovementKind, NewMovement, Product, StockLevel
from oms_peewee.fields import read_time
from oms_peewee.models import EventRow, LineRow, MovementRow, OrderRow


def products_of(rows: Iterable[tuple[Any, ...]]) -> list[Product]:
    """Read products from rows (sku, name, low_stock_threshold, updated_at, location, on_hand, reserved, version,
    level_updated_at), ordered by sku and location; a product without levels has one row, whose location is None.

    A product is as new as its newest level: placing an order touches levels only.
    """
    return [_product([*group]) for _, group in groupby(rows, key=itemgetter(0))]


def order_of(row: OrderRow, lines: Sequence[PlacedLine]) -> Order:
    """Read an order."""
    failure: Any = row.failure
    return Order(
        id=row.id,
        status=OrderStatus(row.status),
        currency=row.currency,
        lines=tuple(lines),
        total=row.total,
        failure=None if failure is None else OrderFailure.read(failure),
        attempts=row.attempts,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        queue_no=row.queue_no,
        customer_id=row.customer_id,
        reference=row.reference,
        metadata=row.metadata,
        **{name: getattr(row, name) for name in LATER_NAMES},
    )


def line_of(row: LineRow) -> PlacedLine:
    """Read a line."""
    return PlacedLine(line_no=row.line_no, sku=row.sku, quantity=row.quantity, unit_price=row.unit_price)


def movement_of(row: MovementRow) -> Movement:
    """Read a ledger row."""
    movement = NewMovement(
        sku=row.sku,
        location=row.location,
        kind=MovementKind(row.kind),
        on_hand_delta=row.on_hand_delta,
        reserved_delta=row.reserved_delta,
        order_id=row.order_id,
        line_no=row.line_no,
        reason=row.reason,
        reference=row.reference,
    )
    return Movement(id=row.id, movement=movement, actor=row.actor, created_at=row.created_at)


def event_of(row: EventRow) -> Event:
    """Read an event."""
    event = NewEvent(
        type=EventType(row.type),
        order_id=row.order_id,
        order_version=row.order_version,
        sku=row.sku,
        data=row.data,
    )
    return Event(id=row.id, event=event, actor=row.actor, request_id=row.request_id, created_at=row.created_at)


def _product(rows: Sequence[tuple[Any, ...]]) -> Product:
    sku, name, low_stock_threshold, updated_at, first_location = rows[0][:5]
    with_level = rows if first_location is not None else []
    return Product(
        sku=sku,
        name=name,
        low_stock_threshold=low_stock_threshold,
        levels=tuple(
            [
                StockLevel(location=location, on_hand=on_hand, reserved=reserved, version=version)
                for _, _, _, _, location, on_hand, reserved, version, _ in with_level
            ]
        ),
        updated_at=read_time(max([updated_at, *(row[-1] for row in with_level)])),
    )
