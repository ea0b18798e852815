"""Changes of orders that are there: their lines, their reference, their metadata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.change_commands import ChangeOrderLines, UpdateOrder
from oms_core.domain.fingerprints import line_changes_fingerprint
from oms_core.domain.orders.detail_changes import decide_update
from oms_core.domain.orders.line_changes import decide_line_changes
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.order_changes import Changed, OrderChange, order_after
from oms_core.domain.orders.shipments import Standing
from oms_core.ports.clock import Clock
from oms_core.ports.storage import Storage
from oms_core.use_cases.orders.acts import OrderActs


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Changes of orders. What is reserved besides is taken from locations in `location_priority`, then by name.

    Every method may raise `forbidden`.
    """

    storage: Storage
    clock: Clock
    location_priority: Sequence[str]

    def lines(self, command: ChangeOrderLines, *, caller: Caller) -> Changed:
        """Give lines of an order other quantities, or add lines; what it holds of the stock follows.

        All of it is done or nothing; a dry run returns the order as it would be. Raise `below_shipped`, `empty_order`,
        `insufficient_inventory`, `unknown_sku`, `total_too_large`, `invalid_transition`, `version_mismatch`,
        `idempotency_key_reused`, `order_not_found`, `order_archived`, `storage_unavailable` or `outcome_unknown`.
        """
        if not caller.may(Scope.ORDERS_WRITE):
            caller.require(Scope.ORDERS_MANAGE)
        would_be: list[Order] = []

        def decide(order: Order, standing: Standing) -> OrderChange | None:
            change = decide_line_changes(order, standing, command, caller, self.location_priority)
            if not command.dry_run:
                return change
            would_be.append(order if change is None else order_after(order, change, standing.at))
            return None

        changed = OrderActs(self.storage.orders, self.clock)(
            command,
            "change_lines",
            line_changes_fingerprint(command),
            caller=caller,
            owner=caller.customer_id,
            decide=decide,
            skus=[line.sku for line in command.lines if line.sku is not None],
        )
        return Changed(order=would_be[-1]) if would_be else changed

    def details(self, command: UpdateOrder, *, caller: Caller) -> Order:
        """Give an order another reference, or other metadata. What is so already changes nothing and succeeds.

        Raise `version_mismatch`, `order_not_found`, `storage_unavailable` or `outcome_unknown`.
        """
        caller.require(Scope.ORDERS_WRITE)
        return self.storage.orders.change(
            command.order_id,
            owner=caller.customer_id,
            caller=caller,
            now=self.clock.now(),
            decide=lambda order, _: decide_update(order, command),
        )
