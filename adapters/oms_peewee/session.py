"""One connection, as the rest of the adapter sees it: a peewee database that one thread uses at a time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any

import peewee

from oms_peewee.bulk_inserts import BulkInsert
from oms_peewee.retry_deadline import RetryDeadline


class Session(peewee.Database):
    """A peewee database of exactly one connection: `Model.select().execute(session)`, `with session.atomic():`.

    Every statement goes through `execute_sql`; the driver's own exceptions come out of it, except that a value which
    the driver cannot even send raises UnstorableValueError.
    """

    # The driver's connection, for what peewee has no words for, such as COPY.
    driver: Any

    # Until when the call that has borrowed this connection may take.
    deadline: RetryDeadline

    # Ends a SELECT that locks the rows it returns, where rows can be locked.
    row_lock: str

    def among(self, ids: Sequence[str]) -> tuple[str, str]:
        """Return how a SELECT says that an id is one of these, and the one parameter of that, however many they are."""
        raise NotImplementedError

    def insert_rows(self, insert: BulkInsert, rows: Sequence[Sequence[object]]) -> None:
        """Insert rows, each with a value for every column; none where there are none."""
        raise NotImplementedError

    def execute_sql(self, sql: str, params: Sequence[object] | None = None) -> Any:
        """Run SQL with parameters; return the driver's cursor."""
        raise NotImplementedError

    def is_usable(self) -> bool:
        """Tell, without asking the server, whether nothing is open or broken."""
        raise NotImplementedError

    def await_standbys(self) -> None:
        """Wait until everything that was committed before is where it has to be before it may be answered.

        That a transaction is seen does not say so: a server that was told to stop waiting for standbys shows it too.
        Raises CommitLostError when it did not come to that.
        """

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

    def range_merge(self) -> AbstractContextManager[object]:
        """Run queries that join ranges of several tables along their indexes, each range read once."""
        raise NotImplementedError

    def long_read(self) -> AbstractContextManager[object]:
        """Run queries that may read whole tables, for as long as it takes."""
        raise NotImplementedError

    def by_period(
        self,
        page: peewee.ModelSelect[Any],
        order_id: peewee.Field,
        bounds: Sequence[peewee.Expression],
        *,
        limit: int,
        oldest_first: bool,
    ) -> peewee.SelectBase:
        """Cut a page of the orders of one customer or SKU such that it reads the index that there is for it.

        `bounds` are those of the page, of OrderRow.id.
        """
        raise NotImplementedError

    def locking(self, query: peewee.ModelSelect[Any]) -> peewee.ModelSelect[Any]:
        """Make a query lock the rows it returns, in its order, where rows can be locked."""
        raise NotImplementedError

    def sharing(self, query: peewee.ModelSelect[Any]) -> peewee.ModelSelect[Any]:
        """Make a query lock the rows it returns against a change, where rows can be locked."""
        raise NotImplementedError

    def locking_free(self, query: peewee.ModelSelect[Any]) -> peewee.ModelSelect[Any]:
        """Make a query lock the rows it returns and pass over those that somebody else has locked."""
        raise NotImplementedError

    def time_from_now(self, seconds: float) -> Any:
        """Return a time by the database's clock, as a value of a query; it may be in the past."""
        raise NotImplementedError

    def clock(self) -> datetime:
        """Return the time by the database's clock: aware and in UTC."""
        raise NotImplementedError

    def next_queue_number(self) -> int:
        """Return the number after the last one in the queue."""
        raise NotImplementedError

    def discard(self) -> None:
        """Close the connection, whatever its state; never raises."""
        raise NotImplementedError
