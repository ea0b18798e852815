"""The audit: it shows whether counters, ledger and open orders agree, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.limits import PAGE_ITEMS_MAX
from oms_core.domain.stock.balances import Discrepancy, audit_level, audit_order
from oms_core.ports.storage import AuditStorage

_DISCREPANCIES_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What was compared, and what did not agree (the first 1,000 discrepancies)."""

    levels: int
    orders: int
    discrepancies: tuple[Discrepancy, ...]


def audit(*, caller: Caller, audits: AuditStorage, progress: Callable[[int, int], None] | None = None) -> AuditReport:
    """Compare every level with its ledger, and every order with what it holds, in pages.

    `progress` is called with the numbers of levels and orders compared so far. Raise `forbidden`.
    """
    caller.require(Scope.INVENTORY_READ)
    caller.require(Scope.ORDERS_READ)
    caller.require_unbound()
    levels = orders = 0
    discrepancies: list[Discrepancy] = []
    for found in _levels(audits):
        levels += 1
        discrepancies.extend(found[: _DISCREPANCIES_MAX - len(discrepancies)])
        _tell(progress, levels, orders)
    for found in _orders(audits):
        orders += 1
        discrepancies.extend(found[: _DISCREPANCIES_MAX - len(discrepancies)])
        _tell(progress, levels, orders)
    return AuditReport(levels=levels, orders=orders, discrepancies=tuple(discrepancies))


def _tell(progress: Callable[[int, int], None] | None, levels: int, orders: int) -> None:
    if progress is not None:
        progress(levels, orders)


def _levels(audits: AuditStorage) -> Iterator[list[Discrepancy]]:
    after: tuple[str, str] | None = None
    while page := audits.level_balances(after=after, limit=PAGE_ITEMS_MAX):
        for balance in page:
            found = audit_level(balance)
            yield [found] if found else []
        after = page[-1].sku, page[-1].location


def _orders(audits: AuditStorage) -> Iterator[list[Discrepancy]]:
    after = None
    while page := audits.order_balances(after=after, limit=PAGE_ITEMS_MAX):
        for balance in page:
            found = audit_order(balance)
            yield [found] if found else []
        after = page[-1].order_id
