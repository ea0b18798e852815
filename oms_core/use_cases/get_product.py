"""Read one product's stock."""

from __future__ import annotations

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.stock.changes import sku_not_found
from oms_core.domain.stock.products import Product
from oms_core.domain.validation import Findings
from oms_core.ports.storage import Storage


def get_product(sku: str, *, caller: Caller, storage: Storage) -> Product:
    """Return a product with its levels. Raises `sku_not_found`, `forbidden`."""
    caller.require(Scope.INVENTORY_READ)
    check_known_form(sku)
    return storage.stock.get(sku)


def check_known_form(sku: str) -> None:
    """Raise `sku_not_found` for text that cannot be a SKU, so that it never reaches a database."""
    findings = Findings()
    findings.sku("/sku", sku)
    if findings.errors:
        raise sku_not_found(ascii(str(sku)[:64]))
