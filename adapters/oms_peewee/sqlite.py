"""Connections to an SQLite file: how they are opened, how a transaction begins and ends, what errors mean."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import peewee

from oms_core.errors import OmsError
from oms_core.ports.storage import StorageOptions
from oms_peewee.faults import Fault, UnstorableValueError
from oms_peewee.patience import Patience
from oms_peewee.session import Session
from oms_peewee.turns import WriterTurns

_CONNECTIONS_MAX = 16

# A statement that finds the file locked fails at once; it is tried again, with jitter, by Database.
_BUSY_TIMEOUT_SECONDS = 0
_PRAGMAS = {"journal_mode": "wal", "synchronous": "full", "foreign_keys": 1}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_PRIMARY_CODE = 0xFF
_FAULTS: Mapping[int, Fault] = {
    sqlite3.SQLITE_BUSY: Fault.BUSY,
    sqlite3.SQLITE_LOCKED: Fault.BUSY,
    sqlite3.SQLITE_PROTOCOL: Fault.BUSY,
    sqlite3.SQLITE_READONLY: Fault.UNAVAILABLE,
    sqlite3.SQLITE_IOERR: Fault.UNAVAILABLE,
    sqlite3.SQLITE_CORRUPT: Fault.UNAVAILABLE,
    sqlite3.SQLITE_FULL: Fault.UNAVAILABLE,
    sqlite3.SQLITE_CANTOPEN: Fault.UNAVAILABLE,
    sqlite3.SQLITE_PERM: Fault.UNAVAILABLE,
    sqlite3.SQLITE_NOMEM: Fault.UNAVAILABLE,
    sqlite3.SQLITE_NOTADB: Fault.NO_DATABASE,
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: Fault.TAKEN,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: Fault.TAKEN,
}
# SQLite has no code of its own for these.
_MISSING = ("no such table", "no such column", "has no column named")


def to_microseconds(time: datetime) -> int:
    """Give an aware time as it is stored: whole microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND


def from_microseconds(stored: int) -> datetime:
    """Give a stored time, aware and in UTC."""
    return _EPOCH + timedelta(microseconds=stored)


class SqliteSession(Session, peewee.SqliteDatabase):
    """One connection to an SQLite file; every transaction takes the writer's lock when it begins."""

    def __init__(self, uri: str) -> None:
        super().__init__(
            uri,
            thread_safe=False,
            autoconnect=False,
            pragmas=_PRAGMAS,
            timeout=_BUSY_TIMEOUT_SECONDS,
            lock_type="IMMEDIATE",
            uri=True,
            check_same_thread=False,
        )
        self.connect()

    def execute_sql(self, sql: str, params: Sequence[object] | None = None) -> Any:
        """See Session."""
        stored = [to_microseconds(each) if isinstance(each, datetime) else each for each in params or ()]
        return super().execute_sql(sql, stored)

    def execute_many(self, sql: str, rows: Sequence[Any]) -> int:
        """Run SQL once per row of parameters; give the number of rows that it changed."""
        try:
            return int(self.driver.executemany(sql, rows).rowcount)
        except (ValueError, OverflowError) as error:
            raise UnstorableValueError(str(error)) from error

    def begin(self, lock_type: str | None = None) -> None:  # noqa: ARG002  Always IMMEDIATE.
        """Take the writer's lock: one who only reads first may be refused it later (SQLITE_BUSY_SNAPSHOT)."""
        self.execute_sql("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Commit; an error leaves the transaction open, to be rolled back."""
        self.execute_sql("COMMIT")

    def rollback(self) -> None:
        """Roll back, unless SQLite has done so itself."""
        if self.driver.in_transaction:
            self.execute_sql("ROLLBACK")

    def is_usable(self) -> bool:
        """See Session."""
        return not self.driver.in_transaction

    def snapshot(self) -> AbstractContextManager[object]:
        """See Session."""
        return nullcontext()

    def index_walk(self) -> AbstractContextManager[object]:
        """See Session; there are no statistics, and the order asked for decides."""
        return nullcontext()

    def locking(self, query: peewee.ModelSelect[Any]) -> peewee.ModelSelect[Any]:
        """See Session; the writer's lock is on the whole file."""
        return query

    def locking_free(self, query: peewee.ModelSelect[Any]) -> peewee.ModelSelect[Any]:
        """See Session; nobody else has locked anything."""
        return query

    def time_from_now(self, seconds: float) -> Any:
        """See Session; the database's clock is this machine's."""
        return datetime.now(UTC) + timedelta(seconds=seconds)

    def discard(self) -> None:
        """See Session."""
        with suppress(sqlite3.Error):
            self.driver.close()


class SqliteEngine:
    """Opens connections to one SQLite file."""

    dialect = "sqlite"
    connections_max = _CONNECTIONS_MAX
    driver_errors: tuple[type[Exception], ...] = (sqlite3.Error, peewee.PeeweeException)

    def __init__(self, url: str, options: StorageOptions) -> None:
        """Check the URL; no file is opened yet. Raises `invalid_setting`."""
        self.path = _path(url)
        self._creates = options.create
        self._turns = WriterTurns()

    def connect(self) -> SqliteSession:
        """See Engine. Raises `invalid_setting` when the file is missing and may not be made."""
        if not self._creates and not self.path.exists():
            makers = "`oms serve`, `oms db upgrade` and `oms keys create` make it"
            detail = f"there is no database file {self.path}; {makers}"
            raise OmsError("invalid_setting", f"OMS_DATABASE_URL: {detail}")
        if not self.path.parent.is_dir():
            raise OmsError("invalid_setting", f"OMS_DATABASE_URL: there is no folder {self.path.parent}")
        return SqliteSession(f"{self.path.as_uri()}?mode={'rwc' if self._creates else 'rw'}")

    def turn(self, patience: Patience) -> AbstractContextManager[None]:
        """See Engine."""
        return self._turns.turn(patience)

    def fault_of(self, error: Exception) -> Fault:
        """See Engine."""
        cause = getattr(error, "orig", None) or error
        code = getattr(cause, "sqlite_errorcode", None)
        if code is None:
            return Fault.DEFECT
        if any(text in str(cause) for text in _MISSING):
            return Fault.OUTDATED
        return _FAULTS.get(code) or _FAULTS.get(code & _PRIMARY_CODE, Fault.DEFECT)

    def describe(self) -> str:
        """See Engine."""
        return f"SQLite file {self.path}"


def _path(url: str) -> Path:
    parts = urlsplit(url)
    name = unquote(parts.path.removeprefix("/"))
    if parts.netloc or parts.query or parts.fragment or not name or name == ":memory:":
        detail = "OMS_DATABASE_URL must be sqlite:///relative.db or sqlite:////absolute/path.db"
        raise OmsError("invalid_setting", detail)
    return Path(name).absolute()
