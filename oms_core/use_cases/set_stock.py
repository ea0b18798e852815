"""Create a product, or set its count, name or threshold."""

from __future__ import annotations

from oms_core.domain.callers import Caller
from oms_core.domain.commands import SetStock
from oms_core.domain.stock.changes import decide_set
from oms_core.ports.clock import Clock
from oms_core.ports.storage import Storage
from oms_core.use_cases.change_stock import StockChanged, change_stock


def set_stock(
    command: SetStock, *, caller: Caller, clock: Clock, storage: Storage, default_location: str
) -> StockChanged:
    """Set what is given, change nothing else. Raises `stock_count_mismatch`, `stock_below_reserved`, `forbidden`."""
    location = command.location or default_location
    return change_stock(
        command.sku,
        idempotency_key=None,
        fingerprint=b"",
        caller=caller,
        clock=clock,
        storage=storage,
        decide=lambda product: decide_set(product, command, location),
    )
