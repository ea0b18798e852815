"""Figures to audit, in memory."""

from __future__ import annotations

from uuid import UUID

from oms_core.domain.stock.balances import LevelBalance, OrderBalance
from oms_memory.tables import Tables


class MemoryAudits:
    """AuditStorage over dictionaries."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def level_balances(self, *, after: tuple[str, str] | None, limit: int) -> list[LevelBalance]:
        with self._tables.lock:
            levels = {
                (sku, level.location) for sku, product in self._tables.products.items() for level in product.levels
            }
            moved = {(sku, row.movement.location) for sku, rows in self._tables.movements.items() for row in rows}
            keys = [key for key in sorted(levels | moved) if after is None or key > after]
            return [self._balance(*key) for key in keys[:limit]]

    def order_balances(self, *, after: UUID | None, limit: int) -> list[OrderBalance]:
        with self._tables.lock:
            ids = sorted(order_id for order_id in self._tables.orders if after is None or order_id > after)[:limit]
            orders = [self._tables.orders[order_id] for order_id in ids]
            return [
                OrderBalance(
                    order_id=order.id,
                    status=order.status,
                    quantities={line.line_no: line.quantity for line in order.lines},
                    holdings=self._tables.holdings(order.id),
                )
                for order in orders
            ]

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
        )
