"""Events: status history and audit trail in one append-only list, and the changes of stock that they announce."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from oms_core.domain.orders.statuses import OrderStatus


class EventType(StrEnum):
    """What happened."""

    ORDER_QUEUED = "order.queued"
    ORDER_HELD = "order.held"
    ORDER_HOLD_EXTENDED = "order.hold_extended"
    ORDER_EXPIRED = "order.expired"
    ORDER_PLACED = "order.placed"
    ORDER_REJECTED = "order.rejected"
    ORDER_FAILED = "order.failed"
    ORDER_PROCESSING = "order.processing"
    ORDER_PARTLY_SHIPPED = "order.partly_shipped"
    ORDER_SHIPPED = "order.shipped"
    ORDER_DELIVERED = "order.delivered"
    ORDER_CANCELLED = "order.cancelled"
    ORDER_PARTLY_RETURNED = "order.partly_returned"
    ORDER_RETURNED = "order.returned"
    ORDER_RETRIED = "order.retried"
    ORDER_CHANGED = "order.changed"
    SHIPMENT_CREATED = "shipment.created"
    SHIPMENT_UPDATED = "shipment.updated"
    SHIPMENT_DELIVERED = "shipment.delivered"
    SHIPMENT_CANCELLED = "shipment.cancelled"
    RETURN_CREATED = "return.created"
    STOCK_LOW = "stock.low"
    STOCK_DEPLETED = "stock.depleted"
    STOCK_REPLENISHED = "stock.replenished"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event that is about to be written: of an order (`order_id`, `order_version`) or of a product (`sku`)."""

    type: EventType
    data: Mapping[str, object]
    order_id: UUID | None = None
    order_version: int | None = None
    sku: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event as it was written: `id` grows with time within one database."""

    id: int
    event: NewEvent
    actor: str
    request_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StockChange:
    """A product's available units, and its threshold, before and after one transaction."""

    sku: str
    threshold_before: int | None
    low_stock_threshold: int | None
    available_before: int
    available_after: int


def status_event_type(target: OrderStatus) -> EventType:
    """Return the event of a move to a status; the event of a move to `pending` is called placed."""
    return EventType.ORDER_PLACED if target is OrderStatus.PENDING else EventType(f"order.{target.value}")


def stock_events(changes: Iterable[StockChange]) -> list[NewEvent]:
    """Return an event for each product that entered another state, by its stock or by its threshold.

    A product is depleted (none left), low (at or below its threshold) or replenished (above both). The event names the
    state entered; a change within one state has no event.
    """
    events = []
    for change in changes:
        before = _state(change.available_before, change.threshold_before)
        after = _state(change.available_after, change.low_stock_threshold)
        if before is not after:
            data = {"available": change.available_after, "low_stock_threshold": change.low_stock_threshold}
            events.append(NewEvent(type=after, sku=change.sku, data=data))
    return events


def _state(available: int, threshold: int | None) -> EventType:
    if available == 0:
        return EventType.STOCK_DEPLETED
    if threshold is not None and available <= threshold:
        return EventType.STOCK_LOW
    return EventType.STOCK_REPLENISHED
