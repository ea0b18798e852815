"""The audit: it shows whether counters, ledger and open orders agree, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.stock.balances import Balance, Compared, Discrepancy, audit_level, audit_order
from oms_core.ports.audit_storage import AuditStorage
from oms_core.ports.replica import ReadStorage
from oms_core.use_cases.databases import Databases, Read, oldest

Compare: TypeAlias = Callable[..., Compared[Any, Balance]]

_DISCREPANCIES_MAX = 1_000

# The ledger of many levels is read as a whole, so there should be few pages of levels; nobody waits for one. Each order
# has a ledger of its own, in an index: pages that a database compares in its cache take 20 milliseconds.
_LEVELS_A_PAGE = 100_000
_ORDERS_A_PAGE = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What was compared, and what did not agree (the first 1,000 discrepancies).

    `replica_lag_seconds` says how old the figures of a page were at most, where a replica was read.
    """

    levels: int
    orders: int
    discrepancies: tuple[Discrepancy, ...]
    replica_lag_seconds: float | None = None


def audit(*, caller: Caller, databases: Databases, progress: Callable[[int, int], None] | None = None) -> AuditReport:
    """Compare every level with its ledger, and every order with what it holds, in pages.

    Each page may be read from a replica or from the primary: its figures are of one moment on either.
    `progress` is called with the numbers of levels and orders compared so far. Raise `forbidden`.
    """
    caller.require(Scope.INVENTORY_READ)
    caller.require(Scope.ORDERS_READ)
    caller.require_unbound()
    levels = orders = 0
    lag: float | None = None
    discrepancies: list[Discrepancy] = []
    for page, found in _pages(databases, lambda audits: audits.compare_levels, _LEVELS_A_PAGE, audit_level):
        levels += page.result.count
        lag = oldest(lag, page.replica_lag_seconds)
        discrepancies.extend(found[: _DISCREPANCIES_MAX - len(discrepancies)])
        _tell(progress, levels, orders)
    for read, found in _pages(databases, lambda audits: audits.compare_orders, _ORDERS_A_PAGE, audit_order):
        orders += read.result.count
        lag = oldest(lag, read.replica_lag_seconds)
        discrepancies.extend(found[: _DISCREPANCIES_MAX - len(discrepancies)])
        _tell(progress, levels, orders)
    return AuditReport(levels=levels, orders=orders, discrepancies=tuple(discrepancies), replica_lag_seconds=lag)


def _tell(progress: Callable[[int, int], None] | None, levels: int, orders: int) -> None:
    if progress is not None:
        progress(levels, orders)


def _pages(
    databases: Databases,
    compare_of: Callable[[AuditStorage], Compare[Balance]],
    limit: int,
    rule: Callable[[Balance], Discrepancy | None],
) -> Iterator[tuple[Read[Compared[Any, Balance]], list[Discrepancy]]]:
    """Have page after page compared; give each, and what the rule finds in its suspects."""
    after = None
    while True:
        page = databases.read(partial(_compare, compare_of, after, limit))
        yield page, [found for each in page.result.suspects if (found := rule(each))]
        after = page.result.last
        if after is None:
            return


def _compare(
    compare_of: Callable[[AuditStorage], Compare[Balance]], after: Any, limit: int, storage: ReadStorage
) -> Compared[Any, Balance]:
    return compare_of(storage.audits)(after=after, limit=limit)
