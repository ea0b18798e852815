"""Products of which there was plenty when they were last read, so that not every batch has to read them again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from oms_core.domain.stock.products import Product

# As many processes may sell at this one's pace, before one of them takes what another has counted upon.
_SHARES = 16
_PRODUCTS_MAX = 20_000
_DOUBTED_SECONDS = 1.0


@dataclass(slots=True)
class _Remembered:
    product: Product
    units_left: int


class Doubt:
    """Whether what is remembered did not do within the last second: it was wrong, or not enough.

    Nothing is relied upon then, since work is done twice, or read twice, where memory does not do.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = clock()

    def begin(self) -> None:
        """Note that memory did not do, unless that was noted already: after a second it is given another try."""
        if not self.lasts():
            self._until = self._clock() + _DOUBTED_SECONDS

    def lasts(self) -> bool:
        """Return whether memory did not do just now."""
        return self._clock() < self._until


class Plenty:
    """Remembers products while this process takes no more than its share of what was left above the threshold.

    Nobody says when a product changes, so what is remembered may be wrong: whoever relies on it must find that out when
    writing. Thread-safe: if two threads take units at once, one may not be counted.
    """

    def __init__(self) -> None:
        self._products: dict[str, _Remembered] = {}

    def take(self, demand: Mapping[str, int]) -> dict[str, Product]:
        """Return those of the products, by SKU, of which the units demanded are there for sure, and count them."""
        found = {}
        remembered = self._products
        for sku, units in demand.items():
            entry = remembered.get(sku)
            if entry is not None and entry.units_left >= units:
                entry.units_left -= units
                found[sku] = entry.product
        return found

    def remember(self, products: Iterable[Product]) -> None:
        """Remember those of products just read of which there is plenty at each of their locations.

        An order is then served from the first location, whichever this is.
        """
        if len(self._products) > _PRODUCTS_MAX:
            self._products = {}
        for product in products:
            least = min([level.available for level in product.levels], default=0)
            share = (least - (product.low_stock_threshold or 0)) // _SHARES
            if share > 0:
                self._products[product.sku] = _Remembered(product, share)
            else:
                self._products.pop(product.sku, None)
