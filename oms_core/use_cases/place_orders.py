"""Place many orders, one outcome each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.commands import PlaceOrder
from oms_core.domain.limits import BATCH_ORDERS_MAX
from oms_core.domain.orders.placement import Placement, PlacementOutcome, Refused
from oms_core.domain.validation import one_finding
from oms_core.errors import OmsError
from oms_core.ports.clock import Clock
from oms_core.use_cases.prepare_placement import prepare_placement


def place_orders(
    commands: Sequence[PlaceOrder | OmsError],
    *,
    caller: Caller,
    clock: Clock,
    currency: str,
    commit: Callable[[Sequence[Placement]], list[PlacementOutcome]],
) -> list[PlacementOutcome]:
    """Place up to 1,000 orders as they stand, each all or nothing; one outcome each, in order.

    An OmsError in place of a command is an order that the driver could not read: it becomes that order's refusal.
    Raises `forbidden`, or `validation_error` for an empty or too long list.
    """
    caller.require(Scope.ORDERS_WRITE)
    if not 1 <= len(commands) <= BATCH_ORDERS_MAX:
        raise one_finding("/orders", "wrong_length", f"must have 1 to {BATCH_ORDERS_MAX} orders")
    prepared = [_prepare(command, caller, clock, currency) for command in commands]
    committed = iter(commit([entry for entry in prepared if isinstance(entry, Placement)]))
    return [next(committed) if isinstance(entry, Placement) else entry for entry in prepared]


def _prepare(command: PlaceOrder | OmsError, caller: Caller, clock: Clock, currency: str) -> Placement | Refused:
    if isinstance(command, OmsError):
        return Refused(error=command)
    try:
        return prepare_placement(command, caller=caller, clock=clock, currency=currency)
    except OmsError as error:
        return Refused(error=error)
