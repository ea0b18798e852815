"""The parent of `oms worker`: how long it waits after the deaths of a process, however many there are."""

from __future__ import annotations

import random
import time

import pytest

from oms_cli.processes.worker_process import Role
from oms_cli.processes.worker_processes import _pause_after_death, _Place


@pytest.fixture(autouse=True)
def longest_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """No luck in pauses."""
    monkeypatch.setattr(random, "uniform", lambda _, longest: longest)


def test_two_thousand_quick_deaths_in_a_row_are_waited_out() -> None:
    place = _Place(Role.WORKER, started_at=time.monotonic())
    pauses = [_pause_after_death(place) for _ in range(2_000)]
    assert pauses[:6] == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]
    assert set(pauses[6:]) == {8.0}


def test_one_that_has_lived_for_a_while_is_replaced_at_once_and_what_was_before_is_forgotten() -> None:
    place = _Place(Role.WORKER, started_at=time.monotonic())
    _pause_after_death(place)
    _pause_after_death(place)
    place.started_at = time.monotonic() - 6
    assert _pause_after_death(place) == 0.0
    place.started_at = time.monotonic()
    assert _pause_after_death(place) == 0.5
