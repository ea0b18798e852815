"""What set, adjust and receive have in common: a repeatable change of one product's stock."""

from __future__ import annotations

from dataclasses import dataclass

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.idempotency import OWN_KEY_BITS, IdempotencyKey, own_key
from oms_core.domain.stock.changes import ProductChange
from oms_core.domain.stock.products import Product
from oms_core.ports.clock import Clock
from oms_core.ports.storage import DecideProductChange, Storage


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
    key = own_key(caller.name, random_bits=clock.random_bits(OWN_KEY_BITS))
    if idempotency_key is not None:
        key = IdempotencyKey(actor=caller.name, key=idempotency_key, fingerprint=fingerprint)
    seen: list[Product | None] = [None]

    def remembering(product: Product | None) -> ProductChange | None:
        seen[0] = product
        return decide(product)

    product, replayed = storage.stock.change(
        sku,
        key=key,
        caller=caller,
        now=clock.now(),
        decide=remembering,
    )
    return StockChanged(product=product, before=product if replayed else seen[0], replayed=replayed)
