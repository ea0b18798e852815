"""Queueing many rejected or failed orders again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.commands import check_reason
from oms_core.domain.limits import RETRY_ORDERS_MAX
from oms_core.domain.orders.order import Order, OrderFilter
from oms_core.domain.orders.queueing import RETRIABLE
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.validation import Findings, one_finding
from oms_core.errors import OmsError
from oms_core.ports.order_storage import OrderStorage
from oms_core.use_cases.orders.order_pages import orders_by_id, owned_filter

# Expired orders were given up by whoever placed them: they are retried where they are asked for.
_UNLESS_NAMED = frozenset({OrderStatus.REJECTED, OrderStatus.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryReport:
    """How many were queued again, how many could not be (they changed meanwhile), and whether there may be more."""

    retried: int
    refused: int
    more: bool


def retry_many(
    orders: OrderStorage,
    wanted: OrderFilter,
    *,
    reason: str | None,
    limit: int,
    caller: Caller,
    retry: Callable[[UUID], object],
) -> RetryReport:
    """Retry the newest `limit` (at most 1,000) orders that the filter finds; `retry` retries one order.

    If the filter has no statuses, these are rejected and failed orders; expired ones only where it names them. Raise
    `validation_error`, or what `retry` raises.
    """
    if not 1 <= limit <= RETRY_ORDERS_MAX:
        raise one_finding("/limit", "out_of_range", f"must be a whole number from 1 to {RETRY_ORDERS_MAX}")
    findings = Findings()
    check_reason(findings, reason)
    findings.raise_if_any()
    if not wanted.statuses <= RETRIABLE:
        raise one_finding("/status", "out_of_range", "only rejected, failed and expired orders can be retried")
    owned = owned_filter(replace(wanted, statuses=wanted.statuses or _UNLESS_NAMED), caller)
    found: Iterator[Order] = iter(()) if owned is None else orders_by_id(orders, owned, after=None, limit=limit + 1)
    tried = retried = 0
    for order in found:
        if tried == limit:
            return RetryReport(retried=retried, refused=tried - retried, more=True)
        tried += 1
        try:
            retry(order.id)
        except OmsError as error:
            if error.code not in {"invalid_transition", "order_not_found"}:
                raise
        else:
            retried += 1
    return RetryReport(retried=retried, refused=tried - retried, more=False)
