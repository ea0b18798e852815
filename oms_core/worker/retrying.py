"""Repeating work until it is done: the faults that pass are waited out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import TypeVar

from oms_core.errors import ErrorKind, OmsError
from oms_core.runtime.backoff import Backoff
from oms_core.worker.heartbeat import Heartbeat

Result = TypeVar("Result")

_log = logging.getLogger(__name__)

_PAUSE_FIRST_SECONDS = 0.1
_PAUSE_MAX_SECONDS = 5.0
_TOLD_AGAIN_SECONDS = 60.0


class StoppedError(Exception):
    """The worker was stopped before its work was done."""


class StuckError(Exception):
    """Work that fails time and again while the database takes other work.

    Unless `is_its_own`, the fault is not in the work: less of it may still fit into a database that is nearly full.
    """

    def __init__(self, reason: OmsError, *, is_its_own: bool) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.is_its_own = is_its_own


class Retrying:
    """Repeats work until it is done or `stop` is set; the heartbeat goes on meanwhile. Thread-safe.

    `check` raises while the database is known to be unfit for work, as when its disk is full.
    """

    def __init__(self, stop: threading.Event, heartbeat: Heartbeat, check: Callable[[], None]) -> None:
        self._stop = stop
        self._heartbeat = heartbeat
        self._check = check
        self._told = ""
        self._told_at = float("-inf")

    def __call__(self, work: Callable[[], Result], *, tries: int | None = None) -> Result:
        """Do `work` until it succeeds, with growing pauses between; raise an error that does not pass.

        Raise StoppedError, or StuckError when it has failed `tries` times while the database takes other work.
        """
        backoff = Backoff(first_seconds=_PAUSE_FIRST_SECONDS, max_seconds=_PAUSE_MAX_SECONDS)
        for number in count(1):
            try:
                return work()
            except OmsError as error:
                if not passes(error):
                    raise
                self._tell(error)
                if tries is not None and number >= tries:
                    self._raise_if_stuck(error)
            if self._stop.wait(backoff.next_pause_seconds()):
                raise StoppedError
            self._heartbeat.beat()
        raise AssertionError  # The count never ends.

    def raise_if_stopped(self) -> None:
        """Raise StoppedError once the worker is to stop."""
        if self._stop.is_set():
            raise StoppedError

    def _tell(self, error: OmsError) -> None:
        """Log an error that is waited out: once a minute while it stays the same, however many orders meet it."""
        text, now = str(error), time.monotonic()
        is_known = text == self._told and now < self._told_at + _TOLD_AGAIN_SECONDS
        _log.log(logging.DEBUG if is_known else logging.WARNING, "the worker tries again after %s", text)
        if not is_known:
            self._told, self._told_at = text, now

    def _raise_if_stuck(self, error: OmsError) -> None:
        is_fit = self._is_fit()  # First: a heartbeat that is written shows that the database takes something.
        if self._heartbeat.beat_now():
            raise StuckError(error, is_its_own=is_fit) from error

    def _is_fit(self) -> bool:
        try:
            self._check()
        except OmsError:
            return False
        return True


def passes(error: OmsError) -> bool:
    """Return whether the same work may succeed later."""
    return error.kind in {ErrorKind.UNAVAILABLE, ErrorKind.LIMITED} or error.code == "idempotency_key_in_use"
