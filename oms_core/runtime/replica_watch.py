"""How old a replica may be: looked at four times a second per process, while lists are read."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import NamedTuple, Protocol

from oms_core.domain.metrics import REPLICA_LAG_SECONDS
from oms_core.errors import OmsError
from oms_core.ports.metrics import Metrics
from oms_core.ports.replica import Replica
from oms_core.runtime.background_thread import start_thread
from oms_core.runtime.forks import begin_in_each_process

_log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
# After a look that has failed, and after a list that has.
REST_SECONDS = 1.0
BARRED_SECONDS = 2.0
# The longest that a list waits for a look, and only while the replica is thought to be in time. A replica that takes
# longer to say where it is hangs, and would keep a list hanging too.
WAIT_SECONDS = 0.5
# A mark is reached a few milliseconds after it was made, where both servers work: it is waited for so long.
_PAUSES_SECONDS = (0.0, 0.005, 0.01, 0.02, 0.04)
# A late replica is proven by marks of every age up to the bound.
_MARKS_MAX = 64


class Standing(StrEnum):
    """What the last look found."""

    IN_TIME = "in_time"
    LATE = "late"
    AWAY = "away"


class Look(Protocol):
    """A look that goes on aside."""

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end."""
        ...


class _Mark(NamedTuple):
    text: str
    asked_at: float


class ReplicaWatch:
    """Tells how old what a replica shows may be at most, by this process's clock. Thread-safe.

    The primary is asked for a mark, and the replica for the marks that it has reached. What was committed before the
    mark was asked for is then shown, so the replica is at most as old as that question. No server's clock is trusted,
    and an idle primary makes nothing look old. While the primary is away no new mark is made, and the age grows: the
    replica may then be current, and nobody can know.

    Looks are taken on a thread of their own, one at a time. A list that finds the last one too old waits for the next
    one, half a second at most.
    """

    def __init__(
        self,
        replica: Replica,
        *,
        lag_seconds_max: float,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        run_aside: Callable[[Callable[[], None]], Look] | None = None,
    ) -> None:
        self._replica = replica
        self._lag_seconds_max = lag_seconds_max
        self._metrics = metrics
        self._clock = clock
        self._pause = pause
        self._run_aside = run_aside or partial(start_thread, name="oms-replica-watch")
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._lock = threading.RLock()  # A test's look runs at once, where this one has begun it.
        self._looking: Look | None = None
        self._looking_since = 0.0
        self._due_at = self._barred_until = float("-inf")
        self._asked_at: float | None = None  # The replica was asked then, and has not answered yet.
        self._marks: list[_Mark] = []
        self._current_at = float("-inf")  # The replica shows all that was committed before then.
        self._standing = Standing.IN_TIME  # Until it was looked at it is waited for.

    @property
    def standing(self) -> Standing:
        """What the last look found."""
        return self._standing

    def lag_seconds(self) -> float | None:
        """Return how old what is read from the replica now may be; None where it is too old, or nothing is known."""
        if self._clock() < self._barred_until:
            return None
        look = self._current_look()
        if look is not None and self._standing is Standing.IN_TIME and self._lag() > self._lag_seconds_max:
            look.join(max(0.0, self._looking_since + WAIT_SECONDS - self._clock()))
        lag = self._lag()
        is_there = self._standing is not Standing.AWAY and not self._hangs()
        return lag if is_there and lag <= self._lag_seconds_max else None

    def begin_look(self) -> None:
        """Look at the replica aside, if that is due, for one who reads no list now."""
        self._current_look()

    def failed(self, error: OmsError) -> None:
        """Count the replica as away for two seconds, since a read there has failed."""
        self._barred_until = self._clock() + BARRED_SECONDS
        self._note(Standing.AWAY, error.detail, defect=error.defect)

    def _lag(self) -> float:
        return self._clock() - self._current_at

    def _hangs(self) -> bool:
        asked_at = self._asked_at
        return asked_at is not None and self._clock() - asked_at > WAIT_SECONDS

    def _current_look(self) -> Look | None:
        """Return the look that goes on, one that begins now if it is due; None where there is none."""
        with self._lock:
            if self._looking is None and self._clock() >= self._due_at:
                self._looking_since, self._due_at = self._clock(), float("inf")
                try:
                    look = self._run_aside(self._look)
                except OmsError as error:
                    self._due_at = self._looking_since + REST_SECONDS
                    _log.info("the replica was not looked at: %s", error.detail, exc_info=error.defect)
                    return None
                if self._due_at == float("inf"):  # It has not ended meanwhile.
                    self._looking = look
            return self._looking

    def _look(self) -> None:
        rest_seconds = LOOK_SECONDS
        try:
            why = self._make_mark()
            self._prove()
        except OmsError as error:
            rest_seconds = REST_SECONDS
            self._note(Standing.AWAY, error.detail, defect=error.defect)
        else:
            self._note(Standing.IN_TIME if self._lag() <= self._lag_seconds_max else Standing.LATE, why)
        finally:
            with self._lock:
                self._asked_at = self._looking = None
                self._due_at = self._clock() + rest_seconds

    def _make_mark(self) -> str:
        """Ask the primary for a mark; return why there is none, or an empty text."""
        asked_at = self._clock()
        try:
            text = self._replica.mark()
        except OmsError as error:
            return f"the primary does not say where it is: {error.detail}"
        marks = [mark for mark in self._marks if mark.asked_at >= asked_at - self._lag_seconds_max]
        if len(marks) > 1 and marks[-1].asked_at - marks[-2].asked_at < self._lag_seconds_max / _MARKS_MAX:
            marks.pop()
        self._marks = [*marks, _Mark(text, asked_at)]
        return ""

    def _prove(self) -> None:
        """Find the newest mark that was reached; wait for one where none of those reached is new enough."""
        for seconds in _PAUSES_SECONDS:
            if seconds:
                self._pause(seconds)
            count = self._count_reached() if self._marks else 0
            if count:
                self._current_at = max(self._current_at, self._marks[count - 1].asked_at)
                self._marks = self._marks[count:]
            if not self._marks or self._lag() <= self._lag_seconds_max:
                break
        if self._current_at > float("-inf"):
            self._metrics.observe(REPLICA_LAG_SECONDS, self._lag())

    def _count_reached(self) -> int:
        self._asked_at = self._clock()
        count = self._replica.count_reached([mark.text for mark in self._marks])
        self._asked_at = None
        return count

    def _note(self, standing: Standing, why: str, *, defect: BaseException | None = None) -> None:
        """Keep what was found, and log it where it has changed."""
        before, self._standing = self._standing, standing
        if standing is before:
            return
        if standing is Standing.IN_TIME:
            _log.info("the replica follows again: lists are read from it")
        else:
            late = f"the replica is more than {self._lag_seconds_max:g} s behind"
            _log.warning("lists are read from the primary: %s", why or late, exc_info=defect)
