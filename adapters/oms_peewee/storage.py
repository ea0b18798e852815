"""Storage on PostgreSQL or SQLite: its parts, opened by either."""

from __future__ import annotations

from collections.abc import Callable

from oms_peewee.api_keys import PeeweeApiKeys
from oms_peewee.audits import PeeweeAudits
from oms_peewee.database import Database
from oms_peewee.imports import PeeweeImports
from oms_peewee.orders import PeeweeOrders
from oms_peewee.outbox import PeeweeOutbox
from oms_peewee.queue import PeeweeQueue
from oms_peewee.schema import PeeweeSchema
from oms_peewee.stock import PeeweeStock
from oms_peewee.workers import PeeweeWorkers


class PeeweeStorage:
    """Storage on PostgreSQL or SQLite; `make_ready` runs before the first use of a table."""

    def __init__(
        self,
        *,
        database: Database,
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
        self._keys = PeeweeApiKeys(database)
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
    def keys(self) -> PeeweeApiKeys:
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
