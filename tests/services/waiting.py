"""Wait for conditions: the one place in the tests that sleeps, and only between two looks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.02


class DeadlinePassed(AssertionError):
    """A condition did not come true in time; as an AssertionError it fails a test like any other claim."""


def wait_until(condition: Callable[[], T], deadline_seconds: float, what: str) -> T:
    """Ask `condition` every 20 ms until it gives something true, and give that.

    `what` names the condition in DeadlinePassed, raised after `deadline_seconds`. What `condition`
    raises passes through. The condition is asked at least once, and once more after the deadline: a
    process that was starved of CPU is not blamed for it.
    """
    deadline = time.monotonic() + deadline_seconds
    while True:
        is_last = time.monotonic() >= deadline
        if outcome := condition():
            return outcome
        if is_last:
            raise DeadlinePassed(f"{what}: not within {deadline_seconds:g} s")
        time.sleep(POLL_SECONDS)
