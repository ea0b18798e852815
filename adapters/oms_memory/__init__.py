"""Storage and queue in memory: the choice for trials, and the reference that contract tests compare with."""

from oms_memory.queue import MemoryQueue, open_queue
from oms_memory.storage import MemoryStorage, open_storage

__all__ = ["MemoryQueue", "MemoryStorage", "open_queue", "open_storage"]
