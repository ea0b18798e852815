"""Read one order."""

from __future__ import annotations

from uuid import UUID

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.orders.order import Order
from oms_core.errors import OmsError
from oms_core.ports.storage import Storage

_SHOWN_MAX = 64


def get_order(order_id: UUID, *, caller: Caller, storage: Storage) -> Order:
    """Return an order that the caller may see. Raises `order_not_found`, `forbidden`."""
    caller.require(Scope.ORDERS_READ)
    check_known_id(order_id)
    return storage.orders.get(order_id, owner=caller.customer_id)


def check_known_id(order_id: object) -> None:
    """Raise `order_not_found` for what is no UUID, of which databases would each say something else."""
    if not isinstance(order_id, UUID):
        raise OmsError("order_not_found", f"no order has the id {str(order_id)[:_SHOWN_MAX]!a}")
