"""The Replica port: a copy of the database that follows it, for lists and audits that may be a little old."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from oms_core.ports.audit_storage import AuditStorage
from oms_core.ports.order_storage import OrderStorage
from oms_core.ports.storage import StockStorage, Storage, StorageOptions


class ReadStorage(Protocol):
    """What lists and audits read: a primary, or a replica of it."""

    @property
    def orders(self) -> OrderStorage:
        """Orders."""
        ...

    @property
    def stock(self) -> StockStorage:
        """Products and ledger."""
        ...

    @property
    def audits(self) -> AuditStorage:
        """Figures to audit."""
        ...


class Replica(ReadStorage, Protocol):
    """A replica: it shows what its primary has committed up to some moment, and never goes back.

    Only its methods that read are called. They raise what a storage's do, and give up a transient fault soon, since
    the primary can be asked instead. All methods are thread-safe, connect lazily, and work in a forked child.
    """

    def mark(self) -> str:
        """Return where the primary's history stands: whatever it had committed before the call comes before the mark.

        Raise `storage_unavailable` while the primary is away, or cannot say it.
        """
        ...

    def count_reached(self, marks: Sequence[str]) -> int:
        """Return how many of these marks, the oldest first, the replica has reached: it shows all that comes before.

        Raise `storage_unavailable`, or what tells more, where it is away or is no replica of the primary that made the
        marks. The answer comes within few seconds, however busy the replica is.
        """
        ...

    def describe(self) -> str:
        """Return the replica's name for a person; never a password."""
        ...

    def close(self) -> None:
        """Close every connection to the replica; the next call connects again."""
        ...


OpenReplica = Callable[[str, StorageOptions, Storage], Replica]
"""Opens the replica at a URL of the storage that is its primary. Nothing is connected yet. Raises `invalid_setting`."""
