"""The arithmetic of a sliding window over two counters: what is left, and how long to wait for more.

The window counts the units of the current fixed window and, of the one before, the part that still overlaps the last
`window_seconds`. A moving window would keep a timestamp per unit: a list per caller, by the clock of each process. A
fixed window would allow twice the limit around its end, and charge refused requests too.
https://limits.readthedocs.io/en/stable/strategies.html
"""

from __future__ import annotations

import math
from typing import NamedTuple

from oms_core.domain.rate_limits import Allowance, RateLimit

STRATEGY = "sliding-window-counter"
_MOMENT_SECONDS = 0.001


class Window(NamedTuple):
    """The two counters, in the order in which `limits` returns them.

    `previous_seconds` is the time until the last of the previous units has expired; `current_seconds` is the time until
    the current units would expire, if they counted in full until then.
    """

    previous: int
    previous_seconds: float
    current: int
    current_seconds: float


def allowance_of(limit: RateLimit, window: Window, *, cost: int, allowed: bool) -> Allowance:
    """Return the result of a charge of `cost` from the counters after it."""
    taken = taken_of(limit, window)
    room = max(0, limit.count - cost)
    return Allowance(
        limit=limit,
        allowed=allowed,
        remaining=max(0, limit.count - taken),
        reset_seconds=math.ceil(_seconds_until(limit, window, taken, taken_max=0)),
        retry_after_seconds=0 if allowed else max(1, math.ceil(_seconds_until(limit, window, taken, taken_max=room))),
    )


def taken_of(limit: RateLimit, window: Window) -> int:
    """Return how many units count now, rounded down."""
    return math.floor(window.previous * window.previous_seconds / limit.window_seconds) + window.current


def _seconds_until(limit: RateLimit, window: Window, taken: int, *, taken_max: int) -> float:
    """Return the seconds until at most `taken_max` units count, if none is added."""
    if taken <= taken_max:
        return 0.0
    if window.current <= taken_max:  # It is enough that the previous units fade.
        seconds = window.previous_seconds - (taken_max - window.current + 1) * limit.window_seconds / window.previous
    else:  # The current units have to fade too, which they begin to do once they are the previous ones.
        begins = max(0.0, window.current_seconds - limit.window_seconds)
        seconds = begins + max(0.0, limit.window_seconds * (1 - (taken_max + 1) / window.current))
    return max(0.0, seconds) + _MOMENT_SECONDS
