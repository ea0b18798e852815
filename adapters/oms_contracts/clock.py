"""A clock for tests: it never stands still, and two that were begun alike give the same."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import count

BEGINNING = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)


class TickingClock:
    """A Clock that is `step` later at every look, from `beginning` on; its randomness repeats for the same `seed`."""

    def __init__(
        self, *, seed: int = 0, beginning: datetime = BEGINNING, step: timedelta = timedelta(microseconds=1_001)
    ) -> None:
        self._ticks = count()
        self._beginning = beginning
        self._step = step
        self._random = random.Random(seed)  # noqa: S311  Tests want it to repeat.

    def now(self) -> datetime:
        """Return the next time."""
        return self._beginning + next(self._ticks) * self._step

    def random_bits(self, count: int) -> int:
        """Return the next bits."""
        return self._random.getrandbits(count)
