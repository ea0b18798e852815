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

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.events import Event
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.orders.bulk_changes import DecideOrderChanges, Moved
from oms_core.domain.orders.order import Holding, LineAllocation, Order, OrderFilter
from oms_core.domain.orders.placement import Placement, PlacementOutcome, PlacementView, Verdict
from oms_core.domain.orders.status_changes import OrderChange
from oms_core.domain.stock.changes import ProductChange
from oms_core.domain.stock.products import Movement, Product, ProductFilter
from oms_core.ports.api_key_storage import ApiKeyStorage
from oms_core.ports.archive_storage import ArchiveStorage
from oms_core.ports.audit_storage import AuditStorage
from oms_core.ports.hold_storage import HoldStorage
from oms_core.ports.import_storage import ImportStorage
from oms_core.ports.queue_storage import OutboxStorage, QueueStorage, WorkerStorage
from oms_core.ports.schema_storage import SchemaStorage

DecidePlacement = Callable[[Sequence[Placement], PlacementView], list[Verdict]]
DecideOrderChange = Callable[[Order, Sequence[Holding]], OrderChange | None]
DecideProductChange = Callable[[Product | None], ProductChange | None]
CheckDeletion = Callable[[Product, bool], None]


class OrderStorage(Protocol):
    """Orders, their lines, and their history."""

    def place(self, placements: Sequence[Placement], decide: DecidePlacement) -> list[PlacementOutcome]:
        """Write what `decide` accepts, as if alone in the database; return one outcome per placement, in order.

        In one transaction: orders (status pending, version 1), lines, reservations (`reservation`), one `order.placed`
        event each (`placed_event`), the levels' `reserved` (+ version, updated_at), and `stock_events` from the figures
        under lock. All levels of the products ordered are locked, so crossings of thresholds are exact. A product's
        stock events and `updated_at` have the caller, request id and time of the last accepted order of that product.
        An order with `hold_seconds` becomes held instead (`held_order`, `held_event`), until so long from now by the
        database's clock. Those that are held are written after the others, as if they stood behind them.

        `decide` may be called again on fresher figures; the last decision is the one that is written. If all are
        refused, nothing is written. A taken id means that an earlier attempt succeeded. A taken key means that a
        concurrent call was first; `decide` is then called again. For a `Replay` its order is returned as it is now,
        or the refusal `order_archived` where the order is gone: a key outlives its order.

        There are at most TRANSACTION_ORDERS_MAX placements. An error that is one order's own fault (a value that the
        database refuses) is raised as `internal_error`; nothing of the call is written. If another transaction still
        writes the first order of a key when the deadline passes, `idempotency_key_in_use` is raised.
        """
        ...

    def change(
        self, order_id: UUID, *, owner: str | None, caller: Caller, now: datetime, decide: DecideOrderChange
    ) -> Order:
        """Lock an order, call `decide` with it and its holdings, write the change, return the order after it.

        For a change that raises a count, the holdings' figures of their levels are exact, since they are read under
        lock. It writes status, version + 1, updated_at, the movements with their levels, the event, and `stock_events`.
        A change with a queue entry also writes attempts, failure, and the due time by the database's clock. An order
        that becomes queued again gets a new queue number, above all that wait, and has no hold. A change with the end
        of a hold writes that. One with a payment reference keeps it for this order, also where the order is gone one
        day, or raises `payment_reference_in_use` where another order has it.

        None from `decide` changes nothing. An error of `decide` rolls back and passes through. `owner` is a customer
        id: the order of another customer is `order_not_found`.
        """
        ...

    def change_once(
        self,
        order_id: UUID,
        *,
        key: IdempotencyKey,
        owner: str | None,
        caller: Caller,
        now: datetime,
        decide: DecideOrderChange,
    ) -> tuple[Order, bool]:
        """Change an order as `change` does, once per key; return the order after it, and whether this was a replay.

        The key is stored in the same transaction, also if `decide` changes nothing; an error of `decide` stores none. A
        key that was stored with the same fingerprint makes the call a replay (True; nothing is decided or written), or
        raises `order_archived` where its order is gone. With another fingerprint it raises `idempotency_key_reused`.
        The keys are those of `place` too: one namespace a caller for all that is done to orders.
        """
        ...

    def change_many(
        self,
        order_ids: Sequence[UUID],
        *,
        owner: str | None,
        caller: Caller,
        now: datetime,
        decide: DecideOrderChanges,
    ) -> dict[UUID, Moved]:
        """Change up to 500 orders in one transaction, each as `change` does; return what has become of each.

        Orders are locked by id. `decide` is called with those that are there and may be seen, by id, and gives a
        decision for each: a change (which neither queues it nor has a queue entry), an error that is the outcome of
        that order alone, or None. All changes are written, or none. Each level changes once, by the sum. An order that
        is not there is `order_not_found`.

        By id, the orders from the one with which 5,000 lines are passed are left out; the first is always done.
        """
        ...

    def get(self, order_id: UUID, *, owner: str | None) -> Order:
        """Return one order with its lines by line_no. Raise `order_not_found`."""
        ...

    def find(self, wanted: OrderFilter, *, after: UUID | None, limit: int, lines_max: int | None = None) -> list[Order]:
        """List orders with their lines, by id descending (newest first) below `after`. An empty list at the end.

        If the filter wants the oldest first, they are listed by id ascending above `after`. With `lines_max` the list
        ends with the order whose lines reach it, and hardly more of them are read.
        """
        ...

    def allocations(self, order_ids: Sequence[UUID], *, owner: str | None) -> dict[UUID, list[LineAllocation]]:
        """Sum by line and location what the ledger rows of up to 500 orders say; by line_no, then location.

        An order that is not there, or of another owner, has none, nor has one of which nothing is reserved or shipped.
        """
        ...

    def events(self, order_id: UUID, *, owner: str | None, after: int | None, limit: int) -> list[Event]:
        """List an order's events by id ascending (oldest first), above `after`. Raise `order_not_found`."""
        ...


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
