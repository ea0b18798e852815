"""Correct a count by a difference."""

from __future__ import annotations

from oms_core.domain.callers import Caller
from oms_core.domain.commands import AdjustStock
from oms_core.domain.fingerprints import stock_fingerprint
from oms_core.domain.stock.changes import decide_adjust
from oms_core.ports.clock import Clock
from oms_core.ports.storage import Storage
from oms_core.use_cases.change_stock import StockChanged, change_stock


def adjust_stock(
    command: AdjustStock, *, caller: Caller, clock: Clock, storage: Storage, default_location: str
) -> StockChanged:
    """Add a difference to a count. Raises `sku_not_found`, `stock_below_reserved`, `idempotency_key_reused`,
    `forbidden`, or `validation_error` when the count would pass 10^12.
    """
    location = command.location or default_location
    return change_stock(
        command.sku,
        idempotency_key=command.idempotency_key,
        fingerprint=stock_fingerprint(command, location),
        caller=caller,
        clock=clock,
        storage=storage,
        decide=lambda product: decide_adjust(product, command, location),
    )
