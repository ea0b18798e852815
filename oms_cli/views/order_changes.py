"""How an order that was changed, or that would be, is shown."""

from __future__ import annotations

from dataclasses import dataclass

from oms_cli.terminal.view import Column, View
from oms_cli.views.change_texts import details_text, lines_text, total_text
from oms_cli.views.orders import ORDERS, column_of, total, total_with_currency
from oms_core.documents.orders import show_order
from oms_core.domain.orders.order import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedShown:
    """An order as it was read before, and as it is after a change, or would be after a dry run of one.

    `replayed` says that its key had changed it before.
    """

    before: Order
    order: Order
    replayed: bool = False
    dry_run: bool = False


CHANGED: View[ChangedShown] = View(
    columns=(
        *(column_of(column, lambda shown: shown.order) for column in ORDERS.columns),
        Column(name="replayed", value=lambda shown: "true" if shown.replayed else "false"),
        Column(name="dry_run", value=lambda shown: "true" if shown.dry_run else "false"),
    ),
    document=lambda shown: {**show_order(shown.order), "replayed": shown.replayed, "dry_run": shown.dry_run},
)


def sentence(shown: ChangedShown) -> str:
    """Say what changed: `order 0198... pending: line 1: 3 -> 5 WIDGET; total 37.50 -> 62.50 EUR`.

    What is compared is the order as it was read before the change, so another change of that moment is told as well.
    """
    before, order = shown.before, shown.order
    named = f"order {order.id} {order.status}"
    if shown.replayed:
        return f"{named}: it was changed before with this key; {_total(order, order)}"
    lines = lines_text(_units(before), _units(order))
    details = details_text(before.reference, order.reference, before.metadata, order.metadata)
    if not lines and not details:
        text = f"{named}: nothing to change; {_total(before, order)}"
    elif not lines:
        text = f"{named}: {details}"
    else:
        text = f"{named}: {', '.join(part for part in (lines, details) if part)}; {_total(before, order)}"
    return f"dry run, nothing was changed; it would be: {text}" if shown.dry_run else text


def _units(order: Order) -> dict[int, tuple[str, int]]:
    return {line.line_no: (line.sku, line.quantity) for line in order.lines}


def _total(before: Order, order: Order) -> str:
    if order.total is not None:
        return f"{total_text(total(before), total(order))} {order.currency}"
    gone = "" if before.total is None else f"{total_text(total_with_currency(before), None)}: "
    return f"{gone or 'no total, '}a price is missing"
