"""oms_memory keeps every promise of a storage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast
from uuid import UUID

import pytest
from oms_contracts.storage_contract import StockEvent, StorageContract
from oms_memory import MemoryStorage, open_storage

from oms_core.ports.storage import Storage, StorageOptions


class TestMemoryStorage(StorageContract):
    @pytest.fixture
    def storage(self) -> Iterator[Storage]:
        storage = MemoryStorage()
        yield storage
        storage.close()

    @pytest.fixture
    def publishing_storage(self) -> Iterator[Storage]:
        storage = open_storage("memory://", StorageOptions(keeps_outbox=True))
        yield storage
        storage.close()

    @pytest.fixture
    def lossy_storage(self) -> Storage:
        pytest.skip("a change in memory is made when its method returns: there is no COMMIT whose answer could be lost")

    def stock_events(self, storage: Storage, sku: str) -> list[StockEvent]:
        return [
            StockEvent(
                type=entry.event.type.value,
                available=cast("int", entry.event.data["available"]),
                low_stock_threshold=cast("int | None", entry.event.data["low_stock_threshold"]),
                actor=entry.actor,
                request_id=entry.request_id,
            )
            for entry in cast("MemoryStorage", storage).tables.events
            if entry.event.sku == sku
        ]

    def break_level(self, storage: Storage, sku: str, location: str) -> None:
        products = cast("MemoryStorage", storage).tables.products
        levels = products[sku].levels
        products[sku] = replace(
            products[sku],
            levels=tuple(
                replace(level, on_hand=level.on_hand + 1) if level.location == location else level for level in levels
            ),
        )

    def break_order(self, storage: Storage, order_id: UUID) -> None:
        rows = cast("MemoryStorage", storage).tables.order_movements[order_id]
        rows[0] = replace(rows[0], reserved_delta=rows[0].reserved_delta + 1)
