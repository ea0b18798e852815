"""Cancel an order that has not shipped."""

from __future__ import annotations

from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.commands import ChangeOrderStatus
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.ports.clock import Clock
from oms_core.ports.storage import Storage
from oms_core.use_cases.change_order_status import change_order_status


def cancel_order(order_id: UUID, *, reason: str | None = None, caller: Caller, clock: Clock, storage: Storage) -> Order:
    """Release what the order holds; the errors are those of `change_order_status`."""
    command = ChangeOrderStatus(order_id=order_id, status=OrderStatus.CANCELLED, reason=reason)
    return change_order_status(command, caller=caller, clock=clock, storage=storage)
