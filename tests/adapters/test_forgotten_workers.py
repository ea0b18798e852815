"""A worker that has been silent for a day is forgotten when another shows a sign of life."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from oms_contracts.storage_contract.workers import worker
from oms_memory import MemoryStorage
from oms_memory.tables import machine_time
from oms_peewee.models import WorkerRow
from oms_peewee.postgresql import open_postgresql
from oms_peewee.sqlite import open_sqlite
from oms_peewee.storage import PeeweeStorage

from oms_core.ports.storage import Storage, StorageOptions

EVER_SECONDS = 10.0 * 86_400


def age_rows(storage: PeeweeStorage, hours: float) -> None:
    storage.database.write_by_ids(
        lambda attempt: WorkerRow.update(seen_at=attempt.session.time_from_now(-hours * 3_600)).execute(
            attempt.session
        ),
        look_up={},
    )


def let_time_pass(storage: MemoryStorage, hours: float) -> None:
    storage.tables.now = lambda: machine_time() + timedelta(hours=hours)


def forget_after_a_day(storage: Storage, age: Callable[[float], None]) -> None:
    storage.workers.beat(worker("a"))
    age(23)
    storage.workers.beat(worker("b"))
    assert names(storage) == ["a", "b"]
    age(25)
    assert names(storage) == ["a", "b"]
    storage.workers.beat(worker("c"))
    assert "a" not in names(storage)


def names(storage: Storage) -> list[str]:
    return [state.id for state in storage.workers.find(silent_seconds=EVER_SECONDS)]


def test_on_sqlite(tmp_path: Path) -> None:
    storage = open_sqlite(f"sqlite:///{tmp_path}/oms.db", StorageOptions())
    forget_after_a_day(storage, lambda hours: age_rows(storage, hours))
    storage.close()


def test_on_postgresql(postgresql_url: str) -> None:
    storage = open_postgresql(postgresql_url, StorageOptions())
    storage.schema.upgrade()
    forget_after_a_day(storage, lambda hours: age_rows(storage, hours))
    storage.close()


def test_in_memory() -> None:
    storage = MemoryStorage()
    forget_after_a_day(storage, lambda hours: let_time_pass(storage, hours))
