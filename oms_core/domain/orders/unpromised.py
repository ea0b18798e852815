"""The stock that nobody has been promised yet, while orders are decided one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oms_core.domain.stock.products import Product, StockLevel


@dataclass(frozen=True, slots=True)
class Allocation:
    """Units of one line that are served from one location."""

    line_no: int
    sku: str
    location: str
    quantity: int


class Unpromised:
    """The stock that is not reserved yet while a batch is being decided.

    `within` names the locations that an order is served from, in its order; None: all of them, in that of
    `location_priority`, then by name.
    """

    def __init__(self, products: Mapping[str, Product], location_priority: Sequence[str]) -> None:
        self.products = products
        self._rank = {location: rank for rank, location in enumerate(location_priority)}
        self._left: dict[str, list[tuple[str, int]]] = {}
        self._available: dict[str, int] = {}

    def available(self, sku: str, within: Sequence[str] | None = None) -> int:
        """Return the units of a known SKU that are left."""
        if (available := self._available.get(sku)) is None:
            levels: Sequence[StockLevel] = self.products[sku].levels
            if len(levels) > 1:
                levels = sorted(levels, key=lambda level: self._position(level.location))
            left = self._left[sku] = [(level.location, units) for level in levels if (units := level.available)]
            available = self._available[sku] = sum([units for _, units in left])
        if within is not None:
            return sum([units for location, units in self._left[sku] if location in within])
        return available

    def reserve(self, line_no: int, sku: str, quantity: int, within: Sequence[str] | None = None) -> list[Allocation]:
        """Reserve units that are known to be available, from the first locations that have any."""
        self._available[sku] -= quantity
        left = self._left[sku]
        if within is not None:
            return self._reserve_within(line_no, sku, quantity, within)
        location, there = left[0]
        if quantity < there:  # Nearly always.
            left[0] = (location, there - quantity)
            return [Allocation(line_no, sku, location, quantity)]
        allocations = []
        while quantity:
            location, there = left[0]
            served = min(there, quantity)
            allocations.append(Allocation(line_no, sku, location, served))
            quantity -= served
            if served == there:
                left.pop(0)
            else:
                left[0] = (location, there - served)
        return allocations

    def _reserve_within(self, line_no: int, sku: str, quantity: int, within: Sequence[str]) -> list[Allocation]:
        there = dict(self._left[sku])
        allocations = []
        for location in within:
            if served := min(there.get(location, 0), quantity):
                allocations.append(Allocation(line_no, sku, location, served))
                there[location] -= served
                quantity -= served
        self._left[sku] = [(location, units) for location, units in there.items() if units]
        return allocations

    def _position(self, location: str) -> tuple[int, str]:
        return self._rank.get(location, len(self._rank)), location
