"""The two ways to open this storage, and what they open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oms_core.ports.storage import StorageOptions
from oms_peewee.audits import PeeweeAudits
from oms_peewee.database import Database
from oms_peewee.imports import PeeweeImports
from oms_peewee.keys import PeeweeKeys
from oms_peewee.orders import PeeweeOrders
from oms_peewee.outbox import PeeweeOutbox
from oms_peewee.placing import Placing
from oms_peewee.queue import PeeweeQueue
from oms_peewee.schema import POSTGRESQL, SQLITE, EmbeddedSchema, PeeweeSchema
from oms_peewee.settling import Settling
from oms_peewee.sqlite.connections import SqliteEngine
from oms_peewee.sqlite.import_batches import SqliteImportTables
from oms_peewee.sqlite.ledger import SqliteLedger
from oms_peewee.sqlite.placed_orders import SqlitePlacingTables
from oms_peewee.sqlite.queued_orders import SqliteAcceptingTables, next_number
from oms_peewee.sqlite.settling import SqliteSettlingTables
from oms_peewee.stock import PeeweeStock
from oms_peewee.workers import PeeweeWorkers


class PeeweeStorage:
    """Storage on PostgreSQL or SQLite; `make_ready` runs before the first use of a table."""

    def __init__(
        self,
        *,
        database: Database[Any],
        schema: PeeweeSchema,
        orders: PeeweeOrders,
        queue: PeeweeQueue,
        stock: PeeweeStock,
        imports: PeeweeImports,
        make_ready: Callable[[], object],
    ) -> None:
        self.database = database
        self.schema = schema
        self._orders = orders
        self._queue = queue
        self._workers = PeeweeWorkers(database)
        self._outbox = PeeweeOutbox(database)
        self._stock = stock
        self._imports = imports
        self._audits = PeeweeAudits(database)
        self._keys = PeeweeKeys(database)
        self._make_ready = make_ready
        self._is_ready = False

    @property
    def orders(self) -> PeeweeOrders:
        self._get_ready()
        return self._orders

    @property
    def queue(self) -> PeeweeQueue:
        self._get_ready()
        return self._queue

    @property
    def workers(self) -> PeeweeWorkers:
        self._get_ready()
        return self._workers

    @property
    def outbox(self) -> PeeweeOutbox:
        self._get_ready()
        return self._outbox

    @property
    def stock(self) -> PeeweeStock:
        self._get_ready()
        return self._stock

    @property
    def imports(self) -> PeeweeImports:
        self._get_ready()
        return self._imports

    @property
    def audits(self) -> PeeweeAudits:
        self._get_ready()
        return self._audits

    @property
    def keys(self) -> PeeweeKeys:
        self._get_ready()
        return self._keys

    def describe(self) -> str:
        return self.database.describe()

    def close(self) -> None:
        self.database.close()

    def _get_ready(self) -> None:
        if not self._is_ready:
            self._make_ready()
            self._is_ready = True


def open_sqlite(url: str, options: StorageOptions) -> PeeweeStorage:
    """Open an SQLite file, `sqlite:///relative.db` or `sqlite:////absolute.db`. Raises `invalid_setting`.

    With `options.create` it makes the file and upgrades its schema when it is first used; without, it refuses a file
    that is missing (`invalid_setting`) or whose schema is old (`schema_outdated`).
    """
    database = Database(SqliteEngine(url, options), options)
    schema = EmbeddedSchema(database, SQLITE) if options.create else PeeweeSchema(database, SQLITE)
    ledger = SqliteLedger(keeps_outbox=options.keeps_outbox)
    accepting = Placing(database, SqliteAcceptingTables(ledger))
    return PeeweeStorage(
        database=database,
        schema=schema,
        orders=PeeweeOrders(database, ledger, Placing(database, SqlitePlacingTables(ledger)), next_number),
        queue=PeeweeQueue(database, accepting, Settling(database, SqliteSettlingTables(ledger))),
        stock=PeeweeStock(database, ledger),
        imports=PeeweeImports(database, SqliteImportTables(ledger)),
        make_ready=schema.check_fits,
    )


def open_postgresql(url: str, options: StorageOptions) -> PeeweeStorage:
    """Open a PostgreSQL database, `postgresql://user:password@host:5432/database`. Raises `invalid_setting`.

    Its schema is not touched but by `schema.upgrade()`.
    """
    # They need psycopg2, which the sqlite extra does not bring.
    from oms_peewee.postgresql.connections import PostgresqlEngine
    from oms_peewee.postgresql.import_batches import PostgresqlImportTables
    from oms_peewee.postgresql.ledger import PostgresqlLedger
    from oms_peewee.postgresql.placed_orders import PostgresqlPlacingTables
    from oms_peewee.postgresql.queued_orders import PostgresqlAcceptingTables, next_number
    from oms_peewee.postgresql.settling import PostgresqlSettlingTables

    database = Database(PostgresqlEngine(url, options), options)
    ledger = PostgresqlLedger(keeps_outbox=options.keeps_outbox)
    accepting = Placing(database, PostgresqlAcceptingTables(ledger))
    return PeeweeStorage(
        database=database,
        schema=PeeweeSchema(database, POSTGRESQL),
        orders=PeeweeOrders(database, ledger, Placing(database, PostgresqlPlacingTables(ledger)), next_number),
        queue=PeeweeQueue(database, accepting, Settling(database, PostgresqlSettlingTables(ledger))),
        stock=PeeweeStock(database, ledger),
        imports=PeeweeImports(database, PostgresqlImportTables(keeps_outbox=options.keeps_outbox)),
        make_ready=lambda: None,
    )
