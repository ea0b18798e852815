"""How orders, their lines, their history and the outcomes of moving them are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import TypeVar

from oms_cli.terminal.messages import counted
from oms_cli.terminal.view import Column, View
from oms_cli.views.change_texts import event_text
from oms_core import QueuePlace
from oms_core.documents.orders import show_event, show_order, show_refusal
from oms_core.documents.queue import show_queue_place
from oms_core.domain.currencies import decimals_of
from oms_core.domain.events import Event
from oms_core.domain.money import format_money
from oms_core.domain.orders.order import LineAllocation, Order, PlacedLine
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.errors import OmsError

T = TypeVar("T")

REMOVED = "removed"  # What a table shows for a line without units.
_COLOURS: Mapping[OrderStatus, str] = MappingProxyType(
    {
        OrderStatus.QUEUED: "cyan",
        OrderStatus.HELD: "cyan",
        OrderStatus.PENDING: "yellow",
        OrderStatus.PROCESSING: "yellow",
        OrderStatus.PARTLY_SHIPPED: "yellow",
        OrderStatus.SHIPPED: "green",
        OrderStatus.DELIVERED: "green",
        OrderStatus.PARTLY_RETURNED: "magenta",
        OrderStatus.RETURNED: "magenta",
        OrderStatus.CANCELLED: "bright_black",
        OrderStatus.EXPIRED: "bright_black",
        OrderStatus.REJECTED: "red",
        OrderStatus.FAILED: "red",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineShown:
    """A line together with its order, and where it is served from."""

    order: Order
    line: PlacedLine
    allocations: Sequence[LineAllocation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What became of one order that was to be moved: the order as it is now, or why it was not."""

    order_id: str
    order: Order | None
    error: OmsError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedShown:
    """What became of placing: the order, whether its key had placed it before, and its place while it is queued."""

    order: Order
    replayed: bool
    place: QueuePlace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderShown:
    """One order on its own, with where its lines are served from, and its place in the queue while it is queued."""

    order: Order
    place: QueuePlace | None
    allocations: Sequence[LineAllocation]


def total(order: Order) -> str | None:
    """Return the total as text; None where a price is missing."""
    return _amount(order.total, order.currency)


def _amount(amount: Decimal | None, currency: str) -> str | None:
    return None if amount is None else format_money(amount, decimals=decimals_of(currency))


def total_with_currency(order: Order) -> str | None:
    """Return the total and its currency as text."""
    return None if order.total is None else f"{total(order)} {order.currency}"


def _line_count(order: Order) -> int:
    return sum(line.quantity > 0 for line in order.lines)


def failure(order: Order) -> str | None:
    """Return the reason of a rejected or failed order."""
    return None if order.failure is None else f"{order.failure.code}: {order.failure.detail}"


def show_place(
    order: Order, place: QueuePlace | None, allocations: Sequence[LineAllocation] | None = None
) -> dict[str, object]:
    """Show an order as JSON, with `queue: {position, estimated_seconds}` while it is queued."""
    shown = show_order(order, allocations)
    return shown if place is None else {**shown, "queue": show_queue_place(place)}


def served_text(allocations: Sequence[LineAllocation]) -> str:
    """Say where a line is served from: `main: 2 reserved, north: 1 reserved`."""
    return ", ".join(f"{each.location}: {_units_text(each)}" for each in allocations)


def _units_text(allocation: LineAllocation) -> str:
    units = {"reserved": allocation.reserved, "shipped": allocation.shipped, "returned": allocation.returned}
    return " ".join(f"{count:,} {name}" for name, count in units.items() if count)


def place_text(place: QueuePlace | None) -> str | None:
    """Say where an order stands: `position 12, about 3 s`."""
    if place is None:
        return None
    estimate = "no worker is there" if place.estimated_seconds is None else f"about {place.estimated_seconds:,} s"
    return f"position {place.position:,}, {estimate}"


def show_moved(moved: Moved) -> dict[str, object]:
    """Show an outcome as JSON: the order's status and version, or the error."""
    if moved.order is not None:
        return {"id": moved.order_id, "status": moved.order.status.value, "version": moved.order.version}
    return {"id": moved.order_id, "error": show_refusal(moved.error) if moved.error else None}


ORDERS: View[Order] = View(
    columns=(
        Column(name="id", value=lambda order: order.id, whole=True, is_id=True),
        Column(
            name="status",
            value=lambda order: order.status.value,
            whole=True,
            style=lambda order: _COLOURS[order.status],
        ),
        Column(name="customer_id", value=lambda order: order.customer_id),
        Column(name="total", value=total, right=True, table_value=total_with_currency),
        Column(name="currency", value=lambda order: order.currency, in_table=False),
        Column(name="created_at", value=lambda order: order.created_at, whole=True, spare=True),
        Column(name="reference", value=lambda order: order.reference, spare=True),
        Column(name="lines", value=_line_count, right=True, spare=True),
        Column(
            name="failure",
            value=lambda order: order.failure and order.failure.code,
            whole=True,
            spare=True,
            style=lambda _: "red",
        ),
        Column(name="attempts", value=lambda order: order.attempts, in_table=False),
        Column(name="version", value=lambda order: order.version, in_table=False),
        Column(name="updated_at", value=lambda order: order.updated_at, in_table=False),
    ),
    document=show_order,
    nothing="no orders",
)


