"""Those who stand in the way of a storage: other clients of the same PostgreSQL database, and what they see of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import pytest
from oms_peewee.postgresql import open_postgresql
from oms_peewee.storage import PeeweeStorage
from psycopg2 import sql

from oms_core.errors import OmsError
from oms_core.ports.storage import StorageOptions
from tests.services.postgresql import connected

SHORT_DEADLINE = StorageOptions(deadline_seconds=0.6, lock_timeout_seconds=0.2)
DEADLINE_SECONDS = 30.0

LOCK_LEVELS = "SELECT * FROM stock_levels WHERE sku = %s FOR UPDATE"
LOCK_WAITING = "SELECT * FROM waiting_orders WHERE order_id = %s FOR UPDATE"
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'oms' AND datname = current_database()"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
TERMINATE = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE application_name = 'oms' AND datname = current_database()"""


@contextmanager
def rival(url: str) -> Iterator[Any]:
    """Give a cursor in a transaction, which is rolled back at the end unless it was committed.

    Its locks are gone when this is left. One that only closes leaves them to a server that has yet to see it.
    """
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        yield cursor
        connection.rollback()


def count(url: str, sql: str) -> int:
    """Ask the server for a number."""
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        ((number,),) = cursor.fetchall()
    return int(number)


def once(step: Callable[[], object]) -> Callable[[], None]:
    """Give a step that is done the first time only, however often the work around it is tried."""
    pending = [step]

    def do() -> None:
        while pending:
            pending.pop()()

    return do


def told(work: Callable[[], object]) -> OmsError:
    """Give what the caller is told."""
    with pytest.raises(OmsError) as caught:
        work()
    return caught.value


def on(url: str, *statements: str | sql.Composed) -> None:
    """Run SQL as the database's owner."""
    with connected(url) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@contextmanager
def opened(url: str, options: StorageOptions = SHORT_DEADLINE) -> Iterator[PeeweeStorage]:
    """Open a storage, and close it."""
    storage = open_postgresql(url, options)
    yield storage
    storage.close()
