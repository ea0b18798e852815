"""What PostgreSQL and SQLite have each of their own: how they are reached, and the statements on some tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar
from uuid import UUID

from oms_core.domain.cells import Cell
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.placement import Enqueue, EnteredAs, Placement, PlacementView, Refuse, Reserve
from oms_core.domain.orders.queueing import QueuedOrder
from oms_core.domain.stamps import Stamp
from oms_core.domain.stock.import_decisions import BatchResult
from oms_core.domain.stock.ledger import EventEntry, MovementEntry
from oms_core.ports.import_storage import ImportBatch
from oms_core.ports.queue_storage import SettleBatch
from oms_peewee.faults import Fault
from oms_peewee.retry_deadline import RetryDeadline
from oms_peewee.session import Session

CREATE_MIGRATIONS = (
    "CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, checksum text NOT NULL, needs text)"
)

# A session of the same database, as tables know it: no type says that tables and sessions belong together.
OwnSession: TypeAlias = Any
View = TypeVar("View")

# An order that is to be written, and the verdict that says so.
NewOrder: TypeAlias = tuple[Placement, Reserve | Enqueue]
AsWritten: TypeAlias = Callable[[Placement], Order]
Settled: TypeAlias = tuple[QueuedOrder, Reserve | Refuse]
# The order's index in what is to be settled, its version, how long it is to be held, the locations that it is served
# from (JSON), and a line's SKU and quantity.
QueuedLine: TypeAlias = tuple[int, int, int | None, object, str, int]


class Engine(Protocol):
    """Opens connections to one database."""

    @property
    def connections_max(self) -> int:
        """How many connections one process opens at most."""
        ...

    @property
    def driver_errors(self) -> tuple[type[Exception], ...]:
        """What the driver raises."""
        ...

    def connect(self) -> Session:
        """Open a connection, with every timeout set."""
        ...

    def writer_lock(self, deadline: RetryDeadline) -> AbstractContextManager[None]:
        """Wait until this thread may begin a transaction that writes."""
        ...

    def fault_of(self, error: Exception) -> Fault:
        """Return what an error of `driver_errors` means."""
        ...

    def reason_of(self, error: Exception) -> str:
        """Return what an error says, in one line for the operator, with what can be done about it."""
        ...

    def describe(self) -> str:
        """Name the database for a person, without a password."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaDialect:
    """How one database runs a migration: its folder in oms_ddl, its lock against other upgraders, its scripts.

    Nobody administers one that `is_embedded`: whoever uses it first finds out whether its schema fits.
    """

    name: str
    prepare: Sequence[str]
    statements: Callable[[str], Iterable[str]]
    param: str
    is_embedded: bool
    cells: Callable[[Session], Iterable[Cell]] = lambda _: ()


class Ledger(Protocol):
    """Writes changes of stock, inside a transaction that the caller has begun."""

    def write(
        self,
        session: OwnSession,
        *,
        movements: Sequence[MovementEntry],
        events: Sequence[EventEntry],
        silent_skus: Collection[str] = (),
    ) -> None:
        """Write ledger rows, move their levels, write the events, and announce stock events.

        All levels of the products moved are locked, by (sku, location). Products of `silent_skus` get no stock events:
        the caller has written them, or there are none. Raise UncoveredError when a level is missing or would break
        its bounds.
        """
        ...


class NewOrderTables(Protocol[View]):
    """Reads what the decision on new orders needs, and writes those that are to be written."""

    @property
    def entered_as(self) -> EnteredAs:
        """How the orders that these tables write come in."""
        ...

    @property
    def reads_before_locking(self) -> bool:
        """Whether to read first without locks: a refusal then takes none."""
        ...

    def recall(self, session: OwnSession, placements: Sequence[Placement]) -> View | None:
        """Return what is remembered of the products ordered, and no keys; None when it is not to be relied upon.

        Products that are not remembered are read. It is enough to write orders, for `write` finds out what does not
        hold, but not to refuse one.
        """
        ...

    def read(self, session: OwnSession, placements: Sequence[Placement]) -> View:
        """Read the products ordered, and the keys used no earlier than them.

        An order whose key is missed here has then not taken its stock either, and writing the key finds it.
        """
        ...

    def lock(self, session: OwnSession, placements: Sequence[Placement]) -> None:
        """Lock all levels of the products ordered, by (sku, location), unless no stock is taken."""
        ...

    def written(self, session: OwnSession, placements: Sequence[Placement]) -> set[UUID]:
        """Return the ids of the placements that have been written already."""
        ...

    def write(self, session: OwnSession, new_orders: Sequence[NewOrder], view: View) -> AsWritten:
        """Write orders, lines, reservations, levels and events; return what shows an order as it was written.

        This is the last step of the transaction, and may commit it. `view` is what was decided upon. Raise
        UncoveredError, or a driver's error for it, if that does not hold: the stock is not there, or there is a level
        more that it might have been taken from.
        """
        ...


class SettlingTables(Protocol):
    """Reads the queued orders that are to be settled, and writes what was decided on them."""

    @property
    def reads_before_turn(self) -> bool:
        """Whether reading holds up no earlier settlement: then its end is waited for after reading."""
        ...

    def take(self, session: OwnSession, order_ids: Sequence[UUID], claimed: Sequence[bool]) -> Iterable[QueuedLine]:
        """Lock the orders that may be settled, their waiting rows first, each in the order given: by id.

        Return their lines by queue number and line, ROWS_MAX at most.
        """
        ...

    def lock(self, session: OwnSession, orders: Sequence[QueuedOrder]) -> None:
        """Lock all levels of the products ordered, by (sku, location)."""
        ...

    def read(self, session: OwnSession, orders: Sequence[QueuedOrder]) -> PlacementView:
        """Read the products ordered."""
        ...

    def write(self, session: OwnSession, settled: Sequence[Settled], batch: SettleBatch, view: PlacementView) -> None:
        """Write statuses, reservations, levels and events; levels last, when it is this settlement's turn.

        This is the last step of the transaction, and may commit it. `view` is what was decided upon. Raise
        UncoveredError if the stock is not there.
        """
        ...


class ImportTables(Protocol):
    """Decides and writes batches of imported stock, inside a transaction that the caller has begun."""

    def write(self, session: OwnSession, batch: ImportBatch, stamp: Stamp) -> BatchResult:
        """Write what `decide_import` decides on the rows as they are under lock. May raise ChangedMeanwhileError."""
        ...

    def decide(self, session: OwnSession, batch: ImportBatch) -> BatchResult:
        """Return the result that `write` would have; write nothing and lock nothing."""
        ...


class Dialect(Protocol):
    """What a storage asks of its database."""

    @property
    def engine(self) -> Engine:
        """How it is reached."""
        ...

    @property
    def schema(self) -> SchemaDialect:
        """How its schema is made."""
        ...

    @property
    def expire_orders_max(self) -> int:
        """How many holds one transaction expires at most."""
        ...

    def ledger(self) -> Ledger:
        """Return what writes its ledger."""
        ...

    def placed_orders(self) -> NewOrderTables[Any]:
        """Return the tables of orders that are placed at once."""
        ...

    def queued_orders(self) -> NewOrderTables[Any]:
        """Return the tables of orders that are queued."""
        ...

    def settling(self) -> SettlingTables:
        """Return the tables of queued orders that are settled."""
        ...

    def imports(self) -> ImportTables:
        """Return the tables of imported stock."""
        ...
