"""One connection, as the rest of the adapter sees it: a peewee database that one thread uses at a time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import peewee


class Session(peewee.Database):
    """A peewee database of exactly one connection: `Model.select().execute(session)`, `with session.atomic():`.

    Every statement goes through `execute_sql`; the driver's own exceptions come out of it, except that a value which
    the driver cannot even send raises UnstorableValueError.
    """

    # The driver's connection, for what peewee has no words for, such as COPY.
    driver: Any

    def execute_sql(self, sql: str, params: Sequence[object] | None = None) -> Any:
        """Run SQL with parameters; return the driver's cursor."""
        raise NotImplementedError

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
        """Let statements take any time, for migrations, which set the server's limits aside too."""
        return nullcontext()

    def index_walk(self) -> AbstractContextManager[object]:
        """Run queries along their indexes, so that they read no more rows than their limits ask for.

        Statistics are minutes old, and a queue may have grown a hundredfold since they were made.
        """
        raise NotImplementedError

    def locking(self, query: peewee.ModelSelect[Any]) -> peewee.ModelSelect[Any]:
        """Make a query lock the rows it returns, in its order, where rows can be locked."""
        raise NotImplementedError

    def locking_free(self, query: peewee.ModelSelect[Any]) -> peewee.ModelSelect[Any]:
        """Make a query lock the rows it returns and pass over those that somebody else has locked."""
        raise NotImplementedError

    def time_from_now(self, seconds: float) -> Any:
        """Return a time by the database's clock, as a value of a query; it may be in the past."""
        raise NotImplementedError

    def next_queue_number(self) -> int:
        """Return the number after the last one in the queue."""
        raise NotImplementedError

    def discard(self) -> None:
        """Close the connection, whatever its state; never raises."""
        raise NotImplementedError
