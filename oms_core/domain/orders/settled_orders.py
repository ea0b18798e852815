"""What becomes of a queued order that is settled: its status, its event, and the order as it then is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from oms_core.domain.events import NewEvent, status_event_type
from oms_core.domain.orders.order import Order, OrderFailure
from oms_core.domain.orders.placement import Refuse, Reserve
from oms_core.domain.orders.queueing import QueuedOrder
from oms_core.domain.orders.statuses import OrderStatus


def settled_event(order: QueuedOrder, verdict: Reserve | Refuse) -> NewEvent:
    """Return the event of a queued order that was placed, held or rejected."""
    status, failure = settled_status(order.hold_seconds, verdict), settled_failure(verdict)
    data: dict[str, object] = {"from": OrderStatus.QUEUED.value, "to": status.value, "reason": None}
    if status is OrderStatus.HELD:
        data["hold_seconds"] = order.hold_seconds
    if failure is not None:
        data["failure"] = failure.brief
    return NewEvent(type=status_event_type(status), order_id=order.id, order_version=order.version + 1, data=data)


def settled_status(hold_seconds: int | None, verdict: Reserve | Refuse) -> OrderStatus:
    """Return the status of a queued order after a verdict; `hold_seconds` is None for one that is not to be held."""
    if isinstance(verdict, Refuse):
        return OrderStatus.REJECTED
    return OrderStatus.PENDING if hold_seconds is None else OrderStatus.HELD


def settled_failure(verdict: Reserve | Refuse) -> OrderFailure | None:
    """Return the failure that is stored with a queued order after a verdict."""
    return None if isinstance(verdict, Reserve) else OrderFailure.of(verdict.error)


def settled_order(
    order: Order,
    verdict: Reserve | Refuse,
    now: datetime,
    *,
    was_claimed: bool,
    hold_until: datetime | None = None,
) -> Order:
    """Return a queued order after a verdict. The attempt that its claim has counted is subtracted again.

    `hold_until` is when the hold ends of an order that becomes held.
    """
    status = settled_status(order.hold_seconds, verdict)
    return replace(
        order,
        status=status,
        failure=settled_failure(verdict),
        attempts=max(order.attempts - was_claimed, 0),
        queue_no=None,
        version=order.version + 1,
        updated_at=now,
        hold_until=hold_until if status is OrderStatus.HELD else order.hold_until,
    )
