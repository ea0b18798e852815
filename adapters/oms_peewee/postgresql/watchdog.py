"""Ends connections whose server has stopped answering without going away: a frozen one keeps its sockets alive."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from oms_core.errors import OmsError
from oms_core.runtime.background_thread import BackgroundThread
from oms_core.runtime.forks import begin_in_each_process
from oms_peewee.faults import TooLateError

_POLL_SECONDS = 1.0
_IDLE_POLLS_MAX = 60


class Watchdog:
    """Shuts a socket down when one statement on it took too long; the driver then finds its connection closed.

    libpq waits without a limit of its own. The server's statement_timeout ends what takes long on a server that runs,
    and TCP's timeouts a connection to a machine that is gone; a stopped process (SIGSTOP, a frozen disk) escapes both.
    A thread looks once a second; it ends a minute or two after the last statement. Thread-safe; begins anew in a child.
    """

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._thread = BackgroundThread(self._run, name="oms-watchdog")
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        # By an id of its own, the socket of each statement under way, and when it has taken long enough.
        self._waiting: dict[object, tuple[int, float]] = {}

    @contextmanager
    def watch(self, file_descriptor: int, seconds: float | None = None) -> Iterator[None]:
        """Watch a socket for as long as a statement runs on it, which may take so many seconds, or else the usual ones.

        Raise TooLateError, before the statement is sent, when there is no thread to watch it.
        """
        statement = object()
        with self._lock:
            self._waiting[statement] = file_descriptor, self._clock() + (self._seconds if seconds is None else seconds)
        try:
            self._be_watching()
            yield
        finally:
            with self._lock:  # So that the descriptor is still this socket's while it is shut down.
                self._waiting.pop(statement, None)

    def look(self) -> bool:
        """Shut down what has taken too long; tell whether anything is being waited for."""
        with self._lock:
            now = self._clock()
            for statement, (file_descriptor, expires_at) in self._waiting.items():
                if now >= expires_at:
                    self._waiting[statement] = file_descriptor, now + self._seconds
                    _shut_down(file_descriptor)
            return bool(self._waiting)

    def _be_watching(self) -> None:
        try:
            self._thread.start()
        except OmsError as error:
            raise TooLateError(error.detail) from error

    def _run(self) -> None:
        idle_polls = 0
        while idle_polls <= _IDLE_POLLS_MAX:
            time.sleep(_POLL_SECONDS)
            idle_polls = 0 if self.look() else idle_polls + 1


def _shut_down(file_descriptor: int) -> None:
    with suppress(OSError), socket.socket(fileno=os.dup(file_descriptor)) as duplicate:
        duplicate.shutdown(socket.SHUT_RDWR)
