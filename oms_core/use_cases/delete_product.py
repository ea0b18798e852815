"""Delete a product that was never used, such as one whose SKU was misspelt."""

from __future__ import annotations

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.commands import DeleteProduct
from oms_core.domain.idempotency import OWN_KEY_BITS, own_key
from oms_core.domain.stock.changes import check_deletion
from oms_core.ports.clock import Clock
from oms_core.ports.storage import Storage


def delete_product(command: DeleteProduct, *, caller: Caller, clock: Clock, storage: Storage) -> None:
    """Delete a product that has never moved and that no order names.

    Raises `sku_not_found`, `version_mismatch`, `product_in_use`, `forbidden`.
    """
    caller.require(Scope.INVENTORY_WRITE)
    caller.require_unbound()
    storage.stock.delete(
        command.sku,
        key=own_key(caller.name, random_bits=clock.random_bits(OWN_KEY_BITS)),
        now=clock.now(),
        check=lambda product, is_used: check_deletion(product, is_used, command),
    )
