"""The tables of a database, as dictionaries under one lock."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.events import Event, NewEvent, StockChange, stock_events
from oms_core.domain.orders import Holding, Order
from oms_core.domain.placement import KeyedOrder
from oms_core.domain.stock import Movement, NewMovement, Product, StockKey, StockLevel
from oms_core.errors import OmsError


@dataclass(slots=True)
class Tables:
    """What is kept. Whoever reads or writes holds `lock`, and checks everything before the first write."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    orders: dict[UUID, Order] = field(default_factory=dict)
    accepted_statuses: dict[UUID, int] = field(default_factory=dict)
    order_keys: dict[tuple[str, str], KeyedOrder] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    movements: dict[str, list[Movement]] = field(default_factory=dict)
    order_movements: dict[UUID, list[NewMovement]] = field(default_factory=dict)
    stock_keys: dict[tuple[str, str], StockKey] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    movement_count: int = 0

    def move(self, rows: Sequence[NewMovement], caller: Caller, now: datetime) -> None:
        """Write ledger rows, their levels, and the stock events that follow."""
        before = {row.sku: self.products[row.sku] for row in rows}
        self.move_silently(rows, caller, now)
        self._announce(before, caller, now)

    def move_silently(self, rows: Sequence[NewMovement], caller: Caller, now: datetime) -> None:
        """Write ledger rows and their levels: the first stock of a new product is no news."""
        for row in rows:
            self._write_movement(row, caller.name, now)
        per_level: dict[tuple[str, str], list[NewMovement]] = {}
        for row in rows:
            per_level.setdefault((row.sku, row.location), []).append(row)
        for (sku, location), moved in per_level.items():
            self._add(sku, location, moved, now)

    def _announce(self, before: Mapping[str, Product], caller: Caller, now: datetime) -> None:
        changes = [
            StockChange(
                sku=sku,
                low_stock_threshold=product.low_stock_threshold,
                available_before=product.available,
                available_after=self.products[sku].available,
            )
            for sku, product in sorted(before.items())
        ]
        for event in stock_events(changes):
            self.record(event, caller, now)

    def record(self, event: NewEvent, caller: Caller, now: datetime) -> None:
        """Append an event."""
        self.events.append(
            Event(
                id=len(self.events) + 1,
                event=event,
                actor=caller.name,
                request_id=caller.request_id,
                created_at=now,
            )
        )

    def ensure_level(self, sku: str, location: str, now: datetime) -> None:
        """Create an empty level where there is none."""
        product = self.products[sku]
        if product.level(location) is None:
            level = StockLevel(location=location, on_hand=0, reserved=0, version=1)
            self._put(product, level, now)

    def order(self, order_id: UUID, owner: str | None) -> Order:
        """Find an order that the owner (None: anybody) may see."""
        order = self.orders.get(order_id)
        if order is None or owner not in {None, order.customer_id}:
            raise OmsError("order_not_found", f"no order has the id {order_id}")
        return order

    def holdings(self, order_id: UUID) -> tuple[Holding, ...]:
        """Sum an order's ledger rows per line and location, sorted by them."""
        sums: dict[tuple[int, str, str], tuple[int, int]] = {}
        for row in self.order_movements.get(order_id, []):
            held = (row.line_no or 0, row.sku, row.location)
            reserved, shipped = sums.get(held, (0, 0))
            sums[held] = (reserved + row.reserved_delta, shipped - row.on_hand_delta)
        return tuple(
            Holding(line_no=line_no, sku=sku, location=location, reserved=reserved, shipped=shipped)
            for (line_no, sku, location), (reserved, shipped) in sorted(sums.items())
        )

    def _write_movement(self, row: NewMovement, actor: str, now: datetime) -> None:
        self.movement_count += 1
        written = Movement(id=self.movement_count, movement=row, actor=actor, created_at=now)
        self.movements.setdefault(row.sku, []).append(written)
        if row.order_id is not None:
            self.order_movements.setdefault(row.order_id, []).append(row)

    def _add(self, sku: str, location: str, rows: Sequence[NewMovement], now: datetime) -> None:
        product = self.products[sku]
        level = product.level(location) or StockLevel(location=location, on_hand=0, reserved=0, version=0)
        changed = replace(
            level,
            on_hand=level.on_hand + sum(row.on_hand_delta for row in rows),
            reserved=level.reserved + sum(row.reserved_delta for row in rows),
            version=level.version + 1,
        )
        if not 0 <= changed.reserved <= changed.on_hand:
            raise AssertionError(f"{sku} {location} would break its bounds: {changed}")
        self._put(product, changed, now)

    def _put(self, product: Product, level: StockLevel, now: datetime) -> None:
        others = [other for other in product.levels if other.location != level.location]
        levels = tuple(sorted([*others, level], key=lambda entry: entry.location))
        self.products[product.sku] = replace(product, levels=levels, updated_at=now)
