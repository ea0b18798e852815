"""Storage in memory: the choice for trials, and the reference that contract tests compare with."""

from oms_memory.storage import MemoryStorage, open_storage

__all__ = ["MemoryStorage", "open_storage"]
