"""Doing something until it is done, over all faults that pass."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from itertools import count
from typing import TypeVar

from oms_core.errors import ErrorKind, OmsError
from oms_core.runtime.backoff import Backoff
from oms_core.runtime.heartbeat import Heartbeat

Result = TypeVar("Result")

_log = logging.getLogger(__name__)

_PAUSE_FIRST_SECONDS = 0.1
_PAUSE_MAX_SECONDS = 5.0


class StoppedError(Exception):
    """The worker is to stop, while the database is away."""


class StuckError(Exception):
    """Something fails time and again, while the database takes other work."""

    def __init__(self, reason: OmsError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Patience:
    """Repeats work until it is done or `stop` is set; the worker shows signs of life meanwhile. Thread-safe."""

    def __init__(self, stop: threading.Event, heartbeat: Heartbeat) -> None:
        self._stop = stop
        self._heartbeat = heartbeat

    def __call__(self, work: Callable[[], Result], *, tries: int | None = None) -> Result:
        """Do something until it is done, after growing pauses; raise what does not pass.

        Raises StoppedError, or StuckError when it has failed in each of `tries`, and the database takes other work.
        """
        backoff = Backoff(first_seconds=_PAUSE_FIRST_SECONDS, max_seconds=_PAUSE_MAX_SECONDS)
        for number in count(1):
            try:
                return work()
            except OmsError as error:
                if not passes(error):
                    raise
                _log.warning("the worker tries again after %s", error)
                if tries is not None and number >= tries and self._heartbeat.beat_now():
                    raise StuckError(error) from error
            if self._stop.wait(backoff.next_pause_seconds()):
                raise StoppedError
            self._heartbeat.beat()
        raise AssertionError  # It counts for ever.


def passes(error: OmsError) -> bool:
    """Tell whether the same may succeed later."""
    return error.kind in {ErrorKind.UNAVAILABLE, ErrorKind.LIMITED} or error.code == "idempotency_key_in_use"
