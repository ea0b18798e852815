"""The test module of the other adapter, run by pytest in an environment that has nothing of the checkout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import oms_journal
import pytest
from oms_contracts.storage_contract import StockEvent, StorageContract

import oms_core
from oms_core import Oms, Settings
from oms_core.ports.storage import Storage, StorageOptions


class TestJournalStorage(StorageContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"journal://{tmp_path}/stock"

    @pytest.fixture
    def storage(self, url: str) -> Iterator[Storage]:
        with Oms.open(Settings(database_url=url)) as oms:
            yield oms._ports.storage

    @pytest.fixture
    def rival_storage(self, url: str) -> Iterator[Storage]:
        with Oms.open(Settings(database_url=url)) as oms:
            yield oms._ports.storage

    @pytest.fixture
    def publishing_storage(self, url: str) -> Iterator[Storage]:
        storage = oms_journal.open_storage(url, StorageOptions(keeps_outbox=True))
        yield storage
        storage.close()

    @pytest.fixture
    def lossy_storage(self) -> Storage:
        pytest.skip("who appends to a journal is its only judge: there is no COMMIT whose answer could be lost")

    def stock_events(self, storage: Storage, sku: str) -> list[StockEvent]:
        journal = cast("oms_journal.JournalStorage", storage)
        with journal.up_to_date():
            return [
                StockEvent(
                    entry.event.type.value,
                    **cast("Any", entry.event.data),
                    actor=entry.actor,
                    request_id=entry.request_id,
                )
                for entry in journal.memory.tables.events
                if entry.event.sku == sku
            ]

    def break_level(self, storage: Storage, sku: str, location: str) -> None:
        products = cast("oms_journal.JournalStorage", storage).memory.tables.products
        levels = [
            replace(level, on_hand=level.on_hand + (level.location == location)) for level in products[sku].levels
        ]
        products[sku] = replace(products[sku], levels=tuple(levels))

    def break_order(self, storage: Storage, order_id: UUID) -> None:
        rows = cast("oms_journal.JournalStorage", storage).memory.tables.order_movements[order_id]
        rows[0] = replace(rows[0], reserved_delta=rows[0].reserved_delta + 1)


def test_the_storage_is_the_other_packages_own(tmp_path: Path) -> None:
    with Oms.open(Settings(database_url=f"journal://{tmp_path}/stock")) as oms:
        assert isinstance(oms._ports.storage, oms_journal.JournalStorage)
        assert str(tmp_path) in oms._ports.storage.describe()


def test_nothing_comes_from_the_checkout(pytestconfig: pytest.Config) -> None:
    installed = Path(oms_journal.__file__).parents[1]
    assert Path(oms_core.__file__).parents[1] == installed
    assert installed.name == "site-packages"
