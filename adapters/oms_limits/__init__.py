"""Rate limits counted with the library `limits`: in this process, or over all of them in Redis."""

from oms_limits.opening import open_memory, open_redis

__all__ = ["open_memory", "open_redis"]
