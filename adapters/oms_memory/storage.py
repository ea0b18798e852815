"""Storage in memory: one process, gone when it ends."""

from __future__ import annotations

import threading

from oms_core.domain.cells import Cell
from oms_core.ports.schema_storage import SchemaStatus
from oms_core.ports.storage import Storage, StorageOptions
from oms_core.runtime.forks import begin_in_children
from oms_memory.api_keys import MemoryApiKeys
from oms_memory.archive import MemoryArchive
from oms_memory.audits import MemoryAudits
from oms_memory.holds import MemoryHolds
from oms_memory.imports import MemoryImports
from oms_memory.locations import MemoryLocations
from oms_memory.orders import MemoryOrders
from oms_memory.queue import MemoryOutbox, MemoryQueuedOrders, MemoryWorkers
from oms_memory.stock import MemoryStock
from oms_memory.tables import Tables


class MemorySchema:
    """SchemaStorage of something that has no schema: always current."""

    def status(self) -> SchemaStatus:
        return SchemaStatus(applied=(), pending=(), unknown=())

    def upgrade(self) -> tuple[str, ...]:
        return ()

    def check(self) -> None:
        """Raise nothing: it is always current."""

    def cells(self) -> tuple[Cell, ...]:
        return ()


class MemoryStorage:
    """Storage over dictionaries; each instance is a database of its own."""

    def __init__(self, tables: Tables | None = None) -> None:
        self.tables = tables or Tables()
        begin_in_children(self._begin_in_child)
        self.orders = MemoryOrders(self.tables)
        self.queue = MemoryQueuedOrders(self.tables)
        self.holds = MemoryHolds(self.tables)
        self.workers = MemoryWorkers(self.tables)
        self.outbox = MemoryOutbox(self.tables)
        self.stock = MemoryStock(self.tables)
        self.locations = MemoryLocations(self.tables)
        self.imports = MemoryImports(self.tables)
        self.archive = MemoryArchive(self.tables)
        self.audits = MemoryAudits(self.tables)
        self.keys = MemoryApiKeys(self.tables)
        self.schema = MemorySchema()

    def _begin_in_child(self) -> None:
        self.tables.lock = threading.RLock()

    def describe(self) -> str:
        return "memory of this process"

    def close(self) -> None:
        """Keep everything: there is no connection to close."""


def open_storage(url: str, options: StorageOptions) -> Storage:  # noqa: ARG001  All memories have the same URL.
    """Open a new, empty memory for `memory://`."""
    return MemoryStorage(Tables(keeps_outbox=options.keeps_outbox))
