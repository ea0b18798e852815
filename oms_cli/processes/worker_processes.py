"""The parent of `oms worker`: starts the processes, replaces those that die, and stops them together."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from oms_cli.processes.worker_process import STOP_SECONDS, Role, run_process
from oms_cli.terminal.exits import BUG, INTERRUPTED
from oms_core.runtime.backoff import Backoff
from oms_core.settings import Settings

_QUICK_DEATH_SECONDS = 5.0
_QUICK_DEATHS_MAX = 3
_PAUSE_FIRST_SECONDS = 0.5
_PAUSE_MAX_SECONDS = 8.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

# Forked children would share the parent's open descriptors, and so not notice its death.
_spawn = multiprocessing.get_context("spawn")
_log = logging.getLogger(__name__)


def _backoff() -> Backoff:
    return Backoff(first_seconds=_PAUSE_FIRST_SECONDS, max_seconds=_PAUSE_MAX_SECONDS)


@dataclass(slots=True)
class _Place:
    """One process, whichever fills the place now; none until `start_at` after a death."""

    role: Role
    process: SpawnProcess | None = None
    ready: Connection | None = None
    is_ready: bool = False
    started_at: float = 0.0
    start_at: float = 0.0
    quick_deaths: Backoff = field(default_factory=_backoff)


class WorkerProcesses:
    """Runs one process for each role given, until SIGTERM, SIGINT or SIGHUP. For the main thread."""

    def __init__(self, settings: Settings, roles: Sequence[Role], *, is_measured: bool) -> None:
        self._settings = settings
        self._is_measured = is_measured
        self._places = [_Place(role) for role in roles]
        self._signals = 0
        self._gave_up = False
        self._stop_at = float("inf")

    def run(self, on_ready: Callable[[], None]) -> int:
        """Return the exit status: 0 after a stop that let every batch finish.

        `on_ready` is called once all have begun. A process that dies is replaced, after growing pauses when it does so
        within 5 s of its start; when the third in a row dies so before it has begun to work, all are stopped, and the
        status is 1. A second signal, or 30 seconds after the first, kills what still runs: 130.
        """
        with _signals_told(self._note_signal) as told:
            try:
                return self._watch(told, on_ready)
            finally:
                self._kill()

    def _watch(self, told: socket.socket, on_ready: Callable[[], None]) -> int:
        is_told = False
        while True:
            if self._signals and not self._is_stopping:
                self._begin_to_stop()
            if self._is_stopping:
                if not any(place.process for place in self._places):
                    return BUG if self._gave_up else 0
                if self._signals > 1 or time.monotonic() >= self._stop_at:
                    _log.warning("what still ran was killed; its orders come to other workers")
                    return INTERRUPTED
            else:
                self._start_due()
                if not is_told and all(place.is_ready for place in self._places):
                    is_told = True
                    on_ready()
            self._wait(told)

    @property
    def _is_stopping(self) -> bool:
        return self._stop_at != float("inf")

    def _wait(self, told: socket.socket) -> None:
        """Wait for a signal, a death, a process that has begun, or the time at which something is due."""
        sentinels = {place.process.sentinel: place for place in self._places if place.process}
        beginning = {place.ready: place for place in self._places if place.ready}
        due = [self._stop_at] if self._is_stopping else [it.start_at for it in self._places if not it.process]
        timeout = max(0.0, min(due) - time.monotonic()) if due else None
        for what in wait([told, *sentinels, *beginning], timeout):
            if what is told:
                told.recv(1_024)
            elif isinstance(what, Connection):
                if beginning[what].ready is what:
                    _hear(beginning[what], what)
            elif isinstance(what, int):
                self._note_end(sentinels[what])

    def _start_due(self) -> None:
        for place in self._places:
            if place.process is None and time.monotonic() >= place.start_at:
                self._start(place)

    def _start(self, place: _Place) -> None:
        place.is_ready = False
        place.ready, writer = _spawn.Pipe(duplex=False)
        place.process = _spawn.Process(
            target=run_process,
            args=(self._settings, place.role, self._is_measured, writer),
            name=f"oms-{place.role.name.lower()}",
        )
        place.started_at = time.monotonic()
        place.process.start()
        writer.close()

    def _note_end(self, place: _Place) -> None:
        """Note that a process has ended, and say when its successor starts."""
        process, place.process = place.process, None
        assert process is not None  # noqa: S101  Its sentinel was heard.
        process.join()
        if place.ready is not None:
            _hear(place, place.ready)
        if self._is_stopping:
            return
        pause = _pause_after_death(place)
        what = f"the {place.role.value} process {process.pid} has ended with status {process.exitcode}"
        # One that had begun may have met an order that ends it, and is tried again until that order is given up.
        if place.quick_deaths.failures >= _QUICK_DEATHS_MAX and not place.is_ready:
            _log.error("%s, as those before it did: giving up", what)
            self._gave_up = True
            self._begin_to_stop()
            return
        _log.warning("%s; another starts in %.1f s", what, pause)
        place.start_at = time.monotonic() + pause

    def _note_signal(self) -> None:
        """Count only: the handler may interrupt the start of a process."""
        self._signals += 1

    def _begin_to_stop(self) -> None:
        self._stop_at = time.monotonic() + STOP_SECONDS
        for place in self._places:
            if place.process is not None:
                place.process.terminate()
        _log.info("stopping once the batches in hand are done; a second signal ends at once")

    def _kill(self) -> None:
        for place in self._places:
            if place.process is not None:
                place.process.kill()
                place.process.join()


def _pause_after_death(place: _Place) -> float:
    """Return how long its successor has to wait."""
    if time.monotonic() - place.started_at >= _QUICK_DEATH_SECONDS:
        place.quick_deaths.reset()
        return 0.0
    return place.quick_deaths.next_pause_seconds()


def _hear(place: _Place, ready: Connection) -> None:
    """Take note that a process has begun; one that died before that closed its end."""
    try:
        place.is_ready = bool(ready.recv())
    except EOFError:
        place.is_ready = False
    ready.close()
    place.ready = None


@contextmanager
def _signals_told(note: Callable[[], None]) -> Iterator[socket.socket]:
    """Call `note` for each signal that stops, and yield a socket that wakes whoever waits for one."""
    told, writer = socket.socketpair()
    writer.setblocking(False)
    before = {}
    try:
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in _SIGNALS:
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:  # nohup.
                continue
            before[number] = signal.signal(number, lambda _signal, _frame: note())
        yield told
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)
        told.close()
        writer.close()
