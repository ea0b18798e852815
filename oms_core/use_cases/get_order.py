"""Read one order."""

from __future__ import annotations

from uuid import UUID

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.orders import Order
from oms_core.ports.storage import Storage


def get_order(order_id: UUID, *, caller: Caller, storage: Storage) -> Order:
    """Give an order that the caller may see. Raises `order_not_found`, `forbidden`."""
    caller.require(Scope.ORDERS_READ)
    return storage.orders.get(order_id, owner=caller.customer_id)
