"""oms_peewee on PostgreSQL keeps every promise of a storage: directly, through PgBouncer, and in a cell of Citus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import pytest
from oms_contracts.storage_contract import PASSWORD, StockEvent, StorageContract
from oms_peewee.postgresql import open_postgresql

from oms_core.ports.storage import Storage, StorageOptions
from tests.adapters.postgresql_databases import empty, migrate, migrated_database
from tests.faults.commit_proxy import CommitProxy, Fate
from tests.services.citus import CitusCluster
from tests.services.databases import PostgresqlServer
from tests.services.pgbouncer import PrivatePgbouncer
from tests.services.plugin import do_without
from tests.services.postgresql import connected
from tests.services.run import Run
from tests.services.unusable import ServerUnusable

STOCK_EVENTS = "SELECT type, data, actor, request_id FROM events WHERE sku = %s ORDER BY id"
BREAK_LEVEL = "UPDATE stock_levels SET on_hand = on_hand + 1 WHERE sku = %s AND location = %s"
BREAK_ORDER = """UPDATE stock_movements SET reserved_delta = reserved_delta + 1
WHERE id = (SELECT min(id) FROM stock_movements WHERE order_id = %s)"""


@pytest.fixture(scope="module")
def database(postgresql_server: PostgresqlServer) -> Iterator[str]:
    with migrated_database(postgresql_server) as url:
        yield url


@pytest.fixture(scope="module")
def pooler(test_run: Run, database: str) -> Iterator[PrivatePgbouncer]:
    try:
        pooler = PrivatePgbouncer(test_run, database)
        pooler.start()
    except ServerUnusable as error:
        do_without(f"NO PGBOUNCER: {error}")
    yield pooler
    pooler.stop()


@pytest.fixture(scope="module")
def cell(citus_cluster: CitusCluster) -> Iterator[str]:
    with citus_cluster.database() as url:
        migrate(url)
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
    def reached_at(self, emptied_database: str) -> str:
        """The URL of the database as the storage is given it."""
        return emptied_database

    @pytest.fixture
    def storage(self, emptied_database: str, reached_at: str) -> Iterator[Storage]:
        self.url = emptied_database
        storage = open_postgresql(with_password(reached_at), self.options)
        yield storage
        storage.close()

    @pytest.fixture
    def rival_storage(self, reached_at: str) -> Iterator[Storage]:
        storage = open_postgresql(reached_at, self.options)
        yield storage
        storage.close()

    @pytest.fixture
    def publishing_storage(self, reached_at: str) -> Iterator[Storage]:
        storage = open_postgresql(reached_at, replace(self.options, keeps_outbox=True))
        yield storage
        storage.close()

    @pytest.fixture
    def lossy_storage(self, reached_at: str) -> Iterator[Storage]:
        self.proxy = CommitProxy(reached_at)
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

    def break_order(self, storage: Storage, order_id: UUID) -> None:
        with connected(self.url) as connection, connection.cursor() as cursor:
            cursor.execute(BREAK_ORDER, (str(order_id),))


class TestPostgresqlStorage(PostgresqlContract):
    """Statements prepared once per connection."""


class TestPostgresqlStorageBehindAPooler(PostgresqlContract):
    """Nothing prepared, through a PgBouncer that lends connections for a transaction each."""

    options = StorageOptions(prepared_statements=False)

    @pytest.fixture
    def reached_at(self, emptied_database: str, pooler: PrivatePgbouncer) -> str:
        return pooler.url_of(emptied_database)


class OnCitus:
    """In a schema that Citus keeps on one of its nodes (docs/citus.md)."""

    @pytest.fixture
    def emptied_database(self, cell: str) -> str:
        empty(cell)
        return cell


class TestPostgresqlStorageInACellOfCitus(OnCitus, PostgresqlContract):
    """Statements prepared once per connection to the coordinator."""


class TestPostgresqlStorageInACellOfCitusBehindAPooler(OnCitus, PostgresqlContract):
    """Nothing prepared, as behind a pooler in front of the coordinator."""

    options = StorageOptions(prepared_statements=False)
