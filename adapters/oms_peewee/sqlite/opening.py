"""How an SQLite file is opened as a storage."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from oms_core.ports.storage import StorageOptions
from oms_peewee.database import Database
from oms_peewee.imports import PeeweeImports
from oms_peewee.order_writer import OrderWriter
from oms_peewee.orders import PeeweeOrders
from oms_peewee.queue import PeeweeQueue
from oms_peewee.schema import CREATE_TABLE, EmbeddedSchema, PeeweeSchema, SchemaDialect
from oms_peewee.settlement import QueueSettler
from oms_peewee.sqlite.connections import SqliteEngine
from oms_peewee.sqlite.import_batches import SqliteImportTables
from oms_peewee.sqlite.ledger import SqliteLedger
from oms_peewee.sqlite.new_orders import SqlitePlacedOrders, SqliteQueuedOrders, next_number
from oms_peewee.sqlite.settling import SqliteSettlingTables
from oms_peewee.stock import PeeweeStock
from oms_peewee.storage import PeeweeStorage


def _statements(sql: str) -> Iterator[str]:
    """Cut a script into statements, which is how SQLite's driver takes them without committing first."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement.strip()
            statement = ""


# BEGIN IMMEDIATE is the lock.
SCHEMA = SchemaDialect(name="sqlite", prepare=(f"{CREATE_TABLE} STRICT",), statements=_statements, param="?")


def open_sqlite(url: str, options: StorageOptions) -> PeeweeStorage:
    """Open an SQLite file, `sqlite:///relative.db` or `sqlite:////absolute.db`. Raises `invalid_setting`.

    With `options.create` it makes the file and upgrades its schema when it is first used; without, it refuses a file
    that is missing (`invalid_setting`) or whose schema is old (`schema_outdated`).
    """
    database = Database(SqliteEngine(url, options), options)
    schema = EmbeddedSchema(database, SCHEMA) if options.create else PeeweeSchema(database, SCHEMA)
    ledger = SqliteLedger(keeps_outbox=options.keeps_outbox)
    accepting = OrderWriter(database, SqliteQueuedOrders(ledger))
    return PeeweeStorage(
        database=database,
        schema=schema,
        orders=PeeweeOrders(database, ledger, OrderWriter(database, SqlitePlacedOrders(ledger)), next_number),
        queue=PeeweeQueue(database, accepting, QueueSettler(database, SqliteSettlingTables(ledger))),
        stock=PeeweeStock(database, ledger),
        imports=PeeweeImports(database, SqliteImportTables(ledger)),
        make_ready=schema.check_fits,
    )
