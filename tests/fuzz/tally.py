"""What a run has tried, and what it found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """What was tried, and what was wrong: a failure is the input and what it led to."""

    tried: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def __iadd__(self, other: Tally) -> Tally:
        self.tried += other.tried
        self.outcomes += other.outcomes
        self.failures += other.failures
        return self
