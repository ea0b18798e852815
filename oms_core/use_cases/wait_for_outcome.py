"""Wait for what becomes of an accepted order."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.orders.order import Order
from oms_core.ports.storage import Storage
from oms_core.use_cases.get_order import check_known_id


def wait_for_outcome(
    order_id: UUID, *, caller: Caller, storage: Storage, wait: Callable[[UUID], Order | None]
) -> Order | None:
    """Return an order once it is placed, rejected, failed or cancelled; None when `wait` gives up.

    Raises `forbidden`, and for a caller bound to a customer `order_not_found` at once where it is not that customer's.
    """
    caller.require(Scope.ORDERS_WRITE)
    check_known_id(order_id)
    if caller.customer_id is not None:
        storage.orders.get(order_id, owner=caller.customer_id)
    return wait(order_id)
