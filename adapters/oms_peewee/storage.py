"""The two ways to open this storage, and what they open."""

from __future__ import annotations

from typing import Any

from oms_core.ports.storage import StorageOptions
from oms_peewee.database import Database
from oms_peewee.schema import POSTGRESQL, SQLITE, PeeweeSchema
from oms_peewee.sqlite import SqliteEngine


class PeeweeStorage:
    """Storage on PostgreSQL or SQLite."""

    def __init__(self, database: Database[Any], schema: PeeweeSchema) -> None:
        self.database = database
        self.schema = schema

    def describe(self) -> str:
        """See Storage."""
        return self.database.describe()

    def close(self) -> None:
        """See Storage."""
        self.database.close()


def open_sqlite(url: str, options: StorageOptions) -> PeeweeStorage:
    """Open an SQLite file, `sqlite:///relative.db` or `sqlite:////absolute.db`. Raises `invalid_setting`."""
    database = Database(SqliteEngine(url, options), options)
    return PeeweeStorage(database, PeeweeSchema(database, SQLITE))


def open_postgresql(url: str, options: StorageOptions) -> PeeweeStorage:
    """Open a PostgreSQL database, `postgresql://user:password@host:5432/database`. Raises `invalid_setting`."""
    from oms_peewee.postgresql import PostgresqlEngine  # Needs psycopg2, which the sqlite extra does not bring.

    database = Database(PostgresqlEngine(url, options), options)
    return PeeweeStorage(database, PeeweeSchema(database, POSTGRESQL))
