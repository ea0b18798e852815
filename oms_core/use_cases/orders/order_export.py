"""Exporting orders: every one that a filter finds and the caller may see, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from uuid import UUID

from oms_core.domain.limits import PAGE_LINES_MAX
from oms_core.domain.orders.order import Order, OrderFilter
from oms_core.ports.replica import ReadStorage
from oms_core.use_cases.databases import Databases, oldest

# The longest page that a list reads at once.
_READ_ORDERS = 225


class OrderExport(Iterator[Order]):
    """Orders, read page by page. `replica_lag_seconds` says how old one of them was at most when it was read."""

    def __init__(self, databases: Databases, wanted: OrderFilter | None) -> None:
        """Read what the filter finds; None finds nothing."""
        self.replica_lag_seconds: float | None = None
        self._databases = databases
        self._orders = iter(()) if wanted is None else self._pages(wanted)

    def __next__(self) -> Order:
        return next(self._orders)

    def _pages(self, wanted: OrderFilter) -> Iterator[Order]:
        after: UUID | None = None
        while True:
            read = self._databases.read(partial(_find_page, wanted, after))
            self.replica_lag_seconds = oldest(self.replica_lag_seconds, read.replica_lag_seconds)
            yield from read.result
            if len(read.result) < _READ_ORDERS and sum(len(order.lines) for order in read.result) < PAGE_LINES_MAX:
                return
            after = read.result[-1].id


def _find_page(wanted: OrderFilter, after: UUID | None, storage: ReadStorage) -> list[Order]:
    return storage.orders.find(wanted, after=after, limit=_READ_ORDERS, lines_max=PAGE_LINES_MAX)
