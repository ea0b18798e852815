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


class RetryDeadline:
    """The deadline of one call, with growing pauses between its tries."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        self._backoffs: dict[bool, Backoff] = {}

    @property
    def left_seconds(self) -> float:
        """What is left, never below 0."""
        return max(0.0, self._ends_at - time.monotonic())

    def pause(self, fault: Fault) -> bool:
        """Wait before the next try; False, at once, when there is no time for one."""
        seconds = self._backoff(is_busy=fault is Fault.BUSY).next_pause_seconds()
        if seconds >= self.left_seconds:
            return False
        time.sleep(seconds)
        return True

    def _backoff(self, *, is_busy: bool) -> Backoff:
        """Return the pauses after one kind of fault, made when they are needed: nearly every call succeeds at once."""
        if is_busy not in self._backoffs:
            first = BUSY_PAUSE_MAX_SECONDS if is_busy else _PAUSE_FIRST_SECONDS
            longest = BUSY_PAUSE_MAX_SECONDS if is_busy else _PAUSE_MAX_SECONDS
            self._backoffs[is_busy] = Backoff(first_seconds=first, max_seconds=longest)
        return self._backoffs[is_busy]
