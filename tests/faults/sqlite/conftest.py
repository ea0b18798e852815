"""A shop on a file of SQLite that does not wait long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_peewee.sqlite import open_sqlite
from oms_peewee.storage import PeeweeStorage

from tests.faults.rivals import SHORT_DEADLINE


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where its file is, or will be."""
    return tmp_path / "oms.db"


@pytest.fixture
def storage(file: Path) -> Iterator[PeeweeStorage]:
    """The storage on it."""
    storage = open_sqlite(f"sqlite:///{file}", SHORT_DEADLINE)
    yield storage
    storage.close()


@pytest.fixture
def shop(storage: PeeweeStorage) -> Shop:
    """A shop with ten of one product."""
    shop = new_shop(storage)
    shop.set("WIDGET", 10)
    return shop
