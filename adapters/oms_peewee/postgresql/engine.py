"""How PostgreSQL is reached: what opens its connections, and what its errors mean."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import peewee
import psycopg2
from psycopg2 import errorcodes

from oms_core.ports.storage import StorageOptions
from oms_peewee.faults import Fault, reason_of
from oms_peewee.postgresql.address import PostgresqlAddress
from oms_peewee.postgresql.connections import PostgresqlSession
from oms_peewee.postgresql.error_codes import KEYS_INDEX, meaning_of, meaning_of_words, told_at_places
from oms_peewee.postgresql.session_settings import READ_WRITE, beginning, connection_parameters
from oms_peewee.postgresql.watchdog import Watchdog
from oms_peewee.retry_deadline import RetryDeadline

# Request threads share few connections: a server's default of 100 serves a dozen processes.
_CONNECTIONS_MAX = 8

# How long after its statement_timeout a running server may take to report it.
_ANSWER_MARGIN_SECONDS = 5.0


class PostgresqlEngine:
    """Opens connections to one PostgreSQL database."""

    dialect = "postgresql"
    connections_max = _CONNECTIONS_MAX
    driver_errors: tuple[type[Exception], ...] = (psycopg2.Error, peewee.PeeweeException)

    def __init__(self, address: PostgresqlAddress, options: StorageOptions) -> None:
        self._address = address
        self._prepares = options.prepared_statements
        self._watchdog = Watchdog(options.statement_timeout_seconds + _ANSWER_MARGIN_SECONDS)
        self._begin = beginning(options)
        self._connect = connection_parameters(options, address.given)
        self._requires_writing = self._connect["target_session_attrs"] == READ_WRITE

    def connect(self) -> PostgresqlSession:
        return PostgresqlSession(
            self._address.url,
            begin=self._begin,
            prepares=self._prepares,
            connect=self._connect,
            watchdog=self._watchdog,
        )

    def writer_lock(self, deadline: RetryDeadline) -> AbstractContextManager[None]:  # noqa: ARG002  The server locks.
        return nullcontext()

    def fault_of(self, error: Exception) -> Fault:
        cause: Any = getattr(error, "orig", None) or error
        code = getattr(cause, "pgcode", None)
        if code == errorcodes.LOCK_NOT_AVAILABLE and KEYS_INDEX.search(cause.diag.context or ""):
            return Fault.TAKEN_SOON
        if code == errorcodes.READ_ONLY_SQL_TRANSACTION and not self._requires_writing:
            return Fault.UNAVAILABLE  # The URL asks for a server that may be a standby; another try would meet it too.
        return meaning_of(error).fault

    def reason_of(self, error: Exception) -> str:
        is_drivers = isinstance(error, self.driver_errors)
        remedy = (meaning_of(error) if is_drivers else meaning_of_words(str(error))).remedy
        return reason_of(told_at_places(error) or error, remedy.replace("OMS_DATABASE_URL", self._address.setting))

    def describe(self) -> str:
        return self._address.describe()
