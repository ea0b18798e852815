"""Who may write to an SQLite file: one thread of a process at a time, so that only one tries to get the file's lock."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from oms_peewee.faults import TooLateError
from oms_peewee.patience import Patience


class WriterTurns:
    """Gives the threads of a process their turn to write.

    SQLite wakes nobody who waits for its lock: waiting processes try again and again, and meet the moment between two
    commits of the one that writes only if they try often (`patience.BUSY_PAUSE_MAX_SECONDS`). All threads of a process
    trying would leave it no time to write.
    """

    def __init__(self) -> None:
        self._locks: dict[int, threading.Lock] = {}

    @contextmanager
    def turn(self, patience: Patience) -> Iterator[None]:
        """Wait for the turn. Raises TooLateError when it did not come in time."""
        process_id = os.getpid()  # A forked child must not wait for a thread that only its parent has.
        lock = self._locks.get(process_id) or self._locks.setdefault(process_id, threading.Lock())
        if not lock.acquire(timeout=patience.left_seconds):
            raise TooLateError("other threads of this process were writing all the time")
        try:
            yield
        finally:
            lock.release()
