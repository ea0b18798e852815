"""Accept one order now, to be placed by a worker."""

from __future__ import annotations

from collections.abc import Callable

from oms_core.domain.callers import Caller
from oms_core.domain.commands import PlaceOrder
from oms_core.domain.orders.placement import Placed, Placement, PlacementOutcome, Refused
from oms_core.ports.clock import Clock
from oms_core.use_cases.prepare_placement import prepare_placement


def accept_order(
    command: PlaceOrder,
    *,
    caller: Caller,
    clock: Clock,
    currency: str,
    hand_in: Callable[[Placement], PlacementOutcome],
) -> Placed:
    """Queue an order; whatever happens to broker, workers or this process, it is then placed, rejected or failed.

    `hand_in` writes it, alone or together with others. A replay gives the order as it is now. Raises `unknown_sku`,
    `total_too_large`, `idempotency_key_reused`, `idempotency_key_in_use`, `forbidden`, `overloaded`,
    `storage_unavailable` or `outcome_unknown`; stock is looked at later.
    """
    outcome = hand_in(prepare_placement(command, caller=caller, clock=clock, currency=currency))
    if isinstance(outcome, Refused):
        raise outcome.error
    return outcome
