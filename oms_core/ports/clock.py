"""Time and randomness as a port, so that tests can choose them."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where time and randomness come from; both methods are thread-safe."""

    def now(self) -> datetime:
        """Return the time, aware and in UTC, with microseconds."""
        ...

    def random_bits(self, count: int) -> int:
        """Return `count` random bits, unpredictable, as a number."""
        ...


class SystemClock:
    """The machine's clock and the operating system's randomness."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)

    def random_bits(self, count: int) -> int:
        """Return bits from the operating system."""
        return secrets.randbits(count)
