"""Halving a batch: the item at fault is found and costs the others nothing; what is nobody's fault stops all."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_core import OmsError
from oms_core.runtime.halving import halve_to_fault, is_defect

AWAY = OmsError("storage_unavailable", "the database is away")


class Attempts:
    """Does batches without a bad item, and notes them all."""

    def __init__(self, bad: set[int]) -> None:
        self.bad = bad
        self.tried: list[list[int]] = []
        self.blamed: list[int] = []

    def attempt(self, batch: Sequence[int]) -> list[int]:
        self.tried.append(list(batch))
        if self.bad & set(batch):
            raise ValueError("a bad item")
        return list(batch)

    def blame(self, item: int, error: Exception) -> list[int]:
        assert isinstance(error, ValueError)
        self.blamed.append(item)
        return [-item]

    def run(self, count: int) -> list[int]:
        results = halve_to_fault(range(1, count + 1), self.attempt, is_of_an_item=is_defect, blame=self.blame)
        return [each for result in results for each in result]


@given(count=st.integers(1, 64), bad=st.sets(st.integers(1, 64)))
def test_each_item_has_its_result_in_order_and_only_the_bad_are_blamed(count: int, bad: set[int]) -> None:
    attempts = Attempts(bad)
    assert attempts.run(count) == [-item if item in bad else item for item in range(1, count + 1)]
    assert attempts.blamed == sorted(bad & set(range(1, count + 1)))


def test_one_bad_item_of_many_costs_two_attempts_a_halving() -> None:
    attempts = Attempts({300})
    attempts.run(512)
    assert len(attempts.tried) == 1 + 2 * 9


def test_a_batch_of_nothing_but_bad_items_is_blamed_whole() -> None:
    attempts = Attempts(set(range(1, 2_001)))
    assert attempts.run(2_000) == [-item for item in range(1, 2_001)]


def test_what_is_no_items_fault_is_raised_at_once_and_blames_nobody() -> None:
    tried: list[Sequence[int]] = []

    def attempt(batch: Sequence[int]) -> None:
        tried.append(batch)
        raise AWAY if len(batch) < 8 else ValueError("a bad item")

    with pytest.raises(OmsError, match="away"):
        halve_to_fault(range(8), attempt, is_of_an_item=is_defect, blame=lambda item, _: pytest.fail(str(item)))
    assert list(map(len, tried)) == [8, 4]


def test_the_fault_of_a_half_does_not_trail_that_of_the_whole() -> None:
    causes: list[BaseException | None] = []

    def attempt(batch: Sequence[int]) -> None:
        raise ValueError("a bad item")

    halve_to_fault(range(4), attempt, is_of_an_item=is_defect, blame=lambda _, error: causes.append(error.__context__))
    assert causes == [None] * 4


@pytest.mark.parametrize(
    ("error", "expected"),
    [(ValueError("a bug"), True), (OmsError("internal_error", "a bug"), True), (AWAY, False)],
    ids=repr,
)
def test_a_defect_is_a_bug_and_nothing_else(error: Exception, expected: bool) -> None:
    assert is_defect(error) is expected
