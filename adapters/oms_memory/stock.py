"""Products, levels and the ledger in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from oms_core.domain.callers import Caller
from oms_core.domain.commands import Unset
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.stamps import Stamp
from oms_core.domain.stock.changes import ProductChange, events_between, sku_not_found
from oms_core.domain.stock.products import Movement, Product, ProductFilter
from oms_core.ports.storage import CheckDeletion, DecideProductChange
from oms_memory.tables import Tables, new_product


class MemoryStock:
    """StockStorage over dictionaries."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def change(
        self, sku: str, *, key: IdempotencyKey, caller: Caller, now: datetime, decide: DecideProductChange
    ) -> tuple[Product, bool]:
        with self._tables.lock:
            known = self._tables.stock_keys.get((key.actor, key.key))
            if known is not None:
                key.check(known.fingerprint)
            product = self._tables.products.get(sku)
            if known is None:
                change = decide(product)
                if change is not None:
                    self._write(sku, change, key, Stamp.of(caller, now))
            if sku not in self._tables.products:
                raise sku_not_found(sku)
            return self._tables.products[sku], known is not None

    def delete(
        self,
        sku: str,
        *,
        key: IdempotencyKey,  # noqa: ARG002  No COMMIT is ever lost here.
        now: datetime,  # noqa: ARG002
        check: CheckDeletion,
    ) -> None:
        with self._tables.lock:
            orders = self._tables.orders.values()
            is_named = any(line.sku == sku for order in orders for line in order.lines)
            check(self.get(sku), bool(self._tables.movements.get(sku)) or is_named)
            del self._tables.products[sku]

    def get(self, sku: str) -> Product:
        with self._tables.lock:
            if sku not in self._tables.products:
                raise sku_not_found(sku)
            return self._tables.products[sku]

    def find(self, wanted: ProductFilter, *, after: str | None, limit: int) -> list[Product]:
        with self._tables.lock:
            products = sorted(self._tables.products.items())
        found = (product for sku, product in products if (after is None or sku > after) and _matches(product, wanted))
        return [product for product, _ in zip(found, range(limit), strict=False)]

    def movements(self, sku: str, *, after: int | None, limit: int) -> list[Movement]:
        with self._tables.lock:
            self.get(sku)
            rows = self._tables.movements.get(sku, [])
            return [row for row in reversed(rows) if after is None or row.id < after][:limit]

    def _write(self, sku: str, change: ProductChange, key: IdempotencyKey, stamp: Stamp) -> None:
        entries = [(movement, stamp) for movement in change.movements]
        if change.location is not None:
            self._tables.ensure_location(change.location, stamp.at)
        self._tables.check(entries)
        before = self._tables.products.get(sku)
        product = before or new_product(sku, stamp.at)
        if change.name is not None:
            product = replace(product, name=change.name)
        if not isinstance(change.low_stock_threshold, Unset):
            product = replace(product, low_stock_threshold=change.low_stock_threshold)
        self._tables.products[sku] = replace(product, updated_at=stamp.at)
        if entries:
            self._tables.stock_keys[(key.actor, key.key)] = key
            self._tables.move_silently(entries)
        elif change.location is not None:
            self._tables.ensure_level(sku, change.location, stamp.at)
        if change.location is not None and not isinstance(change.kept_back, Unset):
            has_grown = bool(entries) or before is None or before.level(change.location) is None
            self._tables.keep_back(sku, change.location, change.kept_back, has_grown=has_grown, now=stamp.at)
        for event in events_between(before, self._tables.products[sku]):
            self._tables.record(event, stamp)


def _matches(product: Product, wanted: ProductFilter) -> bool:
    threshold = product.low_stock_threshold
    return not wanted.low_stock or (threshold is not None and product.available <= threshold)
