"""Backoff: how long to pause before a further try."""

from __future__ import annotations

import random

from oms_core.domain.backoff import longest_pause_seconds


class Backoff:
    """Counts failures in a row. A pause is drawn at random up to a bound that doubles each time. For one thread."""

    def __init__(self, *, first_seconds: float, max_seconds: float) -> None:
        self._first_seconds = first_seconds
        self._max_seconds = max_seconds
        self.failures = 0

    def next_pause_seconds(self) -> float:
        """Count a failure and return how long to wait after it."""
        self.failures += 1
        longest = longest_pause_seconds(self.failures, first_seconds=self._first_seconds, max_seconds=self._max_seconds)
        return random.uniform(0, longest)  # noqa: S311  It keeps callers apart, and need not be secret.

    def reset(self) -> None:
        """Begin with the shortest pause again, after a success."""
        self.failures = 0
