"""Changing many orders: some 500 in a transaction, and one order's fault costs no other."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.limits import TRANSACTION_ORDERS_MAX
from oms_core.domain.orders.bulk_changes import (
    Acted,
    ChangeOrderStatuses,
    DecideOrderChanges,
    Moved,
    decide_status_changes,
)
from oms_core.errors import OmsError
from oms_core.ports.clock import Clock
from oms_core.ports.order_storage import NO_KEYS, OrderStorage
from oms_core.runtime.halving import halve_to_fault, is_defect

_log = logging.getLogger(__name__)


def change_many(orders: OrderStorage, command: ChangeOrderStatuses, *, caller: Caller, clock: Clock) -> list[Moved]:
    """Return what has become of each order, in the order of the command: the order as it is now, or why not.

    Where the storage fails after some were moved, its error is what the others meet. Raise it where none was.
    """
    decide = partial(decide_status_changes, command=command, caller=caller)
    acted = act_on_many(orders, command.order_ids, decide, caller=caller, clock=clock)
    outcomes = [acted[order_id] for order_id in command.order_ids]
    return [outcome if isinstance(outcome, OmsError) else outcome.order for outcome in outcomes]


def act_on_many(
    orders: OrderStorage,
    order_ids: Sequence[UUID],
    decide: DecideOrderChanges,
    *,
    caller: Caller,
    clock: Clock,
    keys: Mapping[UUID, IdempotencyKey] = NO_KEYS,
    was_something_done: bool = False,
) -> dict[UUID, Acted]:
    """Return what has become of each order.

    Where the storage fails after something was done, here or before, its error is what the others meet. Raise it where
    nothing was.
    """
    outcomes: dict[UUID, Acted] = {}
    left = sorted(set(order_ids))
    act = partial(_act, orders, decide=decide, keys=keys, outcomes=outcomes, caller=caller, clock=clock)
    while left:
        try:
            act(left[:TRANSACTION_ORDERS_MAX])
        except OmsError as error:
            if not outcomes and not was_something_done:
                raise
            outcomes |= {order_id: error for order_id in left if order_id not in outcomes}
        left = [order_id for order_id in left if order_id not in outcomes]
    return outcomes


def _act(
    orders: OrderStorage,
    batch: Sequence[UUID],
    *,
    decide: DecideOrderChanges,
    keys: Mapping[UUID, IdempotencyKey],
    outcomes: dict[UUID, Acted],
    caller: Caller,
    clock: Clock,
) -> None:
    """Change as many of a batch as one transaction takes, or as its halves take where one order is at fault.

    What has become of each is noted with every COMMIT, so that an error of a later half hides nothing.
    """

    def attempt(part: Sequence[UUID]) -> None:
        outcomes.update(
            orders.change_many(
                part,
                owner=caller.customer_id,
                caller=caller,
                now=clock.now(),
                decide=decide,
                keys={order_id: keys[order_id] for order_id in part if order_id in keys},
            )
        )

    def blame(order_id: UUID, error: Exception) -> None:
        outcomes[order_id] = _blamed(order_id, error)

    halve_to_fault(batch, attempt, is_of_an_item=is_defect, blame=blame)


def _blamed(order_id: UUID, error: Exception) -> OmsError:
    if isinstance(error, OmsError):
        return error
    _log.error("order %s cannot be changed", order_id, exc_info=error)
    return OmsError("internal_error", "the order could not be changed; the log holds the reason")
