"""How long one call goes on trying, and how long it waits between two tries."""

from __future__ import annotations

import time

from oms_core.runtime.backoff import Backoff
from oms_peewee.faults import Fault

_PAUSE_FIRST_SECONDS = 0.02
_PAUSE_MAX_SECONDS = 1.0
# Short, to meet the moment between two commits of an SQLite writer: 64 threads in 4 processes that place orders all the
# time then let another process in within 20 milliseconds, 300 at worst.
BUSY_PAUSE_MAX_SECONDS = 0.002


class Patience:
    """The deadline of one call, with growing pauses between its tries."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        self._backoff = Backoff(first_seconds=_PAUSE_FIRST_SECONDS, max_seconds=_PAUSE_MAX_SECONDS)
        self._busy = Backoff(first_seconds=BUSY_PAUSE_MAX_SECONDS, max_seconds=BUSY_PAUSE_MAX_SECONDS)

    @property
    def left_seconds(self) -> float:
        """What is left, never below 0."""
        return max(0.0, self._ends_at - time.monotonic())

    def pause(self, fault: Fault) -> bool:
        """Wait before the next try; False, at once, when there is no time for one."""
        backoff = self._busy if fault is Fault.BUSY else self._backoff
        seconds = backoff.next_pause_seconds()
        if seconds >= self.left_seconds:
            return False
        time.sleep(seconds)
        return True
