"""How many requests a process takes on at once: a limit that follows how long they take."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from oms_core.runtime.drain_rate import DrainRate

WINDOW_SECONDS = 0.5
WINDOW_ANSWERS_MIN = 10
WINDOW_ANSWERS_MAX = 4_096
PLACES_MIN = 8
_QUANTILE = 0.9
_SHRINK_MOST = 0.5
_GROW_MOST = 2.0
# Growth aims a little below the target and stops further below it, or the limit would swing about it.
_GROW_TO = 0.9
_GROW_BELOW = 0.8
# A decrease has helped when latency fell by at least this part of what the limit fell.
_HELP_LEAST = 1 / 3
_SETTLING_TARGETS = 2.0
_TRIAL = 1.25
_CROWDED_PART = 0.9
_FEW_CROWDED_SECONDS = 2.0
HOLD_SECONDS = 10.0
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Begun(NamedTuple):
    """When a request was let in, and whether nearly all places were taken then."""

    at: float
    is_crowded: bool


class AdaptiveLimit:
    """The places of one kind of request, up to a ceiling: latency is held to a target, and decreases are verified.

    Decrease on congestion by a factor is Chiu and Jain's (Computer Networks 17, 1989), latency for its sign is
    AIMDLimit's (github.com/Netflix/concurrency-limits). Both ways it goes to where Little's law puts the target,
    `limit * target / latency`, but at most to half or twice of what it was. A gradient (Vegas, Gradient2) would
    compare with an idle service: under group commit latency doubles when the first batch gathers behind another, and
    throughput grows with it, so a gradient takes a full batch for a queue. What tells a queue from a slow database is
    whether fewer requests wait less: if latency does not fall with the limit, the decrease is taken back, and none is
    tried for 10 s. Every 10 s near the target some places are added on trial, and checked the same way. Latency is the
    90th percentile of half a second's answers, or of the first ten if they take longer. Only requests that were let in
    when nine tenths of the places were taken make it shrink: a process that is not full is slow for other reasons, and
    one that is filling up has not shown yet how slow it gets.

    All methods belong to the event loop's thread. `target_seconds` infinite: the ceiling is the limit.
    """

    def __init__(self, *, ceiling: int, target_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = float(ceiling)
        self.in_flight = 0
        self.drain = DrainRate(clock=clock)
        self._ceiling = ceiling
        self._floor = min(PLACES_MIN, ceiling)
        self._target_seconds = target_seconds
        self._clock = clock
        self._held_until = 0.0
        self._tries_at = 0.0
        self._counts_from = 0.0
        self._before: tuple[float, float] | None = None
        self._has_crowded = False
        self._open_window(clock())

    @property
    def full(self) -> bool:
        """Return whether a further request has to be refused."""
        return self.in_flight >= self.limit

    def begin(self) -> Begun:
        """Take a place. Return what `end` asks for."""
        now = self._clock()
        is_crowded = self.in_flight >= self.limit * _CROWDED_PART - 1
        self._has_crowded = self._has_crowded or is_crowded
        self.in_flight += 1
        return Begun(now, is_crowded)

    def leave(self) -> None:
        """Give a place back without a word on how long it was held: what waits on purpose says nothing of the load."""
        self.in_flight -= 1

    def end(self, begun: Begun) -> None:
        """Give a place back, and learn from it."""
        self.in_flight -= 1
        self.drain.count()
        if begun.at < self._counts_from:  # It was let in under another limit.
            return
        now = self._clock()
        seconds = self._crowded if begun.is_crowded else self._calm
        if len(seconds) < WINDOW_ANSWERS_MAX:
            seconds.append(now - begun.at)
        if now >= self._closes_at:
            self._close_window(now)

    def _open_window(self, now: float) -> None:
        self._crowded: list[float] = []
        self._calm: list[float] = []
        self._has_crowded = False
        self._closes_at = now + WINDOW_SECONDS

    def _close_window(self, now: float) -> None:
        """Close it if there is enough to judge by: the crowded ones if there were any, and all of them otherwise."""
        crowded, calm, is_late = self._crowded, self._calm, now >= self._closes_at + _FEW_CROWDED_SECONDS
        if len(crowded) >= WINDOW_ANSWERS_MIN or (crowded and is_late):
            self._open_window(now)
            self._judge(now, _quantile(crowded))
        elif len(calm) >= WINDOW_ANSWERS_MIN and not self._has_crowded:
            self._open_window(now)
            self._grow(_quantile(calm))

    def _judge(self, now: float, latency: float) -> None:
        before, self._before = self._before, None
        here = (self.limit, latency)
        if before is not None and before[0] < self.limit:
            if _has_helped(here, before):  # The places that were added on trial only made a queue.
                self._move_to(before[0])
            else:
                self._try_more(now, latency)
        elif latency <= self._target_seconds * _GROW_BELOW:
            self._grow(latency)
        elif before is not None and latency > self._target_seconds and not _has_helped(before, here):
            self._move_to(before[0])
            self._held_until = self._tries_at = now + HOLD_SECONDS
        elif latency > self._target_seconds and now >= self._held_until:
            self._shrink(now, latency)
        elif now >= self._tries_at:
            self._try_more(now, latency)

    def _try_more(self, now: float, latency: float) -> None:
        """Add places on trial: after a bad moment a slow database would be left with few for ever."""
        self._change(now, latency, self.limit * _TRIAL)

    def _grow(self, latency: float) -> None:
        if latency <= self._target_seconds * _GROW_BELOW:
            self._before = None
            self._move_to(self.limit * min(_GROW_MOST, _GROW_TO * self._target_seconds / max(latency, 1e-6)))

    def _shrink(self, now: float, latency: float) -> None:
        self._change(now, latency, self.limit * max(_SHRINK_MOST, self._target_seconds / latency))

    def _change(self, now: float, latency: float, limit: float) -> None:
        """Change the limit, then look away until those who came under the old one are done."""
        before = (self.limit, latency)
        self._move_to(limit)
        self._tries_at = now + HOLD_SECONDS
        if self.limit != before[0]:
            self._before = before
            self._counts_from = now + min(latency, _SETTLING_TARGETS * self._target_seconds)
            self._open_window(self._counts_from)

    def _move_to(self, limit: float) -> None:
        self.limit = min(float(self._ceiling), max(float(self._floor), limit))


def _quantile(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * _QUANTILE)]


def _has_helped(before: tuple[float, float], after: tuple[float, float]) -> bool:
    """Compare (limit, latency) around a decrease: by what part did each fall?"""
    limit_fell = 1 - after[0] / before[0]
    latency_fell = 1 - after[1] / before[1]
    return latency_fell >= limit_fell * _HELP_LEAST


class Place:
    """One request's place; `begin_waiting` may be called by any thread, the rest belongs to the event loop's."""

    __slots__ = ("_begun", "_is_held", "_limit", "_loop")

    def __init__(self, limit: AdaptiveLimit, loop: asyncio.AbstractEventLoop) -> None:
        self._limit = limit
        self._loop = loop
        self._is_held = True
        self._begun = limit.begin()

    def begin_waiting(self) -> None:
        """Say that from now on the request waits on purpose: it neither takes a place nor tells of the load."""
        self._loop.call_soon_threadsafe(self.leave)

    def leave(self) -> None:
        """Give the place back early."""
        if self._is_held:
            self._is_held = False
            self._limit.leave()

    def end(self) -> None:
        """Give the place back with the answer."""
        if self._is_held:
            self._is_held = False
            self._limit.end(self._begun)


class Admission:
    """The places of one process: reads and writes apart, so that a backlog of one does not refuse the other."""

    def __init__(self, *, in_flight_max: int, target_seconds: float) -> None:
        ceiling = in_flight_max - in_flight_max // 8
        self.reads = AdaptiveLimit(ceiling=ceiling, target_seconds=target_seconds)
        self.writes = AdaptiveLimit(ceiling=ceiling, target_seconds=target_seconds)
