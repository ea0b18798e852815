"""One migrated PostgreSQL database for many tests, emptied between them: that takes a millisecond, a copy a hundred."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from oms_peewee.postgresql import open_postgresql
from psycopg2 import sql

from oms_core.ports.storage import StorageOptions
from tests.services.databases import PostgresqlServer
from tests.services.postgresql import connected

# What was created later may refer to what was created earlier, and is emptied before it.
TABLES = """SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
  AND relname <> 'schema_migrations' ORDER BY oid DESC"""


@contextmanager
def migrated_database(server: PostgresqlServer) -> Iterator[str]:
    """Create a database with the present schema; give its URL; drop it."""
    with server.database() as url:
        migrate(url)
        yield url


def migrate(url: str) -> None:
    """Give a database the present schema."""
    storage = open_postgresql(url, StorageOptions())
    storage.schema.upgrade()
    storage.close()


def empty(url: str) -> None:
    """Delete every row, except what is known about the schema."""
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(TABLES)
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
