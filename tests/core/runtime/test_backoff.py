"""Backoff: pauses that grow, are drawn with full jitter, and have a bound after any number of failures."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_core.domain.backoff import longest_pause_seconds
from oms_core.runtime.backoff import Backoff


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """What the pauses are drawn from; each is the longest."""
    bounds: list[tuple[float, float]] = []

    def longest(low: float, high: float) -> float:
        bounds.append((low, high))
        return high

    monkeypatch.setattr(random, "uniform", longest)
    return bounds


def test_pauses_double_from_the_first_to_the_longest_and_are_drawn_from_nothing_on(
    drawn: list[tuple[float, float]],
) -> None:
    backoff = Backoff(first_seconds=0.5, max_seconds=5.0)
    assert [backoff.next_pause_seconds() for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert {low for low, _ in drawn} == {0}


def test_after_a_success_they_begin_again(drawn: list[tuple[float, float]]) -> None:
    backoff = Backoff(first_seconds=1, max_seconds=60)
    for _ in range(4):
        backoff.next_pause_seconds()
    assert backoff.failures == 4
    backoff.reset()
    assert (backoff.failures, backoff.next_pause_seconds()) == (0, 1)


def test_two_thousand_failures_in_a_row_are_waited_out() -> None:
    backoff = Backoff(first_seconds=0.5, max_seconds=8.0)
    assert all(0 <= backoff.next_pause_seconds() <= 8.0 for _ in range(2_000))


@given(failures=st.integers(0, 10**9), first=st.floats(1e-3, 10), factor=st.floats(1, 1e6))
def test_the_longest_pause_stays_within_its_bounds(failures: int, first: float, factor: float) -> None:
    longest = longest_pause_seconds(failures, first_seconds=first, max_seconds=first * factor)
    assert first <= longest <= first * factor
