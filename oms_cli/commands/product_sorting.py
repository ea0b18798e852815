"""Sorts products by one of their figures. Only the first ones are kept, in bounded memory."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import typer

from oms_core.domain.stock.products import Product

_FIELDS: Mapping[str, Callable[[Product], Any]] = MappingProxyType(
    {
        "available": lambda product: product.available,
        "on_hand": lambda product: product.on_hand,
        "reserved": lambda product: product.reserved,
        "updated_at": lambda product: product.updated_at,
        "name": lambda product: product.name.casefold(),
        "sku": lambda product: product.sku,
    }
)
SORT_FIELDS = tuple(_FIELDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductSorting:
    """The field that products are sorted by, and whether the greatest come first. Equal ones stay sorted by SKU."""

    field: str
    greatest_first: bool

    def first(self, products: Iterable[Product], limit: int) -> list[Product]:
        """Return the first `limit` products. No more of them are kept meanwhile."""
        choose = heapq.nlargest if self.greatest_first else heapq.nsmallest
        return choose(limit, products, key=_FIELDS[self.field])


def read_sort(text: str) -> ProductSorting:
    """Read a field, with a minus for the greatest first."""
    field = text.removeprefix("-")
    if field not in _FIELDS:
        raise typer.BadParameter(f"{text!r} is no field; there are {', '.join(_FIELDS)}")
    return ProductSorting(field=field, greatest_first=text.startswith("-"))


def complete_sort(incomplete: str) -> list[str]:
    """Complete a field, with or without its minus."""
    minus = "-" if incomplete.startswith("-") else ""
    return [minus + field for field in _FIELDS if field.startswith(incomplete.removeprefix("-"))]
