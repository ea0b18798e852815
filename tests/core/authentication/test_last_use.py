"""Noting when a key was used: once a minute, one at a time, and never at a request's expense."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from oms_contracts.clock import BEGINNING
from oms_memory import MemoryStorage

from oms_core import ALL_SCOPES, Caller, CreateApiKey, Oms, Ports, Settings
from oms_core.authentication.last_use import LastUses
from oms_core.domain.api_keys import ApiKey
from tests.core.worker.worker_fixtures import AWAY

CALLER = Caller(name="root", scopes=ALL_SCOPES)


class Noting:
    """A key in memory, and uses of it that are written when the test says so."""

    def __init__(self) -> None:
        self.storage = MemoryStorage()
        with Oms(settings=Settings(), ports=Ports(storage=self.storage)) as oms:
            self.key: ApiKey = oms.api_keys.create(CreateApiKey(name="shop", scopes=ALL_SCOPES), caller=CALLER).key
        self.aside: list[Callable[[], None]] = []
        self.uses = LastUses(self.storage, self.aside.append)

    def note(self, now: datetime, *, last_used_at: datetime | None) -> bool:
        """Note a use of the key as it was read; tell whether that is to be written."""
        before = len(self.aside)
        self.uses.note(replace(self.key, last_used_at=last_used_at), now)
        return len(self.aside) > before

    def write(self) -> datetime | None:
        """Write what was put aside first; give what stands there then."""
        self.aside.pop(0)()
        return self.storage.keys.get(self.key.id).key.last_used_at


@pytest.fixture
def noting() -> Noting:
    return Noting()


@pytest.mark.parametrize(("seconds", "is_written"), [(0, False), (59.9, False), (60, True), (3_600, True)])
def test_a_use_is_written_once_a_minute_and_no_oftener(noting: Noting, seconds: float, is_written: bool) -> None:
    now = BEGINNING + timedelta(seconds=seconds)
    assert noting.note(now, last_used_at=BEGINNING) is is_written
    if is_written:
        assert noting.write() == now


def test_the_first_use_is_written(noting: Noting) -> None:
    assert noting.note(BEGINNING, last_used_at=None)
    assert noting.write() == BEGINNING


def test_what_another_process_wrote_within_a_minute_stands(noting: Noting) -> None:
    """Both have read the key as never used."""
    assert noting.note(BEGINNING, last_used_at=None)
    assert noting.write() == BEGINNING
    assert noting.note(BEGINNING + timedelta(seconds=59), last_used_at=None)
    assert noting.write() == BEGINNING
    assert noting.note(BEGINNING + timedelta(seconds=60), last_used_at=None)
    assert noting.write() == BEGINNING + timedelta(seconds=60)


def test_one_is_written_at_a_time_and_the_next_use_after_it_again(noting: Noting) -> None:
    assert noting.note(BEGINNING, last_used_at=None)
    assert not noting.note(BEGINNING, last_used_at=None)
    noting.write()
    assert noting.note(BEGINNING, last_used_at=None)


@pytest.mark.parametrize("error", [AWAY, RuntimeError("a defect")], ids=repr)
def test_a_write_that_fails_is_nobodys_fault_and_leaves_the_next_to_be_written(
    noting: Noting, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as away:
        away.setattr(noting.storage.keys, "used", fail)
        assert noting.note(BEGINNING, last_used_at=None)
        noting.write()
    assert noting.note(BEGINNING, last_used_at=None)
    assert noting.write() == BEGINNING
