"""How a PostgreSQL database is opened as a storage."""

from __future__ import annotations

from oms_core.ports.storage import StorageOptions
from oms_peewee.database import Database
from oms_peewee.imports import PeeweeImports
from oms_peewee.order_writer import OrderWriter
from oms_peewee.orders import PeeweeOrders
from oms_peewee.postgresql.connections import PostgresqlEngine
from oms_peewee.postgresql.import_batches import PostgresqlImportTables
from oms_peewee.postgresql.ledger import PostgresqlLedger
from oms_peewee.postgresql.new_orders import PostgresqlPlacedOrders, PostgresqlQueuedOrders, next_number
from oms_peewee.postgresql.settling import PostgresqlSettlingTables
from oms_peewee.queue import PeeweeQueue
from oms_peewee.schema import CREATE_TABLE, PeeweeSchema, SchemaDialect
from oms_peewee.settlement import QueueSettler
from oms_peewee.stock import PeeweeStock
from oms_peewee.storage import PeeweeStorage

# A migration may take its time and read whole tables; it still gives up a lock that it cannot get (lock_timeout), and
# is tried again. The number is this lock's name: any, as long as nobody else on the database uses it.
_LOCK = """SET LOCAL statement_timeout = 0; SET LOCAL enable_seqscan = on;
SELECT pg_advisory_xact_lock(4702111234474983745)"""
SCHEMA = SchemaDialect(name="postgresql", prepare=(_LOCK, CREATE_TABLE), statements=lambda sql: [sql], param="%s")


def open_postgresql(url: str, options: StorageOptions) -> PeeweeStorage:
    """Open a PostgreSQL database, `postgresql://user:password@host:5432/database`. Raises `invalid_setting`.

    Its schema is not touched but by `schema.upgrade()`.
    """
    database = Database(PostgresqlEngine(url, options), options)
    ledger = PostgresqlLedger(keeps_outbox=options.keeps_outbox)
    accepting = OrderWriter(database, PostgresqlQueuedOrders(ledger))
    return PeeweeStorage(
        database=database,
        schema=PeeweeSchema(database, SCHEMA),
        orders=PeeweeOrders(database, ledger, OrderWriter(database, PostgresqlPlacedOrders(ledger)), next_number),
        queue=PeeweeQueue(database, accepting, QueueSettler(database, PostgresqlSettlingTables(ledger))),
        stock=PeeweeStock(database, ledger),
        imports=PeeweeImports(database, PostgresqlImportTables(keeps_outbox=options.keeps_outbox)),
        make_ready=lambda: None,
    )
