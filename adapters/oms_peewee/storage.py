"""Storage on PostgreSQL or SQLite: a part for each noun, made when it is first used."""

from __future__ import annotations

from oms_core.ports.storage import StorageOptions
from oms_core.runtime.parts import Composite, part
from oms_peewee.api_keys import PeeweeApiKeys
from oms_peewee.archive import PeeweeArchive
from oms_peewee.audits import PeeweeAudits
from oms_peewee.database import Database
from oms_peewee.dialect import Dialect
from oms_peewee.holds import PeeweeHolds
from oms_peewee.imports import PeeweeImports
from oms_peewee.locations import PeeweeLocations
from oms_peewee.order_writer import OrderWriter
from oms_peewee.orders import PeeweeOrders
from oms_peewee.outbox import PeeweeOutbox
from oms_peewee.queue import PeeweeQueue
from oms_peewee.schema import EmbeddedSchema, PeeweeSchema
from oms_peewee.settlement import QueueSettler
from oms_peewee.stock import PeeweeStock
from oms_peewee.workers import PeeweeWorkers


class PeeweeStorage(Composite):
    """Storage on the database of a dialect. It works on after `close`, and connects anew."""

    def __init__(self, dialect: Dialect, options: StorageOptions) -> None:
        self._dialect = dialect
        self._options = options

    @property
    def dialect(self) -> Dialect:
        """What its database alone has."""
        return self._dialect

    @part
    def database(self) -> Database:
        return Database(self._dialect.engine, self._options)

    @part
    def schema(self) -> PeeweeSchema:
        is_upgraded_by_use = self._dialect.schema.is_embedded and self._options.create
        return (EmbeddedSchema if is_upgraded_by_use else PeeweeSchema)(self.database, self._dialect.schema)

    @part
    def orders(self) -> PeeweeOrders:
        database = self._checked
        return PeeweeOrders(database, self._dialect.ledger(), OrderWriter(database, self._dialect.placed_orders()))

    @part
    def queue(self) -> PeeweeQueue:
        database = self._checked
        writer = OrderWriter(database, self._dialect.queued_orders())
        return PeeweeQueue(database, writer, QueueSettler(database, self._dialect.settling()))

    @part
    def holds(self) -> PeeweeHolds:
        return PeeweeHolds(self._checked, self._dialect.ledger(), expire_orders_max=self._dialect.expire_orders_max)

    @part
    def workers(self) -> PeeweeWorkers:
        return PeeweeWorkers(self._checked)

    @part
    def outbox(self) -> PeeweeOutbox:
        return PeeweeOutbox(self._checked)

    @part
    def stock(self) -> PeeweeStock:
        return PeeweeStock(self._checked, self._dialect.ledger())

    @part
    def locations(self) -> PeeweeLocations:
        return PeeweeLocations(self._checked, self._dialect.ledger())

    @part
    def imports(self) -> PeeweeImports:
        return PeeweeImports(self._checked, self._dialect.imports())

    @part
    def archive(self) -> PeeweeArchive:
        return PeeweeArchive(self._checked)

    @part
    def audits(self) -> PeeweeAudits:
        return PeeweeAudits(self._checked)

    @part
    def keys(self) -> PeeweeApiKeys:
        return PeeweeApiKeys(self._checked)

    def describe(self) -> str:
        return self.database.describe()

    def close(self) -> None:
        self.database.close()

    @part
    def _checked(self) -> Database:
        """The database once its schema was found to fit, where nobody administers it."""
        if self._dialect.schema.is_embedded:
            self.schema.check_fits()
        return self.database
