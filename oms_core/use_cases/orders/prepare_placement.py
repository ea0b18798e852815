"""Everything about new orders that is fixed before the transaction, so that writing them can be repeated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.commands import PlaceOrder, check_prices
from oms_core.domain.fingerprints import order_fingerprint
from oms_core.domain.identifiers import uuid7
from oms_core.domain.limits import BATCH_ORDERS_MAX
from oms_core.domain.orders.holds import HoldLimits
from oms_core.domain.orders.new_orders import order_total
from oms_core.domain.orders.placement import Placement, PlacementOutcome, Refused
from oms_core.domain.validation import Findings, one_finding
from oms_core.errors import OmsError
from oms_core.ports.clock import Clock

_ID_RANDOM_BITS = 62
# Of an order that does not ask for a hold.
NOT_HELD = HoldLimits()


def prepare_placement(
    command: PlaceOrder, *, caller: Caller, clock: Clock, currency: str, holds: HoldLimits = NOT_HELD
) -> Placement:
    """Return an order with its id, time, total, hold and fingerprint.

    Raise `forbidden` when the caller may not place, or not for this customer, or not without a hold;
    `total_too_large`; and `validation_error` for prices with more decimals than the deployment's currency has, or a
    hold that is too long.
    """
    caller.require(Scope.ORDERS_WRITE)
    if command.hold_seconds == 0:  # The order then needs no confirmation, whatever the deployment does.
        caller.require(Scope.ORDERS_MANAGE)
    if caller.customer_id is not None and caller.customer_id != command.customer_id:
        raise OmsError("forbidden", "this caller places orders for its own customer_id only")
    hold_seconds = holds.hold_of(command.hold_seconds)
    created_at = clock.now()
    in_currency = command.currency or currency
    if command.currency is None:
        findings = Findings()
        check_prices(findings, command.lines, in_currency)
        findings.raise_if_any()
    return Placement(
        id=uuid7(created_at, clock.random_bits(_ID_RANDOM_BITS)),
        command=command,
        currency=in_currency,
        total=order_total(command.lines),
        caller_name=caller.name,
        fingerprint=None if command.idempotency_key is None else order_fingerprint(command, in_currency),
        request_id=caller.request_id,
        created_at=created_at,
        hold_seconds=hold_seconds,
    )


def write_prepared(
    commands: Sequence[PlaceOrder | OmsError],
    *,
    caller: Caller,
    clock: Clock,
    currency: str,
    write: Callable[[Sequence[Placement]], list[PlacementOutcome]],
    holds: HoldLimits = NOT_HELD,
) -> list[PlacementOutcome]:
    """Prepare up to 1,000 orders and write them; return one outcome each, in order.

    An OmsError in place of a command is an order that the driver could not read: it becomes that order's refusal.
    Raise `forbidden`, or `validation_error` for an empty or too long list.
    """
    caller.require(Scope.ORDERS_WRITE)
    if not 1 <= len(commands) <= BATCH_ORDERS_MAX:
        raise one_finding("/orders", "wrong_length", f"must have 1 to {BATCH_ORDERS_MAX} orders")
    prepared = [_prepared(command, caller, clock, currency, holds) for command in commands]
    written = iter(write([entry for entry in prepared if isinstance(entry, Placement)]))
    return [next(written) if isinstance(entry, Placement) else entry for entry in prepared]


def _prepared(
    command: PlaceOrder | OmsError, caller: Caller, clock: Clock, currency: str, holds: HoldLimits
) -> Placement | Refused:
    if isinstance(command, OmsError):
        return Refused(error=command)
    try:
        return prepare_placement(command, caller=caller, clock=clock, currency=currency, holds=holds)
    except OmsError as error:
        return Refused(error=error)
