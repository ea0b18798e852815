"""Connections to PostgreSQL: how they are opened, how a transaction begins and ends, what errors mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import datetime
from typing import Any, cast

import peewee
import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from oms_peewee.bulk_inserts import BulkInsert
from oms_peewee.faults import CommitLostError, TooLateError, UnfitError, UnstorableValueError
from oms_peewee.postgresql import arrays
from oms_peewee.postgresql.error_codes import is_node_lost
from oms_peewee.postgresql.order_periods import from_period_to_period
from oms_peewee.postgresql.session_settings import (
    READ_WRITE,
    check_encoding,
    check_state,
    check_writable,
    greet,
)
from oms_peewee.postgresql.statements import Call, Statement
from oms_peewee.postgresql.watchdog import Watchdog
from oms_peewee.session import Session

# A COMMIT waits for synchronous standbys without a limit of the server's own, so the call's deadline is its limit. One
# that is sent late gets this much all the same: a busy disk takes its time.
_COMMIT_SECONDS_MIN = 1.0
# A transaction of no rows that is written to the log: its COMMIT waits for the standbys, as those before it had to.
_LOGGED = "SELECT pg_logical_emit_message(true, 'oms', '')"

_NEXT_NUMBER = "SELECT nextval('queue_no')"
_INDEX_WALK = "SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off"
# The planner knows little of how many rows a range has; a nested loop over two ranges is their product.
_RANGE_MERGE = f"{_INDEX_WALK}; SET LOCAL enable_nestloop = off; SET LOCAL jit = off"
_LONG_READ = "SET LOCAL enable_seqscan = on; SET LOCAL jit = off; SET LOCAL statement_timeout = 0"


class PostgresqlSession(Session, peewee.PostgresqlDatabase):
    """One connection to PostgreSQL; BEGIN travels with the first statement of a transaction."""

    row_lock = "FOR UPDATE"

    def __init__(self, url: str, *, begin: str, prepares: bool, connect: Mapping[str, Any], watchdog: Watchdog) -> None:
        self._watchdog = watchdog
        self._is_unlimited = False
        self._is_committing = False
        super().__init__(url, thread_safe=False, autoconnect=False, **connect)
        self._begin = begin
        self._begin_is_due = False
        self._prepares = prepares
        self._prepared: set[str] = set()
        self.connect()
        self.driver = self.connection()  # type: ignore[no-untyped-call]
        try:
            check_encoding(self.driver.info.parameter_status("server_encoding"))
            if prepares:
                greet(self._watched)
            elif connect["target_session_attrs"] == READ_WRITE:
                check_writable(self._watched)
        except (psycopg2.Error, UnfitError):
            self.discard()
            raise

    def run(self, calls: Sequence[Call]) -> Any:
        """Run statements in one round trip; return a cursor with the rows of the last one."""
        return self._run(calls)

    def run_and_commit(self, calls: Sequence[Call]) -> None:
        """Run the last statements of a transaction and COMMIT in one round trip: what they lock waits for no client.

        Raises CommitLostError when that may or may not have happened.
        """
        with self._committing():
            self._run(calls, end=";COMMIT")

    def run_last(self, calls: Sequence[Call]) -> Any:
        """Run the last statements of a transaction; return a cursor with the rows of the last one.

        If they are the first as well, they are committed too, for what comes in one message is one transaction; raises
        CommitLostError when that may or may not have happened. Else `commit` does it, and where a pooler's session has
        to be set up in the transaction first.
        """
        if not self._begin_is_due or not self._prepares:
            return self._run(calls)
        self._begin_is_due = False
        with self._committing():
            return self._run(calls)

    def among(self, ids: Sequence[str]) -> tuple[str, str]:
        return "= ANY(CAST(? AS uuid[]))", f"{{{','.join(ids)}}}"

    def insert_rows(self, insert: BulkInsert, rows: Sequence[Sequence[object]]) -> None:
        if rows:
            values = ", ".join(f"unnest(CAST(%s AS {kind}[]))" for kind in insert.columns.values())
            columns = zip(*rows, strict=True)
            params = [arrays.of(kind, column) for kind, column in zip(insert.columns.values(), columns, strict=True)]
            self.execute_sql(f"{insert.head} SELECT {values} {insert.ending}", params)

    def execute_sql(self, sql: str, params: Sequence[object] | None = None) -> Any:
        if self._begin_is_due:
            self._begin_is_due = False
            sql = self._begin + sql
        return self._watched(sql, params)

    @contextmanager
    def unlimited(self) -> Iterator[None]:
        self._is_unlimited = True
        try:
            yield
        finally:
            self._is_unlimited = False

    def begin(self, isolation_level: object = None) -> None:  # noqa: ARG002  Always READ COMMITTED.
        """Begin a transaction with the next statement, which saves a round trip."""
        self._begin_is_due = True

    def commit(self) -> None:
        """Commit what there is to commit. Raises CommitLostError when it may or may not have happened."""
        self._begin_is_due = False
        if self._is_idle():
            return
        with self._committing():
            self._watched("COMMIT")

    def rollback(self) -> None:
        """Roll back what there is; on a lost connection the server does."""
        self._begin_is_due = False
        if not self._is_idle():
            with suppress(psycopg2.Error, TooLateError):  # The connection is then not usable, and discarded.
                self._watched("ROLLBACK")

    def is_usable(self) -> bool:
        return self._is_idle() and not self.driver.closed

    def await_standbys(self) -> None:
        with nullcontext() if self.in_transaction() else self._committing():
            self.execute_sql(_LOGGED)

    def check_ready(self) -> None:
        check_state(self.execute_sql)

    def table_exists(self, table_name: str, schema: str | None = None) -> bool:  # noqa: ARG002
        """Return whether statements find a table by this name, in whichever schema of the search path it is."""
        cursor = self.execute_sql("SELECT to_regclass(%s) IS NOT NULL", (table_name,))
        return bool(cursor.fetchone()[0])

    def snapshot(self) -> AbstractContextManager[object]:
        return nullcontext() if self._prepares else self.atomic()  # A pooler's timeouts are set per transaction.

    def index_walk(self) -> AbstractContextManager[object]:
        return self._in_transaction(_INDEX_WALK)

    def range_merge(self) -> AbstractContextManager[object]:
        return self._in_transaction(_RANGE_MERGE)

    @contextmanager
    def long_read(self) -> Iterator[None]:
        with self.unlimited(), self._in_transaction(_LONG_READ):
            yield

    def by_period(
        self,
        page: peewee.ModelSelect[Any],
        order_id: peewee.Field,
        bounds: Sequence[peewee.Expression],
        *,
        limit: int,
        oldest_first: bool,
    ) -> peewee.SelectBase:
        return from_period_to_period(page, order_id, bounds, limit=limit, oldest_first=oldest_first)

    def locking(self, query: peewee.ModelSelect[Any]) -> peewee.ModelSelect[Any]:
        return query.for_update()

    def sharing(self, query: peewee.ModelSelect[Any]) -> peewee.ModelSelect[Any]:
        return query.for_update("FOR SHARE")  # type: ignore[arg-type]  # Its types lag.

    def locking_free(self, query: peewee.ModelSelect[Any]) -> peewee.ModelSelect[Any]:
        return query.for_update("FOR UPDATE SKIP LOCKED")  # type: ignore[arg-type]  # Its types lag.

    def time_from_now(self, seconds: float) -> Any:
        return peewee.SQL("now() + make_interval(secs => %s)", [seconds])

    def clock(self) -> datetime:
        (now,) = self.execute_sql("SELECT now()").fetchone()
        return cast("datetime", now)

    def next_queue_number(self) -> int:
        (number,) = self.execute_sql(_NEXT_NUMBER).fetchone()
        return int(number)

    def discard(self) -> None:
        with suppress(psycopg2.Error):
            self.driver.close()

    @contextmanager
    def _in_transaction(self, settings: str) -> Iterator[None]:
        with nullcontext() if self.in_transaction() else self.atomic():
            self.execute_sql(settings)
            yield

    def _run(self, calls: Sequence[Call], *, end: str = "") -> Any:
        for statement, _ in calls if self._prepares else ():
            self._prepare(statement)
        texts = [statement.execute if self._prepares else statement.direct for statement, _ in calls]
        return self.execute_sql(";".join(texts) + end, [each for _, params in calls for each in params])

    def _prepare(self, statement: Statement) -> None:
        if statement.name not in self._prepared:
            self._watched(statement.prepare)
            self._prepared.add(statement.name)

    def _watched(self, sql: str, params: Sequence[object] | None = None) -> Any:
        if self._is_unlimited:
            return self._execute(sql, params)
        seconds = max(_COMMIT_SECONDS_MIN, self.deadline.left_seconds) if self._is_committing else None
        with self._watchdog.watch(self.driver.fileno(), seconds):
            return self._execute(sql, params)

    def _execute(self, sql: str, params: Sequence[object] | None) -> Any:
        cursor = self.driver.cursor()
        try:
            cursor.execute(sql, params) if params else cursor.execute(sql)
        except (ValueError, OverflowError) as error:
            raise UnstorableValueError(str(error)) from error
        return cursor

    def _is_idle(self) -> bool:
        return bool(self.driver.get_transaction_status() == TRANSACTION_STATUS_IDLE)

    @contextmanager
    def _committing(self) -> Iterator[None]:
        """Raise CommitLostError where the connection is lost or a node of the server's is, or it has warned.

        A server that is told to cancel a COMMIT which waits for a standby reports success, and a warning: the standby
        does not have it. No other warning is known there, and what it says depends on the server's language.
        """
        self.driver.notices.clear()
        self._is_committing = True
        try:
            yield
        except psycopg2.Error as error:
            if self.driver.closed or is_node_lost(error):
                raise CommitLostError(str(error)) from error
            raise
        finally:
            self._is_committing = False
        if self.driver.notices:
            raise CommitLostError(str(self.driver.notices[-1]))
