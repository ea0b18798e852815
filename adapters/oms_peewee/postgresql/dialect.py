"""PostgreSQL as a storage works on it: how a database is opened, and what is its own."""

from __future__ import annotations

from oms_core.domain.limits import TRANSACTION_ORDERS_MAX
from oms_core.ports.storage import StorageOptions
from oms_peewee.dialect import CREATE_MIGRATIONS, SchemaDialect
from oms_peewee.postgresql.address import read_postgresql_url
from oms_peewee.postgresql.cells import cells_of
from oms_peewee.postgresql.engine import PostgresqlEngine
from oms_peewee.postgresql.import_batches import PostgresqlImportTables
from oms_peewee.postgresql.ledger import PostgresqlLedger
from oms_peewee.postgresql.new_orders import PostgresqlPlacedOrders, PostgresqlQueuedOrders
from oms_peewee.postgresql.scripts import statements_of
from oms_peewee.postgresql.settling import PostgresqlSettlingTables
from oms_peewee.storage import PeeweeStorage

# A migration may take its time and read whole tables; it still gives up a lock that it cannot get (lock_timeout), and
# is tried again. The number is this lock's name: any, as long as nobody else on the database uses it.
_LOCK = """SET LOCAL statement_timeout = 0; SET LOCAL enable_seqscan = on;
SELECT pg_advisory_xact_lock(4702111234474983745)"""
SCHEMA = SchemaDialect(
    name="postgresql",
    prepare=(_LOCK, CREATE_MIGRATIONS),
    statements=statements_of,
    param="%s",
    is_embedded=False,
    cells=cells_of,
)


def open_postgresql(url: str, options: StorageOptions) -> PeeweeStorage:
    """Open a PostgreSQL database, `postgresql://user:password@host:5432/database`. Raise `invalid_setting`.

    Its schema is not touched but by `schema.upgrade()`.
    """
    address = read_postgresql_url(url, setting="OMS_DATABASE_URL")
    return PeeweeStorage(PostgresqlDialect(PostgresqlEngine(address, options), options), options)


class PostgresqlDialect:
    """What PostgreSQL alone has."""

    def __init__(self, engine: PostgresqlEngine, options: StorageOptions) -> None:
        self.engine = engine
        self.schema = SCHEMA
        self._keeps_outbox = options.keeps_outbox

    expire_orders_max = TRANSACTION_ORDERS_MAX

    def ledger(self) -> PostgresqlLedger:
        return PostgresqlLedger(keeps_outbox=self._keeps_outbox)

    def placed_orders(self) -> PostgresqlPlacedOrders:
        return PostgresqlPlacedOrders(self.ledger())

    def queued_orders(self) -> PostgresqlQueuedOrders:
        return PostgresqlQueuedOrders(self.ledger())

    def settling(self) -> PostgresqlSettlingTables:
        return PostgresqlSettlingTables(self.ledger())

    def imports(self) -> PostgresqlImportTables:
        return PostgresqlImportTables(keeps_outbox=self._keeps_outbox)
