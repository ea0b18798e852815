"""Suggests SKUs that are similar to one that is unknown."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from oms_core.domain.callers import Caller
from oms_core.domain.limits import PAGE_ITEMS_MAX
from oms_core.domain.pages import cursor_after_product
from oms_core.domain.stock.products import Product, ProductFilter
from oms_core.errors import OmsError

if TYPE_CHECKING:
    from oms_core import Oms

_UNKNOWN = frozenset({"sku_not_found", "unknown_sku"})
_SUGGESTED_MAX = 3
_BEGINNING = 2  # Characters, which most typing errors leave as they are.


@contextmanager
def suggesting(oms: Oms, caller: Caller, skus: Sequence[str]) -> Iterator[None]:
    """Add similar SKUs to an error over an unknown one."""
    try:
        yield
    except OmsError as error:
        unknown = next((sku for sku in skus if sku in error.detail), None)
        if error.code not in _UNKNOWN or unknown is None:
            raise
        similar = _similar(oms, caller, unknown)
        if not similar:
            raise
        further = f"did you mean {' or '.join(similar)}?"
        raise OmsError(error.code, error.detail, further=further, data={**error.data, "similar": similar}) from error


def _similar(oms: Oms, caller: Caller, sku: str) -> list[str]:
    """Return similar SKUs, found among the first of all and those that begin as this one does, in either case."""
    import difflib

    begin = sku[:_BEGINNING]
    cursors = {None, *(cursor_after_product(text) for text in (begin, begin.upper(), begin.lower()) if text.strip())}
    by_likeness: dict[str, str] = {}
    for cursor in cursors:
        for product in _page(oms, caller, cursor):
            by_likeness.setdefault(_likeness(product.sku), product.sku)
    found = difflib.get_close_matches(_likeness(sku), by_likeness, n=_SUGGESTED_MAX)
    return [by_likeness[likeness] for likeness in found]


def _page(oms: Oms, caller: Caller, cursor: str | None) -> Sequence[Product]:
    try:
        return oms.stock.list(ProductFilter(), caller=caller, cursor=cursor, limit=PAGE_ITEMS_MAX).items
    except OmsError:  # What was typed begins no SKU.
        return ()


def _likeness(sku: str) -> str:
    return unicodedata.normalize("NFKC", sku).casefold()
