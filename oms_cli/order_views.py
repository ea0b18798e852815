"""How orders, their lines, their history and the outcomes of moving them are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from oms_cli.views import Column, View, counted
from oms_core.documents.orders import show_event, show_order, show_refusal
from oms_core.domain.events import Event
from oms_core.domain.money import format_money
from oms_core.domain.orders import Order, PlacedLine
from oms_core.domain.statuses import OrderStatus
from oms_core.errors import OmsError
from oms_core.ports.storage import Placed

_COLOURS: Mapping[OrderStatus, str] = MappingProxyType(
    {
        OrderStatus.QUEUED: "cyan",
        OrderStatus.PENDING: "yellow",
        OrderStatus.PROCESSING: "yellow",
        OrderStatus.SHIPPED: "green",
        OrderStatus.DELIVERED: "green",
        OrderStatus.RETURNED: "magenta",
        OrderStatus.CANCELLED: "bright_black",
        OrderStatus.REJECTED: "red",
        OrderStatus.FAILED: "red",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineShown:
    """A line together with its order."""

    order: Order
    line: PlacedLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What became of one order that was to be moved: the order as it is now, or why it was not."""

    order_id: str
    order: Order | None
    error: OmsError | None


def total(order: Order) -> str | None:
    """Give the total as text; None where a price is missing."""
    return None if order.total is None else format_money(order.total)


def total_with_currency(order: Order) -> str | None:
    """Give the total and its currency as text."""
    return None if order.total is None else f"{total(order)} {order.currency}"


def failure(order: Order) -> str | None:
    """Give the reason of a rejected or failed order."""
    return None if order.failure is None else f"{order.failure.code}: {order.failure.detail}"


def show_moved(moved: Moved) -> dict[str, object]:
    """Show an outcome as JSON: the order's status and version, or the error."""
    if moved.order is not None:
        return {"id": moved.order_id, "status": moved.order.status.value, "version": moved.order.version}
    return {"id": moved.order_id, "error": show_refusal(moved.error) if moved.error else None}


ORDERS: View[Order] = View(
    columns=(
        Column(name="id", value=lambda order: order.id, whole=True),
        Column(
            name="status",
            value=lambda order: order.status.value,
            whole=True,
            style=lambda order: _COLOURS[order.status],
        ),
        Column(name="customer_id", value=lambda order: order.customer_id),
        Column(name="total", value=total, right=True, table_value=total_with_currency),
        Column(name="currency", value=lambda order: order.currency, in_table=False),
        Column(name="created_at", value=lambda order: order.created_at, spare=True),
        Column(name="reference", value=lambda order: order.reference, spare=True),
        Column(name="lines", value=lambda order: len(order.lines), right=True, spare=True),
        Column(name="version", value=lambda order: order.version, in_table=False),
        Column(name="updated_at", value=lambda order: order.updated_at, in_table=False),
    ),
    document=show_order,
    nothing="no orders",
)


def _of_placed(column: Column[Order]) -> Column[Placed]:
    return Column(name=column.name, value=lambda placed: column.value(placed.order))


PLACED: View[Placed] = View(
    columns=(
        *(_of_placed(column) for column in ORDERS.columns),
        Column(name="replayed", value=lambda placed: "true" if placed.replayed else "false"),
    ),
    document=lambda placed: {**show_order(placed.order), "replayed": placed.replayed},
)

# One order on its own: the same columns, and what a list has no room for.
ORDER: View[Order] = View(
    columns=(
        *(column for column in ORDERS.columns if column.name not in {"lines", "version", "updated_at"}),
        Column(name="updated_at", value=lambda order: order.updated_at),
        Column(name="version", value=lambda order: order.version),
        Column(name="failure", value=failure, style=lambda _: "red"),
        Column(name="metadata", value=lambda order: ", ".join(f"{key}={text}" for key, text in order.metadata.items())),
    ),
    document=show_order,
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
        Column(name="quantity", value=lambda shown: shown.line.quantity, right=True),
        Column(
            name="unit_price",
            value=lambda shown: None if shown.line.unit_price is None else format_money(shown.line.unit_price),
            right=True,
        ),
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
        Column(name="reason", value=lambda entry: entry.event.data.get("reason")),
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


def lines_shown(order: Order) -> list[LineShown]:
    """Give a row per line."""
    return [LineShown(order=order, line=line) for line in order.lines]


def placed_sentence(placed: Placed) -> str:
    """Say what became of placing: `placed 0198... pending: 2 lines, total 12.50 EUR`."""
    order = placed.order
    lines = counted(len(order.lines), "line")
    amount = "no total, a price is missing" if order.total is None else f"total {total_with_currency(order)}"
    verb = "placed before with this key:" if placed.replayed else "placed"
    return f"{verb} {order.id} {order.status}: {lines}, {amount}"
