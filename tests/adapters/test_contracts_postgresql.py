"""oms_peewee on PostgreSQL keeps every promise of a storage, with prepared statements and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

import pytest
from oms_contracts.storage_contract import PASSWORD, StockEvent, StorageContract
from oms_peewee.postgresql import open_postgresql

from oms_core.ports.storage import Storage, StorageOptions
from tests.adapters.postgresql_databases import empty, migrated_database
from tests.faults.commit_proxy import CommitProxy, Fate
from tests.services.databases import PostgresqlServer
from tests.services.postgresql import connected

STOCK_EVENTS = "SELECT type, data, actor, request_id FROM events WHERE sku = %s ORDER BY id"
BREAK_LEVEL = "UPDATE stock_levels SET on_hand = on_hand + 1 WHERE sku = %s AND location = %s"


@pytest.fixture(scope="module")
def database(postgresql_server: PostgresqlServer) -> Iterator[str]:
    with migrated_database(postgresql_server) as url:
        yield url


@pytest.fixture
def emptied_database(database: str) -> str:
    empty(database)
    return database


def with_password(url: str) -> str:
    """Give the URL with the password that must not show, unless it has one that is needed."""
    parts = urlsplit(url)
    if parts.password or not parts.username:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.replace("@", f":{PASSWORD}@", 1)))


class PostgresqlContract(StorageContract):
    options = StorageOptions()

    @pytest.fixture
    def storage(self, emptied_database: str) -> Iterator[Storage]:
        self.url = emptied_database
        storage = open_postgresql(with_password(emptied_database), self.options)
        yield storage
        storage.close()

    @pytest.fixture
    def rival_storage(self, emptied_database: str) -> Iterator[Storage]:
        storage = open_postgresql(emptied_database, self.options)
        yield storage
        storage.close()

    @pytest.fixture
    def publishing_storage(self, emptied_database: str) -> Iterator[Storage]:
        storage = open_postgresql(emptied_database, replace(self.options, keeps_outbox=True))
        yield storage
        storage.close()

    @pytest.fixture
    def lossy_storage(self, emptied_database: str) -> Iterator[Storage]:
        self.proxy = CommitProxy(emptied_database)
        storage = open_postgresql(self.proxy.url, self.options)
        yield storage
        storage.close()
        self.proxy.close()

    def lose_next_commit(self, storage: Storage, then: Callable[[], object]) -> None:
        self.proxy.lose_next(Fate.ANSWER, then=then)

    def stock_events(self, storage: Storage, sku: str) -> list[StockEvent]:
        with connected(self.url) as connection, connection.cursor() as cursor:
            cursor.execute(STOCK_EVENTS, (sku,))
            return [StockEvent(type=row[0], **row[1], actor=row[2], request_id=row[3]) for row in cursor.fetchall()]

    def break_level(self, storage: Storage, sku: str, location: str) -> None:
        with connected(self.url) as connection, connection.cursor() as cursor:
            cursor.execute(BREAK_LEVEL, (sku, location))


class TestPostgresqlStorage(PostgresqlContract):
    """Statements prepared once per connection."""


class TestPostgresqlStorageBehindAPooler(PostgresqlContract):
    """Nothing prepared, as behind a pooler that lends connections by the transaction."""

    options = StorageOptions(prepared_statements=False)
