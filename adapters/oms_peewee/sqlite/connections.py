"""Connections to an SQLite file: how they are opened, who may write, how a transaction begins and ends."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import UUID

import peewee

from oms_core.errors import OmsError
from oms_core.ports.storage import StorageOptions
from oms_core.runtime.forks import begin_in_each_process
from oms_peewee.bulk_inserts import BulkInsert
from oms_peewee.faults import CommitLostError, Fault, NoRoomError, TooLateError, UnstorableValueError, reason_of
from oms_peewee.fields import to_microseconds
from oms_peewee.retry_deadline import RetryDeadline
from oms_peewee.session import Session
from oms_peewee.sqlite.database_file import DatabaseFile
from oms_peewee.sqlite.error_codes import FileMovedError, meaning_of

_CONNECTIONS_MAX = 16

# A statement that finds the file locked fails at once; it is tried again, with jitter, by Database.
_BUSY_TIMEOUT_SECONDS = 0
_PRAGMAS = {"journal_mode": "wal", "synchronous": "full", "foreign_keys": 1}

# With less room than this a batch of orders may not fit: it is written twice, into the log and into the file.
_ROOM_BYTES_MIN = 4 * 1024 * 1024

# Numbers start anew when nothing is queued: they only order what waits.
_LAST_NUMBER = "SELECT coalesce(max(queue_no), 0) FROM waiting_orders WHERE waits_for = 'place'"


class SqliteSession(Session, peewee.SqliteDatabase):
    """One connection to an SQLite file; every transaction takes the writer's lock when it begins."""

    row_lock = ""  # The whole file is locked.

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file
        super().__init__(
            f"{file.path.as_uri()}?mode=rw",
            thread_safe=False,
            autoconnect=False,
            pragmas=_PRAGMAS,
            timeout=_BUSY_TIMEOUT_SECONDS,
            lock_type="IMMEDIATE",
            uri=True,
            check_same_thread=False,
        )
        self.connect()
        self.driver = self.connection()  # type: ignore[no-untyped-call]
        try:
            self.driver.execute("PRAGMA schema_version").fetchone()  # From here on the write-ahead log is open.
            self._log = file.opened()
        except (sqlite3.Error, FileMovedError):
            self.discard()
            raise

    def among(self, ids: Sequence[str]) -> tuple[str, str]:
        return "IN (SELECT value FROM json_each(?))", json.dumps(ids)

    def execute_sql(self, sql: str, params: Sequence[object] | None = None) -> Any:
        stored = [_stored(each) for each in params or ()]
        try:
            return self.driver.execute(sql, stored)
        except (ValueError, OverflowError) as error:
            raise UnstorableValueError(str(error)) from error

    def execute_many(self, sql: str, rows: Sequence[Any]) -> int:
        """Run SQL once per row of parameters; return the number of rows that it changed."""
        if not rows:
            return 0
        try:
            return int(self.driver.executemany(sql, rows).rowcount)
        except (ValueError, OverflowError) as error:
            raise UnstorableValueError(str(error)) from error

    def insert_rows(self, insert: BulkInsert, rows: Sequence[Sequence[object]]) -> None:
        sql = f"{insert.head} VALUES ({', '.join('?' * len(insert.columns))}) {insert.ending}"
        self.execute_many(sql, [[_stored(value) for value in row] for row in rows])

    def begin(self, lock_type: str | None = None) -> None:  # noqa: ARG002  Always IMMEDIATE.
        """Take the writer's lock: one who only reads first may be refused it later (SQLITE_BUSY_SNAPSHOT)."""
        self.execute_sql("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Commit; an error leaves the transaction open, to be rolled back.

        Raises CommitLostError when the file was taken away meanwhile: what was committed may be gone with it.
        """
        self.execute_sql("COMMIT")
        if not self._file.is_in_place(self._log):
            raise CommitLostError(f"{self._file.path} was deleted or replaced while a transaction was committed")

    def rollback(self) -> None:
        """Roll back, unless SQLite has done so itself."""
        if self.driver.in_transaction:
            self.execute_sql("ROLLBACK")

    def is_usable(self) -> bool:
        return not self.driver.in_transaction and self._file.is_in_place(self._log)

    def check_ready(self) -> None:
        space = os.statvfs(self._file.path)
        if space.f_bavail * space.f_frsize < _ROOM_BYTES_MIN:
            raise NoRoomError("the disk is full, or nearly; make room on it")
        if not os.access(self._file.path.parent, os.W_OK):
            raise sqlite3.OperationalError(f"the folder {self._file.path.parent} cannot be written to")

    def snapshot(self) -> AbstractContextManager[object]:
        return nullcontext()

    def index_walk(self) -> AbstractContextManager[object]:
        """Change nothing: there are no statistics, and the order that is asked for decides."""
        return nullcontext()

    def range_merge(self) -> AbstractContextManager[object]:
        return nullcontext()

    def long_read(self) -> AbstractContextManager[object]:
        return nullcontext()

    def by_period(
        self,
        page: peewee.ModelSelect[Any],
        order_id: peewee.Field,  # noqa: ARG002
        bounds: Sequence[peewee.Expression],  # noqa: ARG002
        *,
        limit: int,
        oldest_first: bool,  # noqa: ARG002
    ) -> peewee.SelectBase:
        """Return its beginning: the index begins with the customer or the SKU."""
        return page.limit(limit)

    def locking(self, query: peewee.ModelSelect[Any]) -> peewee.ModelSelect[Any]:
        """Return it as it is: the whole file is locked."""
        return query

    def sharing(self, query: peewee.ModelSelect[Any]) -> peewee.ModelSelect[Any]:
        """Return it as it is: the whole file is locked."""
        return query

    def locking_free(self, query: peewee.ModelSelect[Any]) -> peewee.ModelSelect[Any]:
        """Return it as it is: nobody else has locked anything."""
        return query

    def time_from_now(self, seconds: float) -> Any:
        """Return a time by this machine's clock, which is the database's."""
        return datetime.now(UTC) + timedelta(seconds=seconds)

    def clock(self) -> datetime:
        return datetime.now(UTC)

    def next_queue_number(self) -> int:
        (last,) = self.execute_sql(_LAST_NUMBER).fetchone()
        return int(last) + 1

    def discard(self) -> None:
        with suppress(sqlite3.Error):
            self.driver.close()


class WriterLock:
    """Lets one thread of this process write at a time, so that only one tries to get the lock of the file.

    SQLite wakes nobody who waits for its lock: waiting processes try again and again. They meet the moment between two
    commits of the one that writes only if they try often (`retry_deadline.BUSY_PAUSE_MAX_SECONDS`). If all threads of a
    process tried, it would have no time left to write.
    """

    def __init__(self) -> None:
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._writing = threading.Lock()

    @contextmanager
    def held(self, deadline: RetryDeadline) -> Iterator[None]:
        """Wait for the lock. Raise TooLateError when it did not come free in time."""
        writing = self._writing
        if not writing.acquire(timeout=deadline.left_seconds):
            raise TooLateError("other threads of this process were writing all the time")
        try:
            yield
        finally:
            writing.release()


class SqliteEngine:
    """Opens connections to one SQLite file."""

    dialect = "sqlite"
    connections_max = _CONNECTIONS_MAX
    driver_errors: tuple[type[Exception], ...] = (sqlite3.Error, peewee.PeeweeException, FileMovedError)

    def __init__(self, url: str, options: StorageOptions) -> None:
        """Check the URL; no file is opened yet. Raises `invalid_setting`."""
        self._file = DatabaseFile(_path(url))
        self._creates = options.create
        self._writers = WriterLock()

    def connect(self) -> SqliteSession:
        """Open a connection. Raise `invalid_setting` when the file is missing and may not be made."""
        self._file.check()
        path = self._file.path
        if not self._creates and not path.exists():
            makers = "`oms serve`, `oms db upgrade` and `oms keys create` make it"
            raise OmsError("invalid_setting", f"OMS_DATABASE_URL: there is no database file {path}; {makers}")
        if not path.parent.is_dir():
            raise OmsError("invalid_setting", f"OMS_DATABASE_URL: there is no folder {path.parent}")
        if self._creates:
            self._file.make()
        return SqliteSession(self._file)

    def writer_lock(self, deadline: RetryDeadline) -> AbstractContextManager[None]:
        return self._writers.held(deadline)

    def fault_of(self, error: Exception) -> Fault:
        fault = meaning_of(error).fault
        was_database = fault is Fault.NO_DATABASE and self._file.is_known
        return Fault.UNUSABLE if was_database else fault

    def reason_of(self, error: Exception) -> str:
        return reason_of(error, meaning_of(error).remedy)

    def describe(self) -> str:
        return f"SQLite file {self._file.path}"


def _path(url: str) -> Path:
    parts = urlsplit(url)
    name = unquote(parts.path.removeprefix("/"))
    if parts.query:
        unknown = ", ".join(sorted({parameter for parameter, _ in parse_qsl(parts.query, keep_blank_values=True)}))
        detail = f"OMS_DATABASE_URL: sqlite:// knows no parameter {unknown!a}; a ? in a name is written %3F"
        raise OmsError("invalid_setting", detail)
    if parts.netloc or parts.fragment or not name or name == ":memory:":
        detail = "OMS_DATABASE_URL must be sqlite:///relative.db or sqlite:////absolute/path.db"
        raise OmsError("invalid_setting", detail)
    return Path(name).absolute()


def _stored(value: object) -> object:
    """Return a value as it is stored: times as microseconds, ids as text."""
    if isinstance(value, datetime):
        return to_microseconds(value)
    return str(value) if isinstance(value, UUID) else value
