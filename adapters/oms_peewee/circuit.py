"""A circuit breaker around connecting: while the database cannot be reached, callers are told at once."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Connected = TypeVar("Connected")

# A restart or a failover of one or two seconds is ridden out by the callers' own tries; this is past it, and short
# enough that the threads of a process are not all waiting yet.
OPENS_AFTER_SECONDS = 3.0
# Full jitter would have many processes meet; half of it keeps the database's return noticed within half a second.
_PROBE_SECONDS = (0.25, 0.5)
# When a probe does not come back (its thread may be gone), the next caller probes.
_PROBE_LOST_SECONDS = 10.0


class CircuitOpenError(Exception):
    """The database could not be reached lately: trying on is for one caller at a time."""


@dataclass(slots=True)
class _State:
    """What one process knows: since when nothing could be reached, and when to try again."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    missing_since: float | None = None
    is_open: bool = False
    probe_at: float = 0.0
    reason: str = ""


class Circuit(Generic[Connected]):
    """Guards `connect` (Nygard, Release It!, "Circuit Breaker"); thread-safe, and closed anew in a forked child.

    It opens when connecting has failed for three seconds without one success; then one caller every quarter to half
    second tries, as soon as the last one is back, and the others are refused. Only `is_unreachable` errors of `connect`
    count: whatever a database says once it has been reached does not.
    """

    def __init__(
        self,
        connect: Callable[[], Connected],
        is_unreachable: Callable[[Exception], bool],
        *,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._connect = connect
        self._is_unreachable = is_unreachable
        self._clock = clock
        self._uniform = uniform
        self._states: dict[int, _State] = {}

    def connect(self) -> Connected:
        """Connect. Raises CircuitOpenError at once while the circuit is open and this is no probe, or a vain one."""
        state = self._state()
        if state.is_open:
            self._become_probe(state)
        try:
            return self.connect_anyway()
        except Exception as error:
            if state.is_open and self._is_unreachable(error):  # It has waited long enough; the next one probes.
                raise CircuitOpenError(str(error)) from error
            raise

    def connect_anyway(self) -> Connected:
        """Connect, open or not: for one who has to find out what became of a COMMIT."""
        try:
            connection = self._connect()
        except Exception as error:
            if self._is_unreachable(error):
                self._missed(str(error))
            raise
        self.reached()
        return connection

    def reached(self) -> None:
        """Close: the database has answered."""
        state = self._state()
        if state.missing_since is not None:
            with state.lock:
                state.missing_since = None
                state.is_open = False

    def _become_probe(self, state: _State) -> None:
        with state.lock:
            if not state.is_open:
                return
            now = self._clock()
            if now < state.probe_at:
                raise CircuitOpenError(state.reason)
            state.probe_at = now + _PROBE_LOST_SECONDS

    def _missed(self, reason: str) -> None:
        state = self._state()
        with state.lock:
            state.reason = reason
            if state.missing_since is None:
                state.missing_since = self._clock()
            if state.is_open or self._clock() - state.missing_since >= OPENS_AFTER_SECONDS:
                self._open(state)

    def _open(self, state: _State) -> None:
        state.is_open = True
        state.probe_at = self._clock() + self._uniform(*_PROBE_SECONDS)

    def _state(self) -> _State:
        # setdefault is atomic; a forked child's lock must not be one that its parent held.
        process_id = os.getpid()
        return self._states.get(process_id) or self._states.setdefault(process_id, _State())
