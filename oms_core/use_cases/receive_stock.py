"""Record goods that arrived."""

from __future__ import annotations

from oms_core.domain.callers import Caller
from oms_core.domain.commands import ReceiveStock
from oms_core.domain.fingerprints import stock_fingerprint
from oms_core.domain.stock.changes import decide_receive
from oms_core.ports.clock import Clock
from oms_core.ports.storage import Storage
from oms_core.use_cases.change_stock import StockChanged, change_stock


def receive_stock(
    command: ReceiveStock, *, caller: Caller, clock: Clock, storage: Storage, default_location: str
) -> StockChanged:
    """Add what arrived to a count. Raises `sku_not_found`, `idempotency_key_reused`, `forbidden`, or `validation_error`
    when the count would pass 10^12.
    """
    location = command.location or default_location
    return change_stock(
        command.sku,
        idempotency_key=command.idempotency_key,
        fingerprint=stock_fingerprint(command, location),
        caller=caller,
        clock=clock,
        storage=storage,
        decide=lambda product: decide_receive(product, command, location),
    )
