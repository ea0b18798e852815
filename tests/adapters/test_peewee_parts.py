"""A storage makes its parts when they are first used, once, and works in a child that is forked meanwhile."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from oms_peewee.sqlite import open_sqlite
from oms_peewee.storage import PeeweeStorage

from oms_core.ports.storage import StorageOptions
from tests.services.threads import status_in_child

PARTS = ["orders", "queue", "workers", "outbox", "stock", "imports", "audits", "keys", "schema"]
THREADS = 16


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[PeeweeStorage]:
    storage = open_sqlite(f"sqlite:///{tmp_path}/oms.db", StorageOptions())
    yield storage
    storage.close()


def test_opening_a_storage_makes_no_part_and_no_file(storage: PeeweeStorage, tmp_path: Path) -> None:
    assert not {*PARTS, "database"} & vars(storage).keys()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", PARTS)
def test_sixteen_threads_that_ask_at_once_get_one_part(storage: PeeweeStorage, name: str) -> None:
    together = threading.Barrier(THREADS)

    def ask() -> object:
        together.wait()
        return getattr(storage, name)

    with ThreadPoolExecutor(THREADS) as threads:
        got = [asking.result() for asking in [threads.submit(ask) for _ in range(THREADS)]]
    assert {id(part) for part in got} == {id(getattr(storage, name))}


@pytest.mark.skipif(sys.platform == "win32", reason="nothing forks on Windows")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_works_that_was_forked_while_a_thread_made_the_parts(
    storage: PeeweeStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    ledger = storage._dialect.ledger

    def held_up() -> object:
        if threading.current_thread() is making:
            begun.set()
            go_on.wait(20)
        return ledger()

    making = threading.Thread(target=lambda: storage.stock)
    monkeypatch.setattr(storage._dialect, "ledger", held_up)
    making.start()
    try:
        assert begun.wait(20)

        def work() -> None:
            storage.queue.sample()
            assert storage.stock is storage.stock

        assert status_in_child(work) == 0
    finally:
        go_on.set()
        making.join()
