"""How long one call goes on trying, and how long it waits between two tries."""

from __future__ import annotations

import random
import time

from oms_peewee.faults import Fault

_PAUSE_FIRST_SECONDS = 0.02
_PAUSE_MAX_SECONDS = 1.0
# Short, to meet the moment between two commits of an SQLite writer: 64 threads in 4 processes that place orders all the
# time then let another process in within 20 milliseconds, 300 at worst.
BUSY_PAUSE_MAX_SECONDS = 0.002


class Patience:
    """The deadline of one call: exponential backoff with full jitter (Brooker, AWS Architecture Blog, 2015)."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        self._pause_max = _PAUSE_FIRST_SECONDS

    @property
    def left_seconds(self) -> float:
        """What is left, never below 0."""
        return max(0.0, self._ends_at - time.monotonic())

    def pause(self, fault: Fault) -> bool:
        """Wait before the next try; False, at once, when there is no time for one."""
        seconds = random.uniform(0, self._next_pause_max(fault))  # noqa: S311  Jitter is no secret.
        if seconds >= self.left_seconds:
            return False
        time.sleep(seconds)
        return True

    def _next_pause_max(self, fault: Fault) -> float:
        if fault is Fault.BUSY:
            return BUSY_PAUSE_MAX_SECONDS
        longest = self._pause_max
        self._pause_max = min(2 * longest, _PAUSE_MAX_SECONDS)
        return longest
