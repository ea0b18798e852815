"""Requests that are nearly right, byte by byte, to the service on every storage."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.fuzz.asking import ask_many
from tests.fuzz.schemas import ask_as_described
from tests.fuzz.service import fuzzed, speak_latin_1

SEED = "house"


def test_requests_to_memory_find_nothing_wrong() -> None:
    tally = ask_many(partial(fuzzed, "memory://"), seed=SEED, requests=400)
    assert not tally.failures, tally.failures[:5]
    assert tally.tried == 400
    assert tally.outcomes["2xx"] > 60, "most of the code is behind good requests"
    assert tally.outcomes["4xx"] > 150


def test_requests_to_a_service_with_limits_find_nothing_wrong() -> None:
    limited = partial(
        fuzzed, "memory://", rate_limits="default=20/minute;orders.place=30/minute;auth.failures=5/minute"
    )
    tally = ask_many(limited, seed=SEED, requests=200)
    assert not tally.failures, tally.failures[:5]


def test_requests_that_schemathesis_makes_find_nothing_wrong() -> None:
    tally = ask_as_described(partial(fuzzed, "memory://"), seed=SEED, requests=12)
    assert not tally.failures, tally.failures[:5]
    assert tally.tried > 6


def test_requests_to_sqlite_find_nothing_wrong(tmp_path: Path) -> None:
    tally = ask_many(partial(fuzzed, f"sqlite:///{tmp_path}/oms.db"), seed=SEED, requests=60)
    assert not tally.failures, tally.failures[:5]


def test_requests_to_postgresql_find_nothing_wrong(postgresql_url: str) -> None:
    speak_latin_1(postgresql_url)
    tally = ask_many(partial(fuzzed, postgresql_url), seed=SEED, requests=40)
    assert not tally.failures, tally.failures[:5]


@pytest.mark.parametrize("seed", ["a", "b"])
def test_the_same_seed_asks_the_same(seed: str) -> None:
    first, second = (ask_many(partial(fuzzed, "memory://"), seed=seed, requests=50) for _ in range(2))
    assert first.outcomes == second.outcomes
