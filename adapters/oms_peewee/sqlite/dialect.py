"""SQLite as a storage works on it: how a file is opened, and what is its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from oms_core.ports.storage import StorageOptions
from oms_peewee.dialect import CREATE_MIGRATIONS, SchemaDialect
from oms_peewee.sqlite.connections import SqliteEngine
from oms_peewee.sqlite.import_batches import SqliteImportTables
from oms_peewee.sqlite.ledger import SqliteLedger
from oms_peewee.sqlite.new_orders import SqlitePlacedOrders, SqliteQueuedOrders
from oms_peewee.sqlite.settling import SqliteSettlingTables
from oms_peewee.storage import PeeweeStorage


def open_sqlite(url: str, options: StorageOptions) -> PeeweeStorage:
    """Open an SQLite file, `sqlite:///relative.db` or `sqlite:////absolute.db`. Raise `invalid_setting`.

    With `options.create` the file is made, and its schema upgraded, when it is first used. Without, a file that is
    missing (`invalid_setting`) or whose schema is old (`schema_outdated`) is refused.
    """
    return PeeweeStorage(SqliteDialect(url, options), options)


class SqliteDialect:
    """What SQLite alone has."""

    def __init__(self, url: str, options: StorageOptions) -> None:
        self.engine = SqliteEngine(url, options)
        self.schema = SCHEMA
        self._keeps_outbox = options.keeps_outbox

    # The lock of the file keeps all others waiting meanwhile.
    expire_orders_max = 100

    def ledger(self) -> SqliteLedger:
        return SqliteLedger(keeps_outbox=self._keeps_outbox)

    def placed_orders(self) -> SqlitePlacedOrders:
        return SqlitePlacedOrders(self.ledger())

    def queued_orders(self) -> SqliteQueuedOrders:
        return SqliteQueuedOrders(self.ledger())

    def settling(self) -> SqliteSettlingTables:
        return SqliteSettlingTables(self.ledger())

    def imports(self) -> SqliteImportTables:
        return SqliteImportTables(self.ledger())


def _statements(sql: str) -> Iterator[str]:
    """Cut a script into statements, which is how SQLite's driver takes them without committing first."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement.strip()
            statement = ""


SCHEMA = SchemaDialect(
    name="sqlite",
    prepare=(f"{CREATE_MIGRATIONS} STRICT",),  # BEGIN IMMEDIATE is the lock.
    statements=_statements,
    param="?",
    is_embedded=True,
)
