"""A circuit breaker around connecting: while the database cannot be reached, callers are told at once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Generic, TypeVar

from oms_core.runtime.forks import begin_in_each_process

Connected = TypeVar("Connected")

# A restart or a failover of one or two seconds is ridden out by the callers' own tries; this is past it, and short
# enough that the threads of a process are not all waiting yet.
OPENS_AFTER_SECONDS = 3.0
# Full jitter would have many processes meet; half of it keeps the database's return noticed within half a second.
_PROBE_SECONDS = (0.25, 0.5)
# When a probe does not come back (its thread may be gone), the next caller probes.
_PROBE_LOST_SECONDS = 10.0


class Missing(Enum):
    """What a failure to connect says of the database."""

    FOR_NOW = "it was not reached: it may be restarting"
    FOR_SURE = "what was reached there says that it is not the database to work with"


class CircuitOpenError(Exception):
    """The database could not be reached lately: trying on is for one caller at a time."""


class Circuit(Generic[Connected]):
    """Guards `connect` (Nygard, Release It!, "Circuit Breaker"); thread-safe, and closed anew in a forked child.

    It opens when connecting has failed for three seconds without one success, or at once when the database is missing
    for sure; then one caller every quarter to half second tries, as soon as the last one is back, and the others are
    refused. Only those errors of `connect` count of which `missing_of` says what is missing: whatever else a database
    says once it has been reached does not.
    """

    def __init__(
        self,
        connect: Callable[[], Connected],
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

    def connect(self) -> Connected:
        """Connect. Raises CircuitOpenError at once while the circuit is open and this is no probe, or a vain one."""
        if self._is_open:
            self._become_probe()
        try:
            return self.connect_anyway()
        except Exception as error:
            if self._is_open and self._missing_of(error) is not None:  # It has waited long enough; the next one probes.
                raise CircuitOpenError(str(error)) from error
            raise

    def connect_anyway(self) -> Connected:
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
