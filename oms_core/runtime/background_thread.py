"""Threads in the background: they start when they are needed, and a failed start is the failure of one call only."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from oms_core.errors import OmsError
from oms_core.runtime.forks import begin_in_each_process

_log = logging.getLogger(__name__)


def start_thread(work: Callable[[], object], *, name: str) -> threading.Thread:
    """Start a daemon thread. Raise `overloaded` when the system has none to give."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    with starting_threads():
        thread.start()
    return thread


def start_threads(work: Callable[[], object], count: int, *, name: str) -> list[threading.Thread]:
    """Start `count` daemon threads, or as many as the system has to give, which may be none."""
    threads: list[threading.Thread] = []
    for number in range(count):
        try:
            threads.append(start_thread(work, name=f"{name}-{number}"))
        except OmsError as error:
            _log.warning("%s: %d of %d threads have started: %s", name, number, count, error.__cause__)
            break
    return threads


@contextmanager
def starting_threads() -> Iterator[None]:
    """Raise `overloaded` when a thread cannot start within a block, be it ours or a library's."""
    try:
        yield
    except RuntimeError as error:  # "can't start new thread": a limit of processes, of memory, or a process that ends.
        raise OmsError("overloaded", "this process can start no thread now", retry_after_seconds=1) from error


class BackgroundThread:
    """Does `work` on one daemon thread, which starts when it is first asked for, and anew in a forked child.

    The thread ends when the work is over. If `start` was called meanwhile, the work is done once more first, so that no
    call is lost. Thread-safe.
    """

    def __init__(self, work: Callable[[], object], *, name: str) -> None:
        self._work = work
        self._name = name
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_running = False
        self._is_asked_for = False
        self._is_failing = False

    def start(self) -> None:
        """Start the work, unless it is under way.

        Raise `overloaded` when no thread can start. Nothing has begun then, and the next call tries again.
        """
        with self._lock:
            if self._is_running:
                self._is_asked_for = True
            else:
                self._start()

    def join(self, timeout_seconds: float) -> None:
        """Wait for the end of the work, which the caller has told to end. It is not done once more."""
        with self._lock:
            self._is_asked_for = False
            thread = self._thread
        if thread is not None:
            thread.join(timeout_seconds)

    def _start(self) -> None:
        try:
            self._thread = start_thread(self._run, name=self._name)
        except OmsError as error:  # Each caller hears of its own failure; the log has the first one.
            _log.log(logging.DEBUG if self._is_failing else logging.WARNING, "%s: %s", self._name, error.__cause__)
            self._is_failing = True
            raise
        self._is_running, self._is_asked_for, self._is_failing = True, False, False

    def _run(self) -> None:
        try:
            self._work()
            while self._is_to_go_on():
                self._work()
        except BaseException:
            with self._lock:
                self._is_running = False
            raise

    def _is_to_go_on(self) -> bool:
        """Return whether the work is to be done once more; if not, this thread counts as ended."""
        with self._lock:
            self._is_running, self._is_asked_for = self._is_asked_for, False
            return self._is_running
