"""Changing orders that are there: their lines, their reference, their metadata."""

from __future__ import annotations

from collections.abc import Sequence

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.change_commands import ChangeOrderLines
from oms_core.domain.fingerprints import line_changes_fingerprint
from oms_core.domain.orders.line_changes import decide_line_changes
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.order_changes import Changed, OrderChange, order_after
from oms_core.domain.orders.shipments import Standing
from oms_core.ports.clock import Clock
from oms_core.ports.order_storage import OrderStorage
from oms_core.use_cases.orders.acts import OrderActs


def change_lines(
    orders: OrderStorage,
    command: ChangeOrderLines,
    *,
    caller: Caller,
    clock: Clock,
    location_priority: Sequence[str],
) -> Changed:
    """Return the order as it then is, or as it would be after a dry run."""
    if not caller.may(Scope.ORDERS_WRITE):
        caller.require(Scope.ORDERS_MANAGE)
    would_be: list[Order] = []

    def decide(order: Order, standing: Standing) -> OrderChange | None:
        change = decide_line_changes(order, standing, command, caller, location_priority)
        if not command.dry_run:
            return change
        would_be.append(order if change is None else order_after(order, change, standing.at))
        return None

    changed = OrderActs(orders, clock)(
        command,
        "change_lines",
        line_changes_fingerprint(command),
        caller=caller,
        owner=caller.customer_id,
        decide=decide,
        skus=[line.sku for line in command.lines if line.sku is not None],
    )
    return Changed(order=would_be[-1]) if would_be else changed
