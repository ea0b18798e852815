"""oms_peewee on SQLite keeps every promise of a storage."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest
from oms_contracts.storage_contract import StockEvent, StorageContract
from oms_peewee.faults import CommitLostError
from oms_peewee.sqlite import open_sqlite
from oms_peewee.sqlite.connections import SqliteSession

from oms_core.ports.storage import Storage, StorageOptions

STOCK_EVENTS = "SELECT type, data, actor, request_id FROM events WHERE sku = ? ORDER BY id"
BREAK_LEVEL = "UPDATE stock_levels SET on_hand = on_hand + 1 WHERE sku = ? AND location = ?"
BREAK_ORDER = """UPDATE stock_movements SET reserved_delta = reserved_delta + 1
WHERE id = (SELECT min(id) FROM stock_movements WHERE order_id = ?)"""


class TestSqliteStorage(StorageContract):
    then: Callable[[], object] | None = None

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        self.path = tmp_path / "oms.db"
        return self.path

    @pytest.fixture
    def storage(self, file: Path) -> Iterator[Storage]:
        storage = open_sqlite(f"sqlite:///{file}", StorageOptions())
        yield storage
        storage.close()

    @pytest.fixture
    def rival_storage(self, file: Path) -> Iterator[Storage]:
        storage = open_sqlite(f"sqlite:///{file}", StorageOptions())
        yield storage
        storage.close()

    @pytest.fixture
    def publishing_storage(self, file: Path) -> Iterator[Storage]:
        storage = open_sqlite(f"sqlite:///{file}", StorageOptions(keeps_outbox=True))
        yield storage
        storage.close()

    @pytest.fixture
    def lossy_storage(self, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> Storage:
        """SQLite answers at once: what is lost is lost on the way from the driver."""
        commit = SqliteSession.commit

        def commit_and_lose(session: SqliteSession) -> None:
            commit(session)
            then, self.then = self.then, None
            if then is not None:
                then()
                raise CommitLostError("its answer was lost")

        storage.workers.find(silent_seconds=1)  # The first use of all upgrades the schema.
        monkeypatch.setattr(SqliteSession, "commit", commit_and_lose)
        return storage

    def lose_next_commit(self, storage: Storage, then: Callable[[], object]) -> None:
        self.then = then

    def stock_events(self, storage: Storage, sku: str) -> list[StockEvent]:
        with closing(sqlite3.connect(self.path)) as connection:
            rows = connection.execute(STOCK_EVENTS, (sku,)).fetchall()
        return [StockEvent(type=row[0], **json.loads(row[1]), actor=row[2], request_id=row[3]) for row in rows]

    def break_level(self, storage: Storage, sku: str, location: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(BREAK_LEVEL, (sku, location))

    def break_order(self, storage: Storage, order_id: UUID) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(BREAK_ORDER, (str(order_id),))
