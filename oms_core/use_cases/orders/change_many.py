"""Moving many orders: some 500 in a transaction, and one order's fault costs no other."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.limits import TRANSACTION_ORDERS_MAX
from oms_core.domain.orders.bulk_changes import ChangeOrderStatuses, Moved, decide_status_changes
from oms_core.errors import OmsError
from oms_core.ports.clock import Clock
from oms_core.ports.storage import OrderStorage
from oms_core.runtime.halving import halve_to_fault, is_defect

_log = logging.getLogger(__name__)


def change_many(orders: OrderStorage, command: ChangeOrderStatuses, *, caller: Caller, clock: Clock) -> list[Moved]:
    """Return what has become of each order, in the order of the command: the order as it is now, or why not.

    Where the storage fails after some were moved, its error is what the others meet. Raise it where none was.
    """
    outcomes: dict[UUID, Moved] = {}
    left = sorted(set(command.order_ids))
    while left:
        try:
            _move(orders, left[:TRANSACTION_ORDERS_MAX], command, outcomes, caller=caller, clock=clock)
        except OmsError as error:
            if not outcomes:
                raise
            outcomes |= {order_id: error for order_id in left if order_id not in outcomes}
        left = [order_id for order_id in left if order_id not in outcomes]
    return [outcomes[order_id] for order_id in command.order_ids]


def _move(
    orders: OrderStorage,
    batch: Sequence[UUID],
    command: ChangeOrderStatuses,
    outcomes: dict[UUID, Moved],
    *,
    caller: Caller,
    clock: Clock,
) -> None:
    """Move as many of a batch as one transaction takes, or as its halves take where one order is at fault.

    What has become of each is noted with every COMMIT, so that an error of a later half hides nothing.
    """

    def attempt(part: Sequence[UUID]) -> None:
        outcomes.update(
            orders.change_many(
                part,
                owner=caller.customer_id,
                caller=caller,
                now=clock.now(),
                decide=partial(decide_status_changes, command=command, caller=caller),
            )
        )

    def blame(order_id: UUID, error: Exception) -> None:
        outcomes[order_id] = _blamed(order_id, error)

    halve_to_fault(batch, attempt, is_of_an_item=is_defect, blame=blame)


def _blamed(order_id: UUID, error: Exception) -> OmsError:
    if isinstance(error, OmsError):
        return error
    _log.error("order %s cannot be moved", order_id, exc_info=error)
    return OmsError("internal_error", "the order could not be moved; the log holds the reason")
