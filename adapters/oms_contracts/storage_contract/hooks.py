"""What the port does not show, and the contract has to see or break: each adapter's test module says how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from oms_core.ports.storage import Storage

PASSWORD = "hush-hush"  # noqa: S105  It is to be looked for, not to be kept.


@dataclass(frozen=True, slots=True)
class StockEvent:
    """A stock event as it was written."""

    type: str
    available: int
    low_stock_threshold: int | None
    actor: str
    request_id: str | None


class StorageHooks:
    """To be overridden by the test module of an adapter."""

    def stock_events(self, storage: Storage, sku: str) -> list[StockEvent]:
        """Read a product's events, oldest first: no method of the port lists them."""
        raise NotImplementedError

    def break_level(self, storage: Storage, sku: str, location: str) -> None:
        """Add 1 to the `on_hand` of a level behind the ledger's back."""
        raise NotImplementedError

    def break_order(self, storage: Storage, order_id: UUID) -> None:
        """Add 1 to what the first ledger row of an order reserves, behind everybody's back."""
        raise NotImplementedError

    def lose_next_commit(self, storage: Storage, then: Callable[[], object]) -> None:
        """Lose the answer to the next COMMIT of `lossy_storage`: it happens, then `then` runs to its end, once and on
        any thread, and only then the storage finds its connection broken.
        """
        raise NotImplementedError