def column_of(column: Column[Order], order_of: Callable[[T], Order]) -> Column[T]:
    """Return a column of orders as a column of something that has an order."""
    table_value, style = column.table_value, column.style
    return Column(
        name=column.name,
        value=lambda shown: column.value(order_of(shown)),
        right=column.right,
        whole=column.whole,
        in_table=column.in_table,
        spare=column.spare,
        table_value=None if table_value is None else lambda shown: table_value(order_of(shown)),
        style=None if style is None else lambda shown: style(order_of(shown)),
    )


PLACED: View[PlacedShown] = View(
    columns=(
        *(column_of(column, lambda shown: shown.order) for column in ORDERS.columns),
        Column(name="replayed", value=lambda shown: "true" if shown.replayed else "false"),
        Column(name="queue_position", value=lambda shown: shown.place and shown.place.position),
    ),
    document=lambda shown: {**show_place(shown.order, shown.place), "replayed": shown.replayed},
)

_OF_LISTS_ONLY = frozenset({"lines", "version", "updated_at", "failure", "attempts"})

# One order on its own: the same columns, and what a list has no room for.
ORDER: View[OrderShown] = View(
    columns=(
        *(
            column_of(column, lambda shown: shown.order)
            for column in ORDERS.columns
            if column.name not in _OF_LISTS_ONLY
        ),
        Column(name="updated_at", value=lambda shown: shown.order.updated_at),
        Column(name="version", value=lambda shown: shown.order.version),
        Column(name="queue", value=lambda shown: place_text(shown.place)),
        Column(name="attempts", value=lambda shown: shown.order.attempts or None),
        Column(name="locations", value=lambda shown: ", ".join(shown.order.locations or ())),
        Column(name="hold_until", value=lambda shown: shown.order.hold_until),
        Column(name="payment", value=lambda shown: shown.order.payment_reference),
        Column(name="failure", value=lambda shown: failure(shown.order), style=lambda _: "red"),
        Column(
            name="metadata",
            value=lambda shown: ", ".join(f"{key}={text}" for key, text in shown.order.metadata.items()),
        ),
    ),
    document=lambda shown: show_place(shown.order, shown.place, shown.allocations),
)

LINES: View[LineShown] = View(
    columns=(
        Column(name="order_id", value=lambda shown: shown.order.id, in_table=False),
        Column(name="status", value=lambda shown: shown.order.status.value, in_table=False),
        Column(name="customer_id", value=lambda shown: shown.order.customer_id, in_table=False),
        Column(name="reference", value=lambda shown: shown.order.reference, in_table=False),
        Column(name="currency", value=lambda shown: shown.order.currency, in_table=False),
        Column(name="line_no", value=lambda shown: shown.line.line_no, right=True),
        Column(name="sku", value=lambda shown: shown.line.sku, whole=True),
        Column(
            name="quantity",
            value=lambda shown: shown.line.quantity,
            right=True,
            table_value=lambda shown: shown.line.quantity or REMOVED,
        ),
        Column(
            name="unit_price",
            value=lambda shown: _amount(shown.line.unit_price, shown.order.currency),
            right=True,
        ),
        Column(name="served_from", value=lambda shown: served_text(shown.allocations), spare=True),
    ),
    document=lambda shown: show_order(shown.order),
)

EVENTS: View[Event] = View(
    columns=(
        Column(name="id", value=lambda entry: entry.id, right=True),
        Column(name="created_at", value=lambda entry: entry.created_at),
        Column(name="type", value=lambda entry: entry.event.type.value, whole=True),
        Column(name="order_version", value=lambda entry: entry.event.order_version, right=True, spare=True),
        Column(name="from", value=lambda entry: entry.event.data.get("from"), whole=True, spare=True),
        Column(name="to", value=lambda entry: entry.event.data.get("to"), whole=True, spare=True),
        Column(name="shipment_no", value=lambda entry: entry.event.data.get("shipment_no"), right=True, spare=True),
        Column(name="return_no", value=lambda entry: entry.event.data.get("return_no"), right=True, spare=True),
        Column(name="change", value=lambda entry: event_text(entry.event.data), prose=True),
        Column(name="reason", value=lambda entry: entry.event.data.get("reason"), prose=True),
        Column(name="actor", value=lambda entry: entry.actor),
        Column(name="request_id", value=lambda entry: entry.request_id, in_table=False),
    ),
    document=show_event,
    nothing="no events",
)

MOVED: View[Moved] = View(
    columns=(
        Column(name="id", value=lambda moved: moved.order_id, whole=True),
        Column(name="status", value=lambda moved: moved.order and moved.order.status.value),
        Column(name="version", value=lambda moved: moved.order and moved.order.version),
        Column(name="code", value=lambda moved: moved.error and moved.error.code),
        Column(name="detail", value=lambda moved: moved.error and moved.error.detail),
    ),
    document=show_moved,
)


def lines_shown(order: Order, allocations: Sequence[LineAllocation]) -> list[LineShown]:
    """Return a row per line."""
    return [
        LineShown(order=order, line=line, allocations=[each for each in allocations if each.line_no == line.line_no])
        for line in order.lines
    ]


def placed_sentence(placed: PlacedShown) -> str:
    """Say what became of placing: `placed 0198... pending: 2 lines, total 12.50 EUR`, or `queued 0198...: ...`."""
    order = placed.order
    lines = counted(_line_count(order), "line")
    amount = "no total, a price is missing" if order.total is None else f"total {total_with_currency(order)}"
    where = f"; {place_text(placed.place)}" if placed.place else ""
    if placed.replayed:
        return f"placed before with this key: {order.id} {order.status}: {lines}, {amount}{where}"
    named = f"placed {order.id} {order.status}" if order.status is OrderStatus.PENDING else f"{order.status} {order.id}"
    return f"{named}: {lines}, {amount}{where}"
