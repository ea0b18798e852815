"""How a person names an order: by its id, by the beginning of it that a table shows, or by its reference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from oms_cli.commands.paging import Pages
from oms_cli.terminal.arguments import read_order_id
from oms_core.domain.callers import Caller
from oms_core.domain.identifiers import uuid7_millisecond
from oms_core.domain.orders.order import Order, OrderFilter
from oms_core.domain.validation import one_finding
from oms_core.errors import OmsError

if TYPE_CHECKING:
    from oms_core import Oms

# The first 12 digits of an id are its millisecond (RFC 9562), which bounds the orders to look through.
_BEGINNING = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}[0-9A-Fa-f-]{0,22}")
_MILLISECOND = timedelta(milliseconds=1)
_NAMED_MAX = 5


@dataclass(frozen=True, slots=True)
class OrderNames:
    """Finds orders by an id, the beginning of one, or a reference."""

    oms: Oms
    caller: Caller

    def order_id(self, text: str) -> UUID:
        """Return the id that this is, or begins. Raise `order_not_found`, or `validation_error` for several."""
        if not _BEGINNING.fullmatch(text):
            return read_order_id(text)
        found = self._beginning(text.lower())
        first = next(found, None)
        if first is None:
            raise OmsError("order_not_found", f"no order has an id that begins with {text}")
        if (second := next(found, None)) is not None:
            raise one_finding("/order_id", "ambiguous", f"{text} begins the ids of {first.id} and {second.id}")
        return first.id

    def order(self, text: str) -> Order:
        """Return the order of this id, of this beginning, or of this reference. Raise as `order_id` does."""
        try:
            order_id = self.order_id(text)
        except OmsError as error:
            return self._of_reference(text, error)
        return self.oms.orders.get(order_id, caller=self.caller)

    def _beginning(self, text: str) -> Iterator[Order]:
        try:
            begun = uuid7_millisecond(text)
            wanted = OrderFilter(created_from=begun, created_to=begun + _MILLISECOND)
        except OverflowError:  # After the year 9999.
            return iter(())
        return (order for order in self._list(wanted) if str(order.id).startswith(text))

    def _of_reference(self, text: str, otherwise: OmsError) -> Order:
        try:
            wanted = OrderFilter(reference=text)
        except OmsError as error:
            raise otherwise from error
        orders = list(self._list(wanted, limit=_NAMED_MAX))
        if not orders:
            raise otherwise
        if len(orders) > 1:
            ids = ", ".join(str(order.id) for order in orders)
            raise one_finding("/order_id", "ambiguous", f"{text!a} is the reference of several orders: {ids}")
        return orders[0]

    def _list(self, wanted: OrderFilter, *, limit: int | None = None) -> Iterator[Order]:
        return iter(Pages(partial(self.oms.orders.list, wanted, caller=self.caller), limit=limit))
