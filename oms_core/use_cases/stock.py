"""Stock: counts, receipts, corrections and the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.commands import AdjustStock, DeleteProduct, ReceiveStock, SetStock
from oms_core.domain.fingerprints import stock_fingerprint, transfer_fingerprint
from oms_core.domain.idempotency import OWN_KEY_BITS, IdempotencyKey, own_key
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX
from oms_core.domain.pages import (
    PRODUCTS_CURSOR,
    Page,
    check_limit,
    decode_number_cursor,
    decode_sku_cursor,
    encode_cursor,
    page_of,
)
from oms_core.domain.stock.changes import (
    ProductChange,
    check_deletion,
    decide_adjust,
    decide_receive,
    decide_set,
    decide_transfer,
    sku_not_found,
    transfer_id,
)
from oms_core.domain.stock.locations import ANY_NAME, KnownNames
from oms_core.domain.stock.products import Movement, Product, ProductFilter
from oms_core.domain.stock.transfers import TransferStock
from oms_core.domain.validation import Findings
from oms_core.ports.clock import Clock
from oms_core.ports.replica import ReadStorage
from oms_core.ports.storage import DecideProductChange
from oms_core.use_cases.databases import Databases, oldest

_MOVEMENTS_CURSOR = "movements"


@dataclass(frozen=True, slots=True, kw_only=True)
class StockChanged:
    """The product as it is now; `before` as it was (None: it was created); `replayed` when the key was used before."""

    product: Product
    before: Product | None
    replayed: bool


class ProductExport(Iterator[Product]):
    """All products, read page by page. `replica_lag_seconds` says how old one of them was at most when it was read."""

    def __init__(self, databases: Databases, wanted: ProductFilter) -> None:
        self.replica_lag_seconds: float | None = None
        self._databases = databases
        self._products = self._pages(wanted)

    def __next__(self) -> Product:
        return next(self._products)

    def _pages(self, wanted: ProductFilter) -> Iterator[Product]:
        after: str | None = None
        while True:
            read = self._databases.read(partial(_find_page, wanted, after))
            self.replica_lag_seconds = oldest(self.replica_lag_seconds, read.replica_lag_seconds)
            yield from read.result
            if len(read.result) < PAGE_ITEMS_MAX:
                return
            after = read.result[-1].sku


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """Products: their counts, receipts, corrections and ledger. A command without a location means the default one.

    Every change is one transaction, and raises `forbidden` if the caller may not make it.
    """

    databases: Databases
    clock: Clock
    default_location: str
    known_locations: KnownNames = ANY_NAME

    def set(self, command: SetStock, *, caller: Caller) -> StockChanged:
        """Create a product, or set its count, name or threshold; values that are not given stay as they are.

        Raise `stock_count_mismatch`, `stock_below_reserved`, `version_mismatch`.
        """
        location = command.location or self.default_location
        key = self._own_key(caller, "set")
        return self._change(command.sku, location, key, caller, lambda product: decide_set(product, command, location))

    def adjust(self, command: AdjustStock, *, caller: Caller) -> StockChanged:
        """Correct a count by a difference.

        Raise `sku_not_found`, `stock_below_reserved`, `idempotency_key_reused`, `validation_error` above 10^12.
        """
        location = command.location or self.default_location
        key = self._key_of(command, location, caller)
        return self._change(
            command.sku, location, key, caller, lambda product: decide_adjust(product, command, location)
        )

    def receive(self, command: ReceiveStock, *, caller: Caller) -> StockChanged:
        """Add goods that arrived to a count.

        Raise `sku_not_found`, `idempotency_key_reused`, or `validation_error` above 10^12.
        """
        location = command.location or self.default_location
        key = self._key_of(command, location, caller)
        return self._change(
            command.sku, location, key, caller, lambda product: decide_receive(product, command, location)
        )

    def transfer(self, command: TransferStock, *, caller: Caller) -> StockChanged:
        """Move units that nobody has reserved to another location, in one act: none is ever in neither, or in both.

        Raise `sku_not_found`, `stock_below_reserved`, `version_mismatch`, `idempotency_key_reused`, or
        `validation_error` above 10^12.
        """
        to_location = command.to_location
        key = self._key(caller, "transfer", command.idempotency_key, transfer_fingerprint(command))
        act_id = transfer_id(key)
        return self._change(
            command.sku, to_location, key, caller, lambda product: decide_transfer(product, command, act_id)
        )

    def delete(self, command: DeleteProduct, *, caller: Caller) -> None:
        """Delete a product that has never moved and that no order names, such as one whose SKU was misspelt.

        Raise `sku_not_found`, `version_mismatch`, `product_in_use`.
        """
        _require_writing(caller)
        self.databases.primary.stock.delete(
            command.sku,
            key=self._own_key(caller, "delete"),
            now=self.clock.now(),
            check=lambda product, is_used: check_deletion(product, is_used, command),
        )

    def get(self, sku: str, *, caller: Caller) -> Product:
        """Return a product with its levels. Raise `sku_not_found`, `forbidden`."""
        caller.require(Scope.INVENTORY_READ)
        _check_known_form(sku)
        return self.databases.primary.stock.get(sku)

    def list(
        self,
        wanted: ProductFilter | None = None,
        *,
        caller: Caller,
        cursor: str | None = None,
        limit: int = PAGE_ITEMS_DEFAULT,
    ) -> Page[Product]:
        """Return a page of up to 500 products by SKU, which may be read from a replica.

        Raise `validation_error` for a bad cursor or limit.
        """
        caller.require(Scope.INVENTORY_READ)
        check_limit(limit)
        after = None if cursor is None else decode_sku_cursor(PRODUCTS_CURSOR, cursor)
        filtered = wanted or ProductFilter()
        read = self.databases.read(lambda storage: storage.stock.find(filtered, after=after, limit=limit + 1))
        page = page_of(read.result, limit, lambda product: encode_cursor(PRODUCTS_CURSOR, product.sku))
        return replace(page, replica_lag_seconds=read.replica_lag_seconds)

    def movements(
        self, sku: str, *, caller: Caller, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT
    ) -> Page[Movement]:
        """Return a page of a product's ledger, newest first, which may be read from a replica.

        Raise `sku_not_found`, `validation_error`.
        """
        caller.require(Scope.INVENTORY_READ)
        caller.require_unbound()  # Each reservation names an order.
        _check_known_form(sku)
        check_limit(limit)
        after = None if cursor is None else decode_number_cursor(_MOVEMENTS_CURSOR, cursor)
        read = self.databases.read(lambda storage: storage.stock.movements(sku, after=after, limit=limit + 1))
        page = page_of(read.result, limit, lambda movement: encode_cursor(_MOVEMENTS_CURSOR, str(movement.id)))
        return replace(page, replica_lag_seconds=read.replica_lag_seconds)

    def export(self, wanted: ProductFilter | None = None, *, caller: Caller) -> ProductExport:
        """Return every product by SKU in bounded memory. Each page is as of its own reading; no snapshot is kept.

        Each page may be read from a replica. Raise `forbidden` at once, not at the first product.
        """
        caller.require(Scope.INVENTORY_READ)
        return ProductExport(self.databases, wanted or ProductFilter())

    def _change(
        self, sku: str, location: str, key: IdempotencyKey, caller: Caller, decide: DecideProductChange
    ) -> StockChanged:
        """Change a product at a location. Raise `validation_error` where the location must be known, and is not."""
        _require_writing(caller)
        self.known_locations.check(location, self.databases.primary.locations.find)
        seen: Product | None = None

        def remembering(product: Product | None) -> ProductChange | None:
            nonlocal seen
            seen = product
            return decide(product)

        product, replayed = self.databases.primary.stock.change(
            sku, key=key, caller=caller, now=self.clock.now(), decide=remembering
        )
        return StockChanged(product=product, before=product if replayed else seen, replayed=replayed)

    def _key_of(self, command: AdjustStock | ReceiveStock, location: str, caller: Caller) -> IdempotencyKey:
        act = "adjust" if isinstance(command, AdjustStock) else "receive"
        return self._key(caller, act, command.idempotency_key, stock_fingerprint(command, location))

    def _key(self, caller: Caller, act: str, key: str | None, fingerprint: bytes) -> IdempotencyKey:
        if key is None:
            return self._own_key(caller, act)
        return IdempotencyKey(actor=caller.name, key=key, act=act, fingerprint=fingerprint)

    def _own_key(self, caller: Caller, act: str) -> IdempotencyKey:
        """Return a random key, which shows after a lost COMMIT whether the change was made."""
        return own_key(caller.name, act, random_bits=self.clock.random_bits(OWN_KEY_BITS))


def _find_page(wanted: ProductFilter, after: str | None, storage: ReadStorage) -> list[Product]:
    return storage.stock.find(wanted, after=after, limit=PAGE_ITEMS_MAX)


def _require_writing(caller: Caller) -> None:
    caller.require(Scope.INVENTORY_WRITE)
    caller.require_unbound()


def _check_known_form(sku: str) -> None:
    """Raise `sku_not_found` for a text that cannot be a SKU, without asking the database."""
    findings = Findings()
    findings.sku("/sku", sku)
    if findings.errors:
        raise sku_not_found(ascii(str(sku)[:64]))
