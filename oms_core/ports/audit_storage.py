"""Storage that is audited: what it compares, for the rule of `oms_core.domain.stock.balances` to judge.

What `oms_core.ports.storage` says of every method of a storage is true of these too.
"""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from oms_core.domain.stock.balances import Compared, LevelBalance, OrderBalance


class AuditStorage(Protocol):
    """Compares counters, ledger and orders, page by page, beside everything else that goes on.

    The figures of each suspect belong together: they are of one moment. A storage need not know the rule; it may pass
    by whatever `audit_level` or `audit_order` surely has nothing to say of.
    """

    def compare_levels(self, *, after: str | None, limit: int) -> Compared[str, LevelBalance]:
        """Compare levels with the sums of their ledger rows, by (sku, location) ascending, for SKUs above `after`.

        A page has all levels of each of its products, and so some more than `limit`. A (sku, location) that has ledger
        rows but no level is compared too, with counters of 0. It may take as long as the ledger is.
        """
        ...

    def compare_orders(self, *, after: UUID | None, limit: int) -> Compared[UUID, OrderBalance]:
        """Compare orders by id ascending, above `after`, with their lines, their ledger rows, and how they wait."""
        ...
