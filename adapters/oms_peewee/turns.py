"""Who may write to an SQLite file: one thread of a process at a time, so that only one tries to get the file's lock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from oms_core.runtime.forks import begin_in_each_process
from oms_peewee.faults import TooLateError
from oms_peewee.retry_deadline import RetryDeadline


class WriterTurns:
    """Gives the threads of a process their turn to write.

    SQLite wakes nobody who waits for its lock: waiting processes try again and again, and meet the moment between two
    commits of the one that writes only if they try often (`deadline.BUSY_PAUSE_MAX_SECONDS`). All threads of a process
    trying would leave it no time to write.
    """

    def __init__(self) -> None:
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._writing = threading.Lock()

    @contextmanager
    def turn(self, deadline: RetryDeadline) -> Iterator[None]:
        """Wait for the turn. Raises TooLateError when it did not come in time."""
        writing = self._writing
        if not writing.acquire(timeout=deadline.left_seconds):
            raise TooLateError("other threads of this process were writing all the time")
        try:
            yield
        finally:
            writing.release()
