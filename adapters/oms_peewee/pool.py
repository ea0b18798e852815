"""A bounded number of connections per process, each used by one thread at a time, and a breaker around opening them."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum

from oms_core.runtime.forks import begin_in_each_process
from oms_peewee.faults import TooLateError
from oms_peewee.retry_deadline import RetryDeadline
from oms_peewee.session import Session


@dataclass(slots=True)
class _Connections:
    """The connections of one process: those that nobody uses, the last used one on top.

    `suspicions` counts how often all connections have become suspect.
    """

    free: threading.Semaphore
    idle: list[Session] = field(default_factory=list)
    suspicions: int = 0


class Pool:
    """Lends connections, at most `size` at a time; opens them when they are first needed.

    A forked child starts with an empty pool: it neither uses nor closes its parent's connections, whose sockets it
    shares.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._generations: list[_Connections] = []
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        # The parent's connections stay referenced: garbage collection would close them, and the parent uses them.
        self._generations.append(_Connections(threading.Semaphore(self.size)))

    @contextmanager
    def lend(self, deadline: RetryDeadline, connect: Callable[[], Session]) -> Iterator[Session]:
        """Lend a connection, waiting for one if all are in use, or made by `connect` if none is there.

        Raises TooLateError when none came free, and what `connect` raises.
        """
        own = self._generations[-1]
        if not own.free.acquire(timeout=deadline.left_seconds):
            raise TooLateError(f"all {self.size} connections of this process are in use")
        try:
            suspicions = own.suspicions
            connection = self._take(own, connect)
            try:
                yield connection
            finally:
                self._put_back(own, connection, is_suspect=suspicions != own.suspicions)
        finally:
            own.free.release()

    def discard_idle(self) -> None:
        """Close what nobody uses: after one lost connection the others of the same server are suspect.

        Those that are lent are closed when they come back.
        """
        own = self._generations[-1]
        own.suspicions += 1  # If two threads do so at once, one count is enough.
        while own.idle:
            try:
                own.idle.pop().discard()
            except IndexError:  # Another thread took the last one.
                return

    def _take(self, own: _Connections, connect: Callable[[], Session]) -> Session:
        while own.idle:
            try:
                connection = own.idle.pop()
            except IndexError:  # Another thread took the last one.
                break
            if connection.is_usable():
                return connection
            connection.discard()
        return connect()

    def _put_back(self, own: _Connections, connection: Session, *, is_suspect: bool) -> None:
        if not is_suspect and connection.is_usable():
            own.idle.append(connection)
        else:
            connection.discard()


# The callers' own tries bridge a restart or a failover of one or two seconds. This is longer, and short enough that
# not all threads of a process are waiting yet.
OPENS_AFTER_SECONDS = 3.0
# The jitter keeps processes apart. At most half a second passes until the database's return is noticed.
_PROBE_SECONDS = (0.25, 0.5)
# When a probe does not come back (its thread may be gone), the next caller probes.
_PROBE_LOST_SECONDS = 10.0


class Missing(Enum):
    """What a failure to connect says of the database."""

    FOR_NOW = "it was not reached: it may be restarting"
    FOR_SURE = "what was reached there says that it is not the database to work with"


class CircuitOpenError(Exception):
    """The database could not be reached lately: only one caller at a time tries on."""


class Circuit:
    """Guards `connect` (Nygard, Release It!, "Circuit Breaker"); thread-safe, and closed anew in a forked child.

    It opens when connecting has failed for three seconds without one success, or at once when the database is missing
    for sure. Then one caller tries every quarter to half second, as soon as the last one is back, and the others are
    refused. An error counts only if `missing_of` returns what is missing: a database that answers was reached.
    """

    def __init__(
        self,
        connect: Callable[[], Session],
        missing_of: Callable[[Exception], Missing | None],
        *,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._connect = connect
        self._missing_of = missing_of
        self._clock = clock
        self._uniform = uniform
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._missing_since: float | None = None
        self._is_open = False
        self._probe_at = 0.0
        self._reason = ""

    def connect(self) -> Session:
        """Connect. Raises CircuitOpenError at once while the circuit is open and this is no probe, or a vain one."""
        if self._is_open:
            self._become_probe()
        try:
            return self.connect_anyway()
        except Exception as error:
            if self._is_open and self._missing_of(error) is not None:  # It has waited long enough; the next one probes.
                raise CircuitOpenError(str(error)) from error
            raise

    def connect_anyway(self) -> Session:
        """Connect, open or not: for one who has to find out what became of a COMMIT."""
        try:
            connection = self._connect()
        except Exception as error:
            missing = self._missing_of(error)
            if missing is not None:
                self._missed(str(error), missing)
            raise
        self.reached()
        return connection

    def reached(self) -> None:
        """Close: the database has answered."""
        if self._missing_since is not None:
            with self._lock:
                self._missing_since = None
                self._is_open = False

    def _become_probe(self) -> None:
        with self._lock:
            if not self._is_open:
                return
            now = self._clock()
            if now < self._probe_at:
                raise CircuitOpenError(self._reason)
            self._probe_at = now + _PROBE_LOST_SECONDS

    def _missed(self, reason: str, missing: Missing) -> None:
        with self._lock:
            self._reason = reason
            if self._missing_since is None:
                self._missing_since = self._clock()
            lasted = self._clock() - self._missing_since >= OPENS_AFTER_SECONDS
            if self._is_open or lasted or missing is Missing.FOR_SURE:
                self._open()

    def _open(self) -> None:
        self._is_open = True
        self._probe_at = self._clock() + self._uniform(*_PROBE_SECONDS)
