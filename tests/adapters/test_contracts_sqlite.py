"""oms_peewee on SQLite keeps every promise of a storage."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from oms_contracts.storage_contract import StockEvent, StorageContract
from oms_peewee import open_sqlite

from oms_core.ports.storage import Storage, StorageOptions

STOCK_EVENTS = "SELECT type, data, actor, request_id FROM events WHERE sku = ? ORDER BY id"
BREAK_LEVEL = "UPDATE stock_levels SET on_hand = on_hand + 1 WHERE sku = ? AND location = ?"


class TestSqliteStorage(StorageContract):
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

    def stock_events(self, storage: Storage, sku: str) -> list[StockEvent]:
        with closing(sqlite3.connect(self.path)) as connection:
            rows = connection.execute(STOCK_EVENTS, (sku,)).fetchall()
        return [StockEvent(type=row[0], **json.loads(row[1]), actor=row[2], request_id=row[3]) for row in rows]

    def break_level(self, storage: Storage, sku: str, location: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(BREAK_LEVEL, (sku, location))
