"""Listing the open orders that a location serves: the open ones are walked, and their ledger rows looked at.

No index of the ledger tells it. Open orders are few among all, and a page walks so many at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from oms_core.domain.callers import Caller
from oms_core.domain.limits import ORDERS_WALKED_MAX, PAGE_LINES_MAX
from oms_core.domain.orders.order import LineAllocation, Order, OrderFilter
from oms_core.domain.orders.statuses import OPEN
from oms_core.domain.pages import Page, check_limit
from oms_core.domain.validation import Findings
from oms_core.ports.order_storage import OrderStorage
from oms_core.use_cases.orders.order_pages import after_cursor, owned_filter, page_before_more

_READ_TOGETHER_MAX = 225


def list_orders_of_location(
    orders: OrderStorage, wanted: OrderFilter, *, location: str, caller: Caller, cursor: str | None, limit: int
) -> Page[Order]:
    """Return a page of the open orders of which units are reserved at a location.

    It may be short, even empty, and have a next one: it ends after 5,000 orders that were looked at. Raise
    `validation_error` for a bad location, cursor or limit.
    """
    check_limit(limit)
    findings = Findings()
    findings.location("/location", location)
    findings.raise_if_any()
    after = after_cursor(wanted, cursor)
    statuses = OPEN & wanted.statuses if wanted.statuses else OPEN
    owned = owned_filter(replace(wanted, statuses=statuses), caller)
    if owned is None or not statuses:
        return Page((), None)
    page: list[Order] = []
    walked = lines = 0
    while walked < ORDERS_WALKED_MAX:
        found = orders.find(owned, after=after, limit=_READ_TOGETHER_MAX, lines_max=PAGE_LINES_MAX)
        served = orders.allocations([order.id for order in found], owner=caller.customer_id)
        for order in found:
            after = order.id
            if _reserves(served.get(order.id, ()), location):
                page.append(order)
                lines += order.lines_shown
            if len(page) == limit or lines >= PAGE_LINES_MAX:
                return page_before_more(page, wanted, after)
        walked += len(found)
        if len(found) < _READ_TOGETHER_MAX and sum(len(order.lines) for order in found) < PAGE_LINES_MAX:
            return Page(tuple(page), None)
    return Page(tuple(page), None) if after is None else page_before_more(page, wanted, after)


def _reserves(allocations: Sequence[LineAllocation], location: str) -> bool:
    return any(each.reserved for each in allocations if each.location == location)
