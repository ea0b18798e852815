"""How long to wait after a failure: exponential backoff with full jitter (Brooker, AWS Architecture Blog, 2015)."""

from __future__ import annotations

# Without this bound a float would overflow at the 1,025th failure. No useful pause is 2^62 times the first.
_DOUBLINGS_MAX = 62


def longest_pause_seconds(failures: int, *, first_seconds: float, max_seconds: float) -> float:
    """Return the longest pause after so many failures: `first_seconds` after the first, twice that after the second,
    and so on up to `max_seconds`.
    """
    doublings = min(max(failures - 1, 0), _DOUBLINGS_MAX)
    return min(max_seconds, first_seconds * 2.0**doublings)
