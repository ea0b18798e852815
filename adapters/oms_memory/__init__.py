"""Storage and queue in memory: the choice for trials, and the reference that contract tests compare with."""

from oms_memory.broker import MemoryBroker, open_broker
from oms_memory.storage import MemoryStorage, open_storage

__all__ = ["MemoryBroker", "MemoryStorage", "open_broker", "open_storage"]
