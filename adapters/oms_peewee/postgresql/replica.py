"""The Replica port on PostgreSQL: a hot standby that follows the primary by streaming or from an archive.

The position of a primary in its log comes before everything that it commits later (PostgreSQL manual, 9.27.3 and
9.27.4). So a standby that has replayed up to it shows all that was committed before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from psycopg2 import errors

from oms_core.errors import OmsError
from oms_core.ports.replica import Replica
from oms_core.ports.storage import Storage, StorageOptions
from oms_peewee.audits import PeeweeAudits
from oms_peewee.database import Database
from oms_peewee.faults import NotFollowingError
from oms_peewee.orders import PeeweeOrders
from oms_peewee.postgresql.address import read_postgresql_url
from oms_peewee.postgresql.dialect import PostgresqlDialect
from oms_peewee.postgresql.engine import PostgresqlEngine
from oms_peewee.session import Session
from oms_peewee.stock import PeeweeStock
from oms_peewee.storage import PeeweeStorage

SETTING = "OMS_DATABASE_READ_URL"
# What libpq calls a server that replays another one's log.
_STANDBY = "standby"
# The longest that a standby may take to say where it is.
_ANSWER_SECONDS = 1.0

# A standby is of the same cluster as its primary, and has all its databases: so the database is told as well. The
# timeline says which of two histories it is, after a failover.
_IDENTITY = "(SELECT concat_ws('/', system_identifier, current_database(), current_schema()) FROM pg_control_system())"
_MARK = f"""SELECT {_IDENTITY}, ('x' || substr(pg_walfile_name(lsn), 1, 8))::bit(32)::int, lsn
FROM (SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn() END AS lsn) AS place"""  # noqa: S608
# How far its history goes back to that of a mark is known at the latest at the next checkpoint.
_REACHED = f"""SELECT pg_is_in_recovery(), {_IDENTITY}, (
  SELECT count(*) FROM unnest(%s::int[], %s::pg_lsn[]) AS marks(timeline, lsn)
  WHERE lsn <= pg_last_wal_replay_lsn() AND timeline <= greatest(
    (SELECT timeline_id FROM pg_control_checkpoint()), (SELECT min_recovery_end_timeline FROM pg_control_recovery()),
    (SELECT received_tli FROM pg_stat_wal_receiver)))"""  # noqa: S608  Only constants of ours are put in.
_CANNOT_TELL = (errors.InsufficientPrivilege, errors.UndefinedFunction, errors.ObjectNotInPrerequisiteState)


def open_postgresql_replica(url: str, options: StorageOptions, primary: Storage) -> Replica:
    """Open a hot standby, `postgresql://user:password@host,host:5432/database`. Raise `invalid_setting`."""
    if not isinstance(primary, PeeweeStorage) or not isinstance(primary.dialect, PostgresqlDialect):
        detail = f"{SETTING}: a PostgreSQL server is no replica of {primary.describe()}"
        raise OmsError("invalid_setting", detail)
    return PostgresqlReplica(url, options, primary.database)


class PostgresqlReplica:
    """A hot standby. It is asked where it is on a connection of its own, so that no long list delays that."""

    def __init__(self, url: str, options: StorageOptions, primary: Database) -> None:
        address = read_postgresql_url(url, setting=SETTING)
        address = replace(address, given={"target_session_attrs": _STANDBY, **address.given})
        self._engine = PostgresqlEngine(address, options)
        self._storage = PeeweeStorage(PostgresqlDialect(self._engine, options), options)
        quick = replace(options, statement_timeout_seconds=_ANSWER_SECONDS)
        self._place = Database(PostgresqlEngine(address, quick), quick)
        self._primary = primary

    @property
    def orders(self) -> PeeweeOrders:
        return self._storage.orders

    @property
    def stock(self) -> PeeweeStock:
        return self._storage.stock

    @property
    def audits(self) -> PeeweeAudits:
        return self._storage.audits

    def mark(self) -> str:
        # An error that leaves `read` would close the connections of those who write.
        told = self._primary.read(_place_told)
        if isinstance(told, str):
            raise OmsError("storage_unavailable", told, retry_after_seconds=1)
        identity, timeline, lsn = told
        return f"{timeline} {lsn} {identity}"

    def count_reached(self, marks: Sequence[str]) -> int:
        timelines, places, identities = zip(*(mark.split(" ", 2) for mark in marks), strict=True)

        def count(session: Session) -> int:
            is_standby, identity, reached = _one_row(session, _REACHED, list(timelines), list(places))
            if not is_standby:
                raise NotFollowingError("it is no standby")
            if set(identities) != {identity}:
                raise NotFollowingError("it follows another primary, or has another database or schema")
            return int(reached)

        return self._place.read(count)

    def describe(self) -> str:
        return f"{self._engine.describe()} (at most {self._engine.connections_max + 1} connections per process)"

    def close(self) -> None:
        self._storage.close()
        self._place.close()


def _place_told(session: Session) -> tuple[Any, ...] | str:
    """Return what a mark is made of, or why there is none."""
    try:
        row = _one_row(session, _MARK)
    except NotFollowingError as error:
        return str(error)
    return "it is a standby itself" if row[-1] is None else row


def _one_row(session: Session, sql: str, *params: object) -> tuple[Any, ...]:
    """Run a query. What a server cannot tell keeps nobody from working: it is no lasting fault of the database."""
    try:
        (row,) = session.execute_sql(sql, params).fetchall()
    except _CANNOT_TELL as error:
        raise NotFollowingError(str(error).splitlines()[0]) from error
    return tuple(row)
