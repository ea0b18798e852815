"""A rehearsal of placing: every order is decided as if those before it had been placed, but none is placed."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from oms_core.domain.orders.new_orders import placed_order
from oms_core.domain.orders.placement import (
    EnteredAs,
    Placed,
    Placement,
    PlacementOutcome,
    PlacementView,
    Refuse,
    Reserve,
    Verdict,
    decide_placement,
)
from oms_core.domain.stock.products import Product
from oms_core.errors import OmsError
from oms_core.imports.spool import file_errors
from oms_core.ports.order_storage import OrderStorage

# Storage writes nothing for an order that is refused.
_NOT_NOW = Refuse(OmsError("internal_error", "a rehearsal places nothing"))


class RehearsePlacements:
    """Returns the outcomes that placing would have. `database`, the import's spool, keeps what was promised."""

    def __init__(self, *, orders: OrderStorage, location_priority: Sequence[str], database: sqlite3.Connection) -> None:
        self._orders = orders
        self._location_priority = tuple(location_priority)
        self._database = database
        with file_errors():
            database.execute(
                """CREATE TABLE promised (sku TEXT, location TEXT, quantity INTEGER, PRIMARY KEY (sku, location))
                WITHOUT ROWID"""
            )

    def __call__(self, placements: Sequence[Placement]) -> list[PlacementOutcome]:
        """Decide at most 500 orders, each key once. An order that would be placed is returned as it would be."""
        verdicts: list[Verdict] = []

        def decide(batch: Sequence[Placement], view: PlacementView) -> list[Verdict]:
            left = replace(view, products={sku: self._left(product) for sku, product in view.products.items()})
            verdicts[:] = decide_placement(batch, left, self._location_priority)
            return [_NOT_NOW if isinstance(verdict, Reserve) else verdict for verdict in verdicts]

        outcomes = self._orders.place(placements, decide)
        for index, verdict in enumerate(verdicts):
            if isinstance(verdict, Reserve):
                self._promise(verdict)
                order = placed_order(placements[index])
                outcomes[index] = Placed(order=order, replayed=False, entered_as=EnteredAs.PLACED)
        return outcomes

    def _left(self, product: Product) -> Product:
        """Return a product as it would be if all promises had been kept."""
        with file_errors():
            rows = self._database.execute("SELECT location, quantity FROM promised WHERE sku = ?", (product.sku,))
            promised: dict[str, int] = dict(rows.fetchall())
        levels = [replace(level, reserved=level.reserved + promised.get(level.location, 0)) for level in product.levels]
        return replace(product, levels=tuple(levels))

    def _promise(self, verdict: Reserve) -> None:
        rows = [(each.sku, each.location, each.quantity) for each in verdict.allocations]
        with file_errors():
            self._database.executemany(
                """INSERT INTO promised VALUES (?, ?, ?)
                ON CONFLICT (sku, location) DO UPDATE SET quantity = quantity + excluded.quantity""",
                rows,
            )
