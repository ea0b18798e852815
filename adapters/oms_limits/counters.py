"""The counters of `limits` in memory, without its timer and bounded in number."""

from __future__ import annotations

import threading
import time

from limits.storage import MemoryStorage

KEYS_MAX = 100_000
_SWEEP_SECONDS = 1.0


class Counters(MemoryStorage):
    """MemoryStorage without its timer.

    The timer starts a thread every 10 ms that reads every key. That is more than half of the cost of a charge, makes a
    charge fail when no thread can start, and takes a whole core when many addresses ask. Above `keys_max` keys the
    oldest ones are dropped, so their callers are counted from nothing.
    """

    def __init__(self, keys_max: int = KEYS_MAX) -> None:
        super().__init__()
        self.timer.cancel()
        self.timer = _Running(0, self.sweep)
        self._keys_max = keys_max
        self._swept_at = time.time()

    def sweep(self) -> None:
        """Drop expired keys once a second, and keys above `keys_max`. For one thread at a time."""
        now = time.time()
        if now - self._swept_at >= _SWEEP_SECONDS:
            self._swept_at = now
            for key in [key for key, ends_at in self.expirations.items() if ends_at <= now]:
                self._forget(key)
        while len(self.expirations) > self._keys_max:
            self._forget(next(iter(self.expirations)))

    def _forget(self, key: str) -> None:
        self.storage.pop(key, None)
        self.expirations.pop(key, None)
        self.locks.pop(key, None)


class _Running(threading.Timer):
    """A timer that says it is running, so that it is never started."""

    def is_alive(self) -> bool:
        """Return True."""
        return True
