"""Moving many orders to one status together: the command, and the decision on each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.commands import ChangeOrderStatus, check_reason
from oms_core.domain.limits import BATCH_ORDERS_MAX
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.order_changes import Changed, OrderChange
from oms_core.domain.orders.shipments import Standing
from oms_core.domain.orders.status_changes import decide_status_change
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.validation import Findings
from oms_core.errors import ErrorKind, OmsError

# An order with how it stands; what is decided on it (None changes nothing); and what has become of it.
StandingOrder: TypeAlias = tuple[Order, Standing]
Decision: TypeAlias = OrderChange | OmsError | None
Acted: TypeAlias = Changed | OmsError
Moved: TypeAlias = Order | OmsError
DecideOrderChanges: TypeAlias = Callable[[Sequence[StandingOrder]], list[Decision]]


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
    orders: Sequence[StandingOrder], command: ChangeOrderStatuses, caller: Caller
) -> list[OrderChange | OmsError | None]:
    """Decide on each order as if it were moved alone. A refusal is that order's; a defect is raised."""
    return [_decided(order, standing, command, caller) for order, standing in orders]


def decided_alone(decide: Callable[[], OrderChange | None]) -> Decision:
    """Return the decision on one order of many. A refusal is that order's; a defect is raised."""
    try:
        return decide()
    except OmsError as error:
        if error.kind is ErrorKind.BUG:
            raise
        return error


def order_not_found(order_id: UUID) -> OmsError:
    """Return the error for an order that is not there, or that the caller may not see."""
    return OmsError("order_not_found", f"no order has the id {order_id}")


def _decided(order: Order, standing: Standing, command: ChangeOrderStatuses, caller: Caller) -> Decision:
    alone = ChangeOrderStatus(order_id=order.id, status=command.status, reason=command.reason)
    return decided_alone(lambda: decide_status_change(order, standing, alone, caller))
