"""How returns are shown."""

from __future__ import annotations

from collections.abc import Iterable

from oms_cli.terminal.messages import counted
from oms_cli.terminal.view import Column, View
from oms_core import ReturnMade
from oms_core.documents.returns import show_return
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.returns import Return, ReturnedLine

_LINES_TOLD_MAX = 5


def lines_text(lines: Iterable[ReturnedLine]) -> str:
    """Say what came back, what became of it, and where: `2 WIDGET (restock, main), 1 GADGET (discard)`."""
    return ", ".join(f"{line.quantity:,} {line.sku} ({_became(line)})" for line in lines)


def _became(line: ReturnedLine) -> str:
    return ", ".join(part for part in (line.disposition.value, line.location) if part is not None)


def show(shown: ReturnMade) -> dict[str, object]:
    """Show a return as JSON, with its order's status and version."""
    order = shown.order
    return {**show_return(shown.made), "order_status": order.status.value, "order_version": order.version}


RETURNS: View[ReturnMade] = View(
    columns=(
        Column(name="order_id", value=lambda shown: shown.order.id, in_table=False),
        Column(name="return_no", value=lambda shown: shown.made.return_no, right=True),
        Column(name="lines", value=lambda shown: lines_text(shown.made.lines), prose=True),
        Column(name="reference", value=lambda shown: shown.made.reference, spare=True),
        Column(name="reason", value=lambda shown: shown.made.reason, prose=True),
        Column(name="created_at", value=lambda shown: shown.made.created_at, whole=True),
    ),
    document=show,
    nothing="no returns",
)


def shown(order: Order, returns: Iterable[Return]) -> list[ReturnMade]:
    """Return a row per return."""
    return [ReturnMade(order=order, made=made) for made in returns]


def sentence(shown: ReturnMade) -> str:
    """Say what came back: `return 1: 2 WIDGET (restock, main); order 0198... partly_returned`."""
    made, order = shown.made, shown.order
    units = counted(sum(line.quantity for line in made.lines), "unit")
    what = lines_text(made.lines) if len(made.lines) <= _LINES_TOLD_MAX else units
    before = "; it was made before with this key" if shown.replayed else ""
    return f"return {made.return_no}: {what}; order {order.id} {order.status}{before}"
