"""What two counters say of a sliding window: what is left, and how long to wait for more.

The window is a sliding counter: the units of the current fixed window and, of the one before, the part that still
overlaps the last `window_seconds`. It is chosen over a moving window, which keeps a timestamp per unit (a list per
caller, by the clock of whoever asks), and over a fixed one, which lets through twice the limit around its end and
charges refused requests too. https://limits.readthedocs.io/en/stable/strategies.html
"""

from __future__ import annotations

import math
from typing import NamedTuple

from oms_core.domain.rate_limits import Allowance, RateLimit

STRATEGY = "sliding-window-counter"
_MOMENT_SECONDS = 0.001


class Window(NamedTuple):
    """The two counters, in the order in which `limits` gives them.

    `previous_seconds` is when the last of the previous units is forgotten; `current_seconds` is when the current
    units would be, if they counted in full until then.
    """

    previous: int
    previous_seconds: float
    current: int
    current_seconds: float


def allowance_of(limit: RateLimit, window: Window, *, cost: int, allowed: bool) -> Allowance:
    """Show the counters after a charge of `cost` as what became of it."""
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
    """Return how many units count now; parts of a unit do not."""
    return math.floor(window.previous * window.previous_seconds / limit.window_seconds) + window.current


def _seconds_until(limit: RateLimit, window: Window, taken: int, *, taken_max: int) -> float:
    """Return when no more than `taken_max` units count, if none is added."""
    if taken <= taken_max:
        return 0.0
    if window.current <= taken_max:  # It is enough that the previous units fade.
        seconds = window.previous_seconds - (taken_max - window.current + 1) * limit.window_seconds / window.previous
    else:  # The current units have to fade too, which they begin to do once they are the previous ones.
        begins = max(0.0, window.current_seconds - limit.window_seconds)
        seconds = begins + max(0.0, limit.window_seconds * (1 - (taken_max + 1) / window.current))
    return max(0.0, seconds) + _MOMENT_SECONDS
