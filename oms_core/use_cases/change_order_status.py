"""Move an order to another status."""

from __future__ import annotations

from oms_core.domain.callers import Caller
from oms_core.domain.commands import ChangeOrderStatus
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.status_changes import decide_status_change
from oms_core.domain.orders.statuses import scope_needed
from oms_core.ports.clock import Clock
from oms_core.ports.storage import Storage


def change_order_status(command: ChangeOrderStatus, *, caller: Caller, clock: Clock, storage: Storage) -> Order:
    """Make the move with the stock movements it implies, and give the order as it then is.

    A move to the status it already has changes nothing and succeeds. Raises `invalid_transition`, `version_mismatch`,
    `order_not_found`, `forbidden`, `storage_unavailable` or `outcome_unknown`.
    """
    caller.require(scope_needed(command.status))
    return storage.orders.change(
        command.order_id,
        owner=caller.customer_id,
        caller=caller,
        now=clock.now(),
        decide=lambda order, holdings: decide_status_change(order, holdings, command, caller),
    )
