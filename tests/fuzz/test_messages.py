"""Messages that are nearly right, to a worker: it goes on, places what is good, and dead-letters what is not."""

from __future__ import annotations

from tests.fuzz.working import work_through


def test_a_worker_places_what_is_good_among_messages_that_are_not() -> None:
    tally = work_through(seed="house", messages=3_000)
    assert not tally.failures, tally.failures[:5]
    assert tally.tried == 3_000
    assert tally.outcomes["dead_lettered"] > 1_000
    assert tally.outcomes["acknowledged"] > 300
