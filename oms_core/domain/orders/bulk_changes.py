"""Moving many orders to one status together: the command, and the decision on each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.commands import ChangeOrderStatus, check_reason
from oms_core.domain.limits import BATCH_ORDERS_MAX
from oms_core.domain.orders.order import Holding, Order
from oms_core.domain.orders.status_changes import OrderChange, decide_status_change
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.validation import Findings
from oms_core.errors import ErrorKind, OmsError

# An order with what it holds; what is decided on it (None changes nothing); and what has become of it.
HeldOrder: TypeAlias = tuple[Order, Sequence[Holding]]
Decision: TypeAlias = OrderChange | OmsError | None
Moved: TypeAlias = Order | OmsError
DecideOrderChanges: TypeAlias = Callable[[Sequence[HeldOrder]], list[Decision]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOrderStatuses:
    """Move up to 1,000 orders to a status, each if it may; an id that is given twice is one order."""

    order_ids: Sequence[UUID]
    status: OrderStatus
    reason: str | None = None

    def __post_init__(self) -> None:
        findings = Findings()
        if not 1 <= len(self.order_ids) <= BATCH_ORDERS_MAX:
            findings.add("/ids", "wrong_length", f"must list 1 to {BATCH_ORDERS_MAX} orders")
        elif not all(isinstance(order_id, UUID) for order_id in self.order_ids):
            findings.add("/ids", "wrong_type", "must be UUIDs")
        if not isinstance(self.status, OrderStatus):
            findings.add("/status", "unknown_status", f"must be one of {', '.join(OrderStatus)}")
        check_reason(findings, self.reason)
        findings.raise_if_any()
        object.__setattr__(self, "order_ids", tuple(self.order_ids))


def decide_status_changes(
    orders: Sequence[HeldOrder], command: ChangeOrderStatuses, caller: Caller
) -> list[OrderChange | OmsError | None]:
    """Decide on each order as if it were moved alone. A refusal is that order's; a defect is raised."""
    return [_decided(order, holdings, command, caller) for order, holdings in orders]


def order_not_found(order_id: UUID) -> OmsError:
    """Return the error for an order that is not there, or that the caller may not see."""
    return OmsError("order_not_found", f"no order has the id {order_id}")


def _decided(order: Order, holdings: Sequence[Holding], command: ChangeOrderStatuses, caller: Caller) -> Decision:
    alone = ChangeOrderStatus(order_id=order.id, status=command.status, reason=command.reason)
    try:
        return decide_status_change(order, holdings, alone, caller)
    except OmsError as error:
        if error.kind is ErrorKind.BUG:
            raise
        return error
