"""Storage of holds: orders whose stock is reserved until they are confirmed, or their time runs out.

What `oms_core.ports.storage` says of every method of a storage is true of these too. `OrderStorage.place` and
`QueueStorage.settle` begin holds; `OrderStorage.change` writes the confirmations and extensions that the core decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from oms_core.domain.orders.holds import OverdueHold
from oms_core.domain.stamps import Stamp


class HoldStorage(Protocol):
    """Held orders, by when their holds end."""

    @property
    def expire_orders_max(self) -> int:
        """How many orders one transaction expires at most, so that nobody waits long for it."""
        ...

    def clock(self) -> datetime:
        """Return the time by the database's clock, by which holds end: aware and in UTC."""
        ...

    def overdue(self, *, limit: int) -> list[OverdueHold]:
        """List held orders whose time has run out, the longest overdue first, without a lock."""
        ...

    def count_overdue(self) -> int:
        """Count them, up to OVERDUE_COUNTED_MAX."""
        ...

    def expire(self, order_ids: Sequence[UUID], *, stamp: Stamp) -> list[UUID]:
        """Expire, in one transaction, those of these orders that are held and overdue (still); return them by id.

        Status, clock and holdings are read under lock. What `expiry` says of each is written: status expired (version
        + 1, updated_at), the release of its stock, its event; and `stock_events`, all with the stamp. An order that is
        locked by somebody else is skipped. After a lost COMMIT the orders that had been expired are returned, even if
        they have changed since. An error that is one order's own fault is raised as `internal_error`; nothing of the
        call is written.
        """
        ...

    def lease(self, holder: str, *, seconds: float) -> bool:
        """Take or prolong the right to expire, by the database's clock; False while another holder has it.

        It spares many who would expire the same orders the wait for each other. No outcome depends on it.
        """
        ...

    def release(self, holder: str) -> None:
        """Give up the right to expire, if this holder has it."""
        ...
