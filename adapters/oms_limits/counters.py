"""The counters of `limits` in memory, swept by whoever charges, and bounded."""

from __future__ import annotations

import threading
import time

from limits.storage import MemoryStorage

KEYS_MAX = 100_000
_SWEEP_SECONDS = 1.0


class Counters(MemoryStorage):
    """MemoryStorage without its timer.

    That starts a thread every 10 ms in which it looks at every key: more than half of what a charge costs, a fault of
    the charge where no thread can start, and a core for whoever comes from many addresses. Of more keys than `keys_max`
    those that were first are forgotten, so their callers begin anew.
    """

    def __init__(self, keys_max: int = KEYS_MAX) -> None:
        super().__init__()
        self.timer.cancel()
        self.timer = _Running(0, self.sweep)
        self._keys_max = keys_max
        self._swept_at = time.time()

    def sweep(self) -> None:
        """Forget what has faded, once a second, and what is too much. One thread at a time."""
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
    """A timer that is never started because it says that it was."""

    def is_alive(self) -> bool:
        """Say so."""
        return True
