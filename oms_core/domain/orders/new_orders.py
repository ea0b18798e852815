"""What placing an order writes: the order itself, its reservations in the ledger, its event."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from oms_core.domain.commands import OrderLine
from oms_core.domain.events import EventType, NewEvent
from oms_core.domain.limits import INT8_MAX
from oms_core.domain.money import from_ten_thousandths, to_ten_thousandths
from oms_core.domain.orders.details import later_details
from oms_core.domain.orders.order import Order, PlacedLine
from oms_core.domain.orders.placement import Placement
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.orders.unpromised import Allocation
from oms_core.domain.stock.products import MovementKind, NewMovement
from oms_core.errors import OmsError


def order_total(lines: Sequence[OrderLine]) -> Decimal | None:
    """Return the exact sum of an order; None if a price is missing.

    Raise `total_too_large` above int8 ten-thousandths.
    """
    total_e4 = 0
    for line in lines:
        if line.unit_price is None:
            return None
        total_e4 += to_ten_thousandths(line.unit_price) * line.quantity
    if total_e4 > INT8_MAX:
        raise OmsError("total_too_large", "the order's total must stay below 922337203685477.5808")
    return from_ten_thousandths(total_e4)


def placed_order(placement: Placement) -> Order:
    """Return the order as it stands right after placing."""
    return _new_order(placement, OrderStatus.PENDING, None)


def held_order(placement: Placement, hold_until: datetime) -> Order:
    """Return the order as it stands right after placing, when it is held until a time."""
    return replace(_new_order(placement, OrderStatus.HELD, None), hold_until=hold_until)


def as_placed(ends: Mapping[UUID, datetime]) -> Callable[[Placement], Order]:
    """Return what shows orders as they stand right after placing; those that are held have the end of their hold."""
    return lambda each: held_order(each, ends[each.id]) if each.id in ends else placed_order(each)


def queued_order(placement: Placement, queue_no: int) -> Order:
    """Return the order as it stands right after it was queued."""
    return _new_order(placement, OrderStatus.QUEUED, queue_no)


def reservation(order_id: UUID, allocation: Allocation) -> NewMovement:
    """Return the ledger row that reserves units of one line of an order at one location."""
    return NewMovement(
        sku=allocation.sku,
        location=allocation.location,
        kind=MovementKind.RESERVE,
        on_hand_delta=0,
        reserved_delta=allocation.quantity,
        order_id=order_id,
        line_no=allocation.line_no,
    )


def placed_event(placement: Placement) -> NewEvent:
    """Return the event of an order placed at once."""
    return NewEvent(
        type=EventType.ORDER_PLACED,
        order_id=placement.id,
        order_version=1,
        data={"from": None, "to": OrderStatus.PENDING.value, "reason": None},
    )


def held_event(placement: Placement) -> NewEvent:
    """Return the event of an order placed at once, and held."""
    return NewEvent(
        type=EventType.ORDER_HELD,
        order_id=placement.id,
        order_version=1,
        data={
            "from": None,
            "to": OrderStatus.HELD.value,
            "reason": None,
            "hold_seconds": placement.hold_seconds,
        },
    )


def _new_order(placement: Placement, status: OrderStatus, queue_no: int | None) -> Order:
    command = placement.command
    lines = tuple(
        PlacedLine(line_no=line_no, sku=line.sku, quantity=line.quantity, unit_price=line.unit_price)
        for line_no, line in enumerate(command.lines, start=1)
    )
    return Order(
        id=placement.id,
        status=status,
        currency=placement.currency,
        lines=lines,
        total=placement.total,
        failure=None,
        attempts=0,
        version=1,
        created_at=placement.created_at,
        updated_at=placement.created_at,
        queue_no=queue_no,
        hold_seconds=placement.hold_seconds,
        customer_id=command.customer_id,
        reference=command.reference,
        metadata=command.metadata,
        **later_details(command),
    )
