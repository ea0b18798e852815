"""Place one order."""

from __future__ import annotations

from collections.abc import Callable

from oms_core.domain.callers import Caller
from oms_core.domain.commands import PlaceOrder
from oms_core.domain.orders.placement import Placed, Placement, PlacementOutcome, Refused
from oms_core.ports.clock import Clock
from oms_core.use_cases.prepare_placement import prepare_placement


def place_order(
    command: PlaceOrder,
    *,
    caller: Caller,
    clock: Clock,
    currency: str,
    hand_in: Callable[[Placement], PlacementOutcome],
) -> Placed:
    """Validate stock, confirm and reserve, all or nothing; `hand_in` writes it, alone or together with others.

    Raises `insufficient_inventory` with `shortages`, `unknown_sku`, `total_too_large`, `idempotency_key_reused`,
    `idempotency_key_in_use`, `forbidden`, `overloaded`, `storage_unavailable` or `outcome_unknown`.
    """
    outcome = hand_in(prepare_placement(command, caller=caller, clock=clock, currency=currency))
    if isinstance(outcome, Refused):
        raise outcome.error
    return outcome
