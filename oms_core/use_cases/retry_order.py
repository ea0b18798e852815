"""Queue a rejected or failed order again."""

from __future__ import annotations

from uuid import UUID

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.commands import check_reason
from oms_core.domain.orders import Order
from oms_core.domain.queueing import decide_retry
from oms_core.domain.validation import Findings
from oms_core.ports.clock import Clock
from oms_core.ports.storage import Storage


def retry_order(order_id: UUID, *, reason: str | None, caller: Caller, clock: Clock, storage: Storage) -> Order:
    """Put the order at the end of the queue, without its failure and its tries; give it as it then is.

    An order that is queued already stays as it is. Raises `invalid_transition`, `order_not_found`, `forbidden`,
    `validation_error`, `storage_unavailable` or `outcome_unknown`.
    """
    caller.require(Scope.ORDERS_MANAGE)
    findings = Findings()
    check_reason(findings, reason)
    findings.raise_if_any()
    return storage.orders.change(
        order_id,
        owner=caller.customer_id,
        caller=caller,
        now=clock.now(),
        decide=lambda order, _: decide_retry(order, reason),
    )
