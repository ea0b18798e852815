"""Storage of what leaves for an archive: finished orders, read whole and then removed.

What `oms_core.ports.storage` says of every method of a storage is true of these too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.orders.archiving import ArchivedOrder


class ArchiveStorage(Protocol):
    """Finished orders that nobody has touched for long."""

    def finished(self, *, before: datetime, after: UUID | None, limit: int) -> list[ArchivedOrder]:
        """Return finished orders (`FINISHED`) that were last changed before a time, by id ascending, above `after`.

        Each has its lines, ledger rows and events. Nothing is locked.
        """
        ...

    def remove(self, versions: Mapping[UUID, int], *, caller: Caller, now: datetime) -> frozenset[UUID]:
        """Remove orders with their lines, ledger rows and events; return the ids of those that are gone.

        In one transaction, of at most ARCHIVE_ORDERS_MAX orders. An order stays if it is not at its version any more,
        is not finished, still reserves something by its ledger rows, or has an event that is to be published. One that
        is gone already counts as removed. For each level that the removed rows have moved an `opening` row is written
        with their sum (`openings`), and takes the place of the opening that there was: the sums of the ledger stay as
        they are. Levels are neither locked nor written. Idempotency keys stay, and go on to answer.

        Orders are locked by id, then openings by (sku, location). Of two at once over the same levels both may leave an
        opening, which the next removal merges.
        """
        ...
