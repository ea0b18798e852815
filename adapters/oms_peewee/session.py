"""One connection, as the rest of the adapter sees it: a peewee database that one thread uses at a time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, TypeVar

import peewee

from oms_peewee.faults import Fault, UnstorableValueError
from oms_peewee.retry_deadline import RetryDeadline


class Session(peewee.Database):
    """A peewee database of exactly one connection: `Model.select().execute(session)`, `with session.atomic():`.

    Every statement goes through `execute_sql`; the driver's own exceptions come out of it, except that a value which
    the driver cannot even send raises UnstorableValueError.
    """

    def execute_sql(self, sql: str, params: Sequence[object] | None = None) -> Any:
        """Run SQL with parameters; give the driver's cursor."""
        cursor = self.driver.cursor()
        try:
            cursor.execute(sql, params) if params else cursor.execute(sql)
        except (ValueError, OverflowError) as error:
            raise UnstorableValueError(str(error)) from error
        return cursor

    @property
    def driver(self) -> Any:
        """The driver's connection, for what peewee has no words for, such as COPY."""
        return self.connection()  # type: ignore[no-untyped-call]

    def is_usable(self) -> bool:
        """Tell, without asking the server, whether nothing is open or broken."""
        raise NotImplementedError

    def check_ready(self) -> None:
        """Raise what stands in the way of writing, as far as it can be found by reading."""
        raise NotImplementedError

    def snapshot(self) -> AbstractContextManager[object]:
        """Run statements that only read; each sees what is committed when it begins."""
        raise NotImplementedError

    def unlimited(self) -> AbstractContextManager[object]:
        """Let statements take as long as they do: for migrations, which set the server's limits aside too."""
        return nullcontext()

    def index_walk(self) -> AbstractContextManager[object]:
        """Run queries along their indexes, whatever the statistics say: they read no more rows than their limits ask.

        Statistics are minutes old, and a queue may have grown a hundredfold since.
        """
        raise NotImplementedError

    def locking(self, query: peewee.ModelSelect[Any]) -> peewee.ModelSelect[Any]:
        """Make a query lock the rows it gives, in its order, where rows can be locked."""
        raise NotImplementedError

    def locking_free(self, query: peewee.ModelSelect[Any]) -> peewee.ModelSelect[Any]:
        """Make a query lock the rows it gives and pass over those that somebody else has locked."""
        raise NotImplementedError

    def time_from_now(self, seconds: float) -> Any:
        """Return a time by the database's clock, as a value of a query; it may be in the past."""
        raise NotImplementedError

    def discard(self) -> None:
        """Close the connection, whatever its state; never raises."""
        raise NotImplementedError


AnySession = TypeVar("AnySession", bound=Session)
Opened_co = TypeVar("Opened_co", bound=Session, covariant=True)
Session_contra = TypeVar("Session_contra", bound=Session, contravariant=True)


class Engine(Protocol[Opened_co]):
    """What differs between the two databases before a statement is run."""

    @property
    def connections_max(self) -> int:
        """How many connections one process opens at most."""
        ...

    @property
    def driver_errors(self) -> tuple[type[Exception], ...]:
        """What the driver raises."""
        ...

    def connect(self) -> Opened_co:
        """Open a connection, with every timeout set."""
        ...

    def writer_lock(self, deadline: RetryDeadline) -> AbstractContextManager[None]:
        """Wait until this thread may begin a transaction that writes."""
        ...

    def fault_of(self, error: Exception) -> Fault:
        """Tell what an error of `driver_errors` means."""
        ...

    def reason_of(self, error: Exception) -> str:
        """Return what an error says, in one line for the operator, with what can be done about it."""
        ...

    def describe(self) -> str:
        """Name the database for a person, without a password."""
        ...
