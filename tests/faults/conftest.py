"""A shop on a PostgreSQL database of its own, and a second one that does not wait long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_peewee.postgresql import open_postgresql
from oms_peewee.storage import PeeweeStorage

from oms_core.ports.storage import StorageOptions
from tests.faults.rivals import SHORT_DEADLINE


@pytest.fixture
def storage(postgresql_url: str) -> Iterator[PeeweeStorage]:
    """The storage under test."""
    storage = open_postgresql(postgresql_url, StorageOptions())
    storage.schema.upgrade()
    yield storage
    storage.close()


@pytest.fixture
def shop(storage: PeeweeStorage) -> Shop:
    """A shop with 10 units of WIDGET."""
    shop = new_shop(storage)
    shop.set("WIDGET", 10)
    return shop


@pytest.fixture
def impatient_shop(postgresql_url: str, shop: Shop) -> Iterator[Shop]:
    """The same shop in hands that give up after 0.6 seconds."""
    storage = open_postgresql(postgresql_url, SHORT_DEADLINE)
    yield new_shop(storage, seed=1)
    storage.close()
