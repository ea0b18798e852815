"""Storage: it keeps orders, stock, the ledger and the events, and takes every lock.

Every method runs in its own transaction: all of it is written, or nothing. Every method may raise two kinds of
OmsError, and then nothing was changed. `storage_unavailable`: the database is unreachable, or stayed busy or locked
until the deadline. `storage_unusable`: it is reachable, but nobody can work before its operator has repaired something.

A transient fault (a lost connection, a deadlock, a serialisation failure, a lock timeout, a busy database) is retried
inside, until the storage's deadline. If the answer to a COMMIT is lost, the method finds out whether the COMMIT
happened, whatever others have done since; ids, keys, caller and time are fixed beforehand for this. If it did, the
method returns the order or product as it is now, and does nothing twice. `outcome_unknown` is raised only when the
deadline passes first.

What `decide` returns is written only if levels stay within their bounds. A decision that the stock does not cover is a
bug of the decision, and raised as `internal_error`. No exception of a database driver leaves an adapter. All methods
are thread-safe, connect lazily, and work again after the database was restarted or the process forked.

Lock order, everywhere: the rows of orders that wait (by order id), order rows (by id), then products and levels (by
sku, location). Who changes an order that may wait locks its waiting row first, and reads the order's status after both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from oms_core.domain.callers import Caller
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.stock.changes import ProductChange
from oms_core.domain.stock.products import Movement, Product, ProductFilter
from oms_core.ports.api_key_storage import ApiKeyStorage
from oms_core.ports.archive_storage import ArchiveStorage
from oms_core.ports.audit_storage import AuditStorage
from oms_core.ports.hold_storage import HoldStorage
from oms_core.ports.import_storage import ImportStorage
from oms_core.ports.location_storage import LocationStorage
from oms_core.ports.order_storage import OrderStorage
from oms_core.ports.queue_storage import OutboxStorage, QueueStorage, WorkerStorage
from oms_core.ports.schema_storage import SchemaStorage

DecideProductChange = Callable[[Product | None], ProductChange | None]
CheckDeletion = Callable[[Product, bool], None]


class StockStorage(Protocol):
    """Products, levels and the ledger."""

    def change(
        self, sku: str, *, key: IdempotencyKey, caller: Caller, now: datetime, decide: DecideProductChange
    ) -> tuple[Product, bool]:
        """Lock a product with all its levels, call `decide`, write the change; return the product, and whether it is a
        replay.

        `decide` is called with None for a product that does not exist. Its ProductChange then creates the product, with
        the name '' if it has none; two concurrent creators do not collide. The key is stored with the change, also if
        nothing moves, so that the change is recognised after a lost COMMIT. A key that was stored with the same
        fingerprint makes the call a replay (True, nothing written); with another fingerprint it raises
        `idempotency_key_reused`. A key without a fingerprint may be deleted a day later.

        None from `decide` changes nothing. An error of `decide` rolls back. `stock_events` are written for a product
        that existed before. A level's version is 1 when it is created, whatever its count, and grows by 1 with each
        transaction that changes it. Raise `sku_not_found` when `decide` returns None for an unknown product.
        """
        ...

    def delete(self, sku: str, *, key: IdempotencyKey, now: datetime, check: CheckDeletion) -> None:
        """Lock a product with all its levels, call `check`, delete both; an error of `check` deletes nothing.

        `check` is called with the product, and with whether a row of the ledger or a line of an order has its SKU.
        `key` is stored, so that the deletion is recognised after a lost COMMIT. Raise `sku_not_found`.
        """
        ...

    def get(self, sku: str) -> Product:
        """Return one product. Raise `sku_not_found`."""
        ...

    def find(self, wanted: ProductFilter, *, after: str | None, limit: int) -> list[Product]:
        """List products by SKU ascending (code point order), above `after`."""
        ...

    def movements(self, sku: str, *, after: int | None, limit: int) -> list[Movement]:
        """List a product's ledger rows by id descending (newest first), below `after`. Raise `sku_not_found`."""
        ...


class Storage(Protocol):
    """One database."""

    @property
    def orders(self) -> OrderStorage:
        """Orders."""
        ...

    @property
    def queue(self) -> QueueStorage:
        """Orders that wait to be placed."""
        ...

    @property
    def holds(self) -> HoldStorage:
        """Orders that wait to be confirmed."""
        ...

    @property
    def workers(self) -> WorkerStorage:
        """Workers."""
        ...

    @property
    def outbox(self) -> OutboxStorage:
        """Events to publish."""
        ...

    @property
    def stock(self) -> StockStorage:
        """Products, levels and ledger."""
        ...

    @property
    def locations(self) -> LocationStorage:
        """Places that hold stock."""
        ...

    @property
    def imports(self) -> ImportStorage:
        """Imports of stock."""
        ...

    @property
    def archive(self) -> ArchiveStorage:
        """Orders that leave for an archive."""
        ...

    @property
    def audits(self) -> AuditStorage:
        """Figures to audit."""
        ...

    @property
    def keys(self) -> ApiKeyStorage:
        """API keys."""
        ...

    @property
    def schema(self) -> SchemaStorage:
        """Schema and migrations."""
        ...

    def describe(self) -> str:
        """Return the database's name for a person: the absolute path of a file, or server and database; never a
        password.
        """
        ...

    def close(self) -> None:
        """Close every connection; the next call connects again."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageOptions:
    """How a storage is opened.

    `deadline_seconds` bounds retrying of transient faults; `lock_timeout_seconds` and `statement_timeout_seconds` bound
    one lock and one statement. `create` allows it to make a missing database file and to upgrade an embedded schema.
    `prepared_statements` False suits a transaction pooler. `keeps_outbox` stores every event for publishing.
    """

    deadline_seconds: float = 10.0
    lock_timeout_seconds: float = 5.0
    statement_timeout_seconds: float = 30.0
    connect_timeout_seconds: float = 3.0
    create: bool = True
    prepared_statements: bool = True
    keeps_outbox: bool = False


OpenStorage = Callable[[str, StorageOptions], Storage]
