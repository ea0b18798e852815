"""Ends connections whose server has stopped answering without going away: a frozen one keeps its sockets alive."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_POLL_SECONDS = 1.0
_IDLE_POLLS_MAX = 60


@dataclass(slots=True)
class _Watch:
    """What one process waits for: by an id of its own, a socket and when it has waited long enough."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: dict[object, tuple[int, float]] = field(default_factory=dict)
    thread: threading.Thread | None = None


class Watchdog:
    """Shuts a socket down when one statement on it took `seconds`; the driver then finds its connection closed.

    libpq waits without a limit of its own. The server's statement_timeout ends what takes long on a server that runs,
    and TCP's timeouts a connection to a machine that is gone; a stopped process (SIGSTOP, a frozen disk) escapes both.
    A thread looks once a second; it ends after a minute without work. Thread-safe; begins anew in a forked child.
    """

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._watches: dict[int, _Watch] = {}

    @contextmanager
    def watch(self, file_descriptor: int) -> Iterator[None]:
        """Watch a socket for as long as a statement runs on it."""
        watch, statement = self._watch(), object()
        with watch.lock:
            watch.waiting[statement] = file_descriptor, self._clock() + self._seconds
            if watch.thread is None:
                watch.thread = threading.Thread(target=self._run, args=(watch,), name="oms-watchdog", daemon=True)
                watch.thread.start()
        try:
            yield
        finally:
            with watch.lock:  # So that the descriptor is still this socket's while it is shut down.
                del watch.waiting[statement]

    def look(self) -> bool:
        """Shut down what has taken too long; tell whether anything is being waited for."""
        watch = self._watch()
        with watch.lock:
            now = self._clock()
            for statement, (file_descriptor, expires_at) in watch.waiting.items():
                if now >= expires_at:
                    watch.waiting[statement] = file_descriptor, now + self._seconds
                    _shut_down(file_descriptor)
            return bool(watch.waiting)

    def _run(self, watch: _Watch) -> None:
        idle_polls = 0
        while True:
            time.sleep(_POLL_SECONDS)
            idle_polls = 0 if self.look() else idle_polls + 1
            if idle_polls > _IDLE_POLLS_MAX:
                with watch.lock:
                    if not watch.waiting:
                        watch.thread = None
                        return

    def _watch(self) -> _Watch:
        # setdefault is atomic; a forked child has neither its parent's thread nor a lock that one of them held.
        process_id = os.getpid()
        return self._watches.get(process_id) or self._watches.setdefault(process_id, _Watch())


def _shut_down(file_descriptor: int) -> None:
    with suppress(OSError), socket.socket(fileno=os.dup(file_descriptor)) as duplicate:
        duplicate.shutdown(socket.SHUT_RDWR)
