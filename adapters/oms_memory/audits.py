"""Figures to audit, in memory."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from oms_core.domain.orders.order import Order
from oms_core.domain.stock.balances import (
    WAITS_FOR,
    Compared,
    LevelBalance,
    OrderBalance,
    ReturnBalance,
    ShipmentBalance,
    Waiting,
)
from oms_core.domain.stock.products import MovementKind
from oms_memory.tables import Tables


class MemoryAudits:
    """AuditStorage over dictionaries. It suspects all that there is: the rule alone says what disagrees."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def compare_levels(self, *, after: str | None, limit: int) -> Compared[str, LevelBalance]:
        with self._tables.lock:
            levels = {
                (sku, level.location) for sku, product in self._tables.products.items() for level in product.levels
            }
            moved = {(sku, row.movement.location) for sku, rows in self._tables.movements.items() for row in rows}
            keys = [key for key in sorted(levels | moved) if after is None or key[0] > after]
            last = keys[limit - 1][0] if len(keys) > limit else None
            page = [self._balance(*key) for key in keys if last is None or key[0] <= last]
            return Compared(count=len(page), suspects=page, last=last)

    def compare_orders(self, *, after: UUID | None, limit: int) -> Compared[UUID, OrderBalance]:
        with self._tables.lock:
            named = self._tables.orders.keys() | self._tables.order_movements.keys()
            ids = sorted(order_id for order_id in named if after is None or order_id > after)
            page = [self._order_balance(order_id) for order_id in ids[:limit]]
            count = sum(balance.status is not None for balance in page)
            return Compared(count=count, suspects=page, last=ids[limit - 1] if len(ids) > limit else None)

    def _order_balance(self, order_id: UUID) -> OrderBalance:
        order = self._tables.orders.get(order_id)
        return OrderBalance(
            order_id=order_id,
            status=None if order is None else order.status,
            quantities={line.line_no: line.quantity for line in order.lines} if order else {},
            holdings=self._tables.holdings(order_id),
            hold_until=None if order is None else order.hold_until,
            waiting=None if order is None else _waiting(order),
            shipments=self._shipments(order_id),
            returns=self._returns(order_id),
        )

    def _shipments(self, order_id: UUID) -> list[ShipmentBalance]:
        units: Counter[UUID] = Counter()
        for row in self._tables.order_movements.get(order_id, []):
            if row.act_id is not None and row.kind is not MovementKind.RETURN:
                units[row.act_id] -= row.on_hand_delta
        known = [
            ShipmentBalance(shipment_no=each.shipment_no, status=each.status, units=units.pop(each.id, 0))
            for each in self._tables.shipments_of(order_id)
        ]
        unknown = [
            ShipmentBalance(shipment_no=None, status=None, units=units[act_id]) for act_id in sorted(units, key=str)
        ]
        return known + unknown

    def _returns(self, order_id: UUID) -> list[ReturnBalance]:
        moved: Counter[tuple[UUID, int, str]] = Counter()
        for row in self._tables.order_movements.get(order_id, []):
            if row.act_id is not None and row.kind is MovementKind.RETURN:
                moved[row.act_id, row.line_no or 0, row.location] += row.on_hand_delta
        numbers = {made.id: made.return_no for made in self._tables.returns_of(order_id)}
        units: Counter[tuple[UUID, int, str]] = Counter()
        for made in self._tables.returns_of(order_id):
            for line in made.lines:
                if line.location is not None:
                    units[made.id, line.line_no, line.location] += line.quantity
        found = [
            ReturnBalance(
                return_no=numbers.get(act_id),
                line_no=line_no,
                location=location,
                units=units[act_id, line_no, location],
                moved=moved[act_id, line_no, location],
            )
            for act_id, line_no, location in units | moved
        ]
        return sorted(found, key=lambda each: (each.return_no is None, each.return_no, each.line_no, each.location))

    def _balance(self, sku: str, location: str) -> LevelBalance:
        level = self._tables.products[sku].level(location)
        rows = [row.movement for row in self._tables.movements.get(sku, []) if row.movement.location == location]
        return LevelBalance(
            sku=sku,
            location=location,
            on_hand=level.on_hand if level else 0,
            reserved=level.reserved if level else 0,
            ledger_on_hand=sum(row.on_hand_delta for row in rows),
            ledger_reserved=sum(row.reserved_delta for row in rows),
            withheld=level.withheld if level else 0,
            withheld_due=self._tables.withheld(location, level.kept_back) if level else 0,
        )


def _waiting(order: Order) -> Waiting | None:
    """Say how an order waits: here by its status alone, which nothing can disagree with."""
    if order.status not in WAITS_FOR:
        return None
    return Waiting(waits_for=WAITS_FOR[order.status], due_at=order.hold_until)
