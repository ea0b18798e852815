"""Connections to PostgreSQL: how they are opened, how a transaction begins and ends, what errors mean."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

import peewee
import psycopg2
from psycopg2 import errorcodes
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, parse_dsn

from oms_core.errors import OmsError
from oms_core.ports.storage import StorageOptions
from oms_peewee.faults import CommitLostError, Fault
from oms_peewee.patience import Patience
from oms_peewee.session import Session
from oms_peewee.statements import Call, Statement
from oms_peewee.watchdog import Watchdog

# Request threads share few connections: a server's default of 100 serves a dozen processes.
_CONNECTIONS_MAX = 8

# A client that freezes before COMMIT loses its locks before those who wait for them give up.
_IDLE_IN_TRANSACTION_PART_OF_LOCK_TIMEOUT = 0.5
_KEEPALIVES = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
_TCP_USER_TIMEOUT_MS = 25_000
# What a server that runs may need beyond its statement_timeout to say so.
_ANSWER_MARGIN_SECONDS = 5.0

# How the names of all indexes of idempotency keys end, as PostgreSQL quotes them where an insert waited for one.
_KEYS = '_idempotency"'

# A prepared statement is planned once, perhaps when a table is still empty, and then serves when it has grown: so no
# plan may read a whole table for being small, which is safe where every statement has its index.
_PLANNING = ["plan_cache_mode=force_generic_plan", "enable_seqscan=off", "jit=off"]

_INDEX_WALK = "SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off"

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED;"

_FAULTS: Mapping[str, Fault] = {
    errorcodes.DEADLOCK_DETECTED: Fault.CONFLICT,
    errorcodes.SERIALIZATION_FAILURE: Fault.CONFLICT,
    errorcodes.LOCK_NOT_AVAILABLE: Fault.CONFLICT,
    errorcodes.UNIQUE_VIOLATION: Fault.TAKEN,
    errorcodes.DIVISION_BY_ZERO: Fault.UNCOVERED,  # How a statement of the ledger says so.
    errorcodes.UNDEFINED_TABLE: Fault.OUTDATED,
    errorcodes.UNDEFINED_COLUMN: Fault.OUTDATED,
    errorcodes.INVALID_SQL_STATEMENT_NAME: Fault.POOLED,
    errorcodes.DUPLICATE_PREPARED_STATEMENT: Fault.POOLED,
    errorcodes.QUERY_CANCELED: Fault.UNAVAILABLE,
    # A primary that has become a standby, and a plan from before a migration: a new connection sees neither.
    errorcodes.READ_ONLY_SQL_TRANSACTION: Fault.DISCONNECTED,
    errorcodes.FEATURE_NOT_SUPPORTED: Fault.DISCONNECTED,
    errorcodes.IDLE_IN_TRANSACTION_SESSION_TIMEOUT: Fault.DISCONNECTED,
}
_FAULTS_OF_CLASSES: Mapping[str, Fault] = {
    errorcodes.CLASS_CONNECTION_EXCEPTION: Fault.DISCONNECTED,
    errorcodes.CLASS_OPERATOR_INTERVENTION: Fault.DISCONNECTED,
    errorcodes.CLASS_INSUFFICIENT_RESOURCES: Fault.UNAVAILABLE,
    errorcodes.CLASS_SYSTEM_ERROR: Fault.UNAVAILABLE,
}


class PostgresqlSession(Session, peewee.PostgresqlDatabase):
    """One connection to PostgreSQL; BEGIN travels with the first statement of a transaction."""

    def __init__(self, url: str, *, begin: str, prepares: bool, connect: Mapping[str, Any], watchdog: Watchdog) -> None:
        self._watchdog = watchdog
        self._is_unlimited = False
        super().__init__(url, thread_safe=False, autoconnect=False, **connect)
        self._begin = begin
        self._begin_is_due = False
        self._prepares = prepares
        self._prepared: set[str] = set()
        self.connect()

    def run(self, calls: Sequence[Call]) -> Any:
        """Run statements in one round trip; give a cursor with the rows of the last one."""
        return self._run(calls)

    def run_and_commit(self, calls: Sequence[Call]) -> None:
        """Run the last statements of a transaction and COMMIT in one round trip: what they lock waits for no client.

        Raises CommitLostError when that may or may not have happened.
        """
        try:
            self._run(calls, end=";COMMIT")
        except psycopg2.Error as error:
            if self.driver.closed:
                raise CommitLostError(str(error)) from error
            raise

    def execute_sql(self, sql: str, params: Sequence[object] | None = None) -> Any:
        """See Session."""
        if self._begin_is_due:
            self._begin_is_due = False
            sql = self._begin + sql
        return self._watched(sql, params)

    @contextmanager
    def unlimited(self) -> Iterator[None]:
        """See Session."""
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
        try:
            self._watched("COMMIT")
        except psycopg2.Error as error:
            if self.driver.closed:
                raise CommitLostError(str(error)) from error
            raise

    def rollback(self) -> None:
        """Roll back what there is; on a lost connection the server does."""
        self._begin_is_due = False
        if not self._is_idle():
            with suppress(psycopg2.Error):  # The connection is then not usable, and discarded.
                self._watched("ROLLBACK")

    def is_usable(self) -> bool:
        """See Session."""
        return self._is_idle() and not self.driver.closed

    def snapshot(self) -> AbstractContextManager[object]:
        """See Session."""
        return nullcontext() if self._prepares else self.atomic()  # A pooler's timeouts are set per transaction.

    @contextmanager
    def index_walk(self) -> Iterator[None]:
        """See Session."""
        with nullcontext() if self.in_transaction() else self.atomic():
            self.execute_sql(_INDEX_WALK)
            yield

    def locking(self, query: peewee.ModelSelect[Any]) -> peewee.ModelSelect[Any]:
        """See Session."""
        return query.for_update()

    def locking_free(self, query: peewee.ModelSelect[Any]) -> peewee.ModelSelect[Any]:
        """See Session."""
        return query.for_update("FOR UPDATE SKIP LOCKED")  # type: ignore[arg-type]  # Its types lag.

    def time_from_now(self, seconds: float) -> Any:
        """See Session."""
        return peewee.SQL("now() + make_interval(secs => %s)", [seconds])

    def discard(self) -> None:
        """See Session."""
        with suppress(psycopg2.Error):
            self.driver.close()

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
            return super().execute_sql(sql, params)
        with self._watchdog.watch(self.driver.fileno()):
            return super().execute_sql(sql, params)

    def _is_idle(self) -> bool:
        return bool(self.driver.get_transaction_status() == TRANSACTION_STATUS_IDLE)


class PostgresqlEngine:
    """Opens connections to one PostgreSQL database."""

    dialect = "postgresql"
    connections_max = _CONNECTIONS_MAX
    driver_errors: tuple[type[Exception], ...] = (psycopg2.Error, peewee.PeeweeException)

    def __init__(self, url: str, options: StorageOptions) -> None:
        """Check the URL; nothing is connected yet. Raises `invalid_setting`."""
        self._url = url
        self._server = _parse(url)
        self._prepares = options.prepared_statements
        self._watchdog = Watchdog(options.statement_timeout_seconds + _ANSWER_MARGIN_SECONDS)
        settings = _session_settings(options)
        self._begin = _BEGIN if self._prepares else _BEGIN + "".join(f"SET LOCAL {each};" for each in settings)
        self._connect: dict[str, Any] = {
            **_KEEPALIVES,
            "tcp_user_timeout": _TCP_USER_TIMEOUT_MS,
            "connect_timeout": max(2, math.ceil(options.connect_timeout_seconds)),  # libpq makes 2 of 1.
            "application_name": self._server.get("application_name", "oms"),
        }
        if self._prepares:  # A transaction pooler would refuse start-up options, or apply them to strangers.
            given = self._server.get("options", "")
            self._connect["options"] = " ".join([given, *(f"-c {each}" for each in settings)]).strip()

    def connect(self) -> PostgresqlSession:
        """See Engine."""
        return PostgresqlSession(
            self._url, begin=self._begin, prepares=self._prepares, connect=self._connect, watchdog=self._watchdog
        )

    def turn(self, patience: Patience) -> AbstractContextManager[None]:  # noqa: ARG002  Locks are the server's.
        """See Engine."""
        return nullcontext()

    def fault_of(self, error: Exception) -> Fault:
        """See Engine."""
        cause: Any = getattr(error, "orig", None) or error
        code = getattr(cause, "pgcode", None)
        if code == errorcodes.LOCK_NOT_AVAILABLE and _KEYS in (cause.diag.context or ""):
            return Fault.TAKEN_SOON
        if code is not None:
            return _FAULTS.get(code) or _FAULTS_OF_CLASSES.get(code[:2], Fault.DEFECT)
        is_connection = isinstance(cause, psycopg2.OperationalError | psycopg2.InterfaceError)
        return Fault.DISCONNECTED if is_connection else Fault.DEFECT

    def describe(self) -> str:
        """See Engine."""
        server = self._server
        where = f"{server.get('host', 'the local socket')}:{server.get('port', 5432)}"
        return f"PostgreSQL database {server.get('dbname', server.get('user', ''))} at {where}"


def _parse(url: str) -> dict[str, str]:
    try:
        server = {name: str(value) for name, value in parse_dsn(url).items()}
        if not all(port.isascii() and port.isdecimal() for port in server.get("port", "5432").split(",")):
            raise ValueError("a port is not a number")
    except (psycopg2.Error, ValueError) as error:  # Its text is not shown, for it may quote the password.
        detail = "OMS_DATABASE_URL is no PostgreSQL URL; write postgresql://user:password@host:5432/database"
        raise OmsError("invalid_setting", detail) from error
    return server


def _session_settings(options: StorageOptions) -> list[str]:
    idle_seconds = options.lock_timeout_seconds * _IDLE_IN_TRANSACTION_PART_OF_LOCK_TIMEOUT
    milliseconds = {
        "lock_timeout": options.lock_timeout_seconds * 1_000,
        "statement_timeout": options.statement_timeout_seconds * 1_000,
        "idle_in_transaction_session_timeout": idle_seconds * 1_000,
        "tcp_user_timeout": _TCP_USER_TIMEOUT_MS,
    }
    timeouts = [f"{name}={max(1, int(value))}" for name, value in milliseconds.items()]
    return ["timezone=UTC", *timeouts, *(_PLANNING if options.prepared_statements else [])]
