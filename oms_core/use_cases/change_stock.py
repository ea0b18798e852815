"""What set, adjust and receive have in common: a repeatable change of one product's stock."""

from __future__ import annotations

from dataclasses import dataclass

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.stock import Product, StockKey
from oms_core.domain.stock_changes import ProductChange
from oms_core.ports.clock import Clock
from oms_core.ports.storage import DecideProductChange, Storage

_KEY_RANDOM_BITS = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class StockChanged:
    """The product as it is now; `before` as it was (None: it was created), `replayed` when the key had been used."""

    product: Product
    before: Product | None
    replayed: bool


def change_stock(
    sku: str,
    *,
    idempotency_key: str | None,
    fingerprint: bytes,
    caller: Caller,
    clock: Clock,
    storage: Storage,
    decide: DecideProductChange,
) -> StockChanged:
    """Run one change in one transaction.

    Without a key of the caller's a random one is used, so that a commit whose answer was lost is not applied twice.
    """
    caller.require(Scope.INVENTORY_WRITE)
    caller.require_unbound()
    key = idempotency_key or f"once:{clock.random_bits(_KEY_RANDOM_BITS):032x}"
    seen: list[Product | None] = [None]

    def remembering(product: Product | None) -> ProductChange | None:
        seen[0] = product
        return decide(product)

    product, replayed = storage.stock.change(
        sku,
        key=StockKey(actor=caller.name, key=key, fingerprint=fingerprint),
        caller=caller,
        now=clock.now(),
        decide=remembering,
    )
    return StockChanged(product=product, before=product if replayed else seen[0], replayed=replayed)
