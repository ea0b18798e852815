"""A PostgreSQL that has become one to read from, as after a failover: not ready, refused at once, and found again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

import pytest
from oms_contracts.concurrency import run_together
from oms_contracts.storage_contract.shop import Shop, new_shop, placed
from oms_peewee.postgresql import open_postgresql
from oms_peewee.postgresql.session_settings import check_writable
from oms_peewee.storage import PeeweeStorage

from oms_core.errors import OmsError
from oms_core.ports.storage import StorageOptions
from tests.faults.rivals import told
from tests.services import wait_until
from tests.services.plugin import do_without
from tests.services.postgresql import PrivatePostgresql, connected
from tests.services.run import Run
from tests.services.tcp import free_port
from tests.services.unusable import ServerUnusable

AT_ONCE_SECONDS = 1.0
OPEN_SECONDS = 6.0
BACK_SECONDS = 3.0
TAKING_OVER_SECONDS = 0.5


@pytest.fixture(scope="module")
def server(test_run: Run) -> Iterator[PrivatePostgresql]:
    """A server that the tests turn around."""
    try:
        server = PrivatePostgresql(test_run)
    except ServerUnusable as error:
        do_without(f"NO PRIVATE POSTGRESQL: {error}")
    server.start()
    yield server
    server.discard()


@pytest.fixture
def storage(server: PrivatePostgresql) -> Iterator[PeeweeStorage]:
    storage = open_postgresql(server.url, StorageOptions())
    storage.schema.upgrade()
    yield storage
    storage.close()


@pytest.fixture
def shop(storage: PeeweeStorage) -> Shop:
    shop = new_shop(storage, seed=time.monotonic_ns())
    shop.set("WIDGET", 1_000)
    return shop


@contextmanager
def reading_only(server: PrivatePostgresql) -> Iterator[None]:
    """Have every session only read, also those that are open, as a server is set whose disk is full."""
    with connected(server.url) as connection, connection.cursor() as cursor:
        cursor.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        cursor.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            cursor.execute("ALTER SYSTEM RESET default_transaction_read_only")
            cursor.execute("SELECT pg_reload_conf()")


def seconds_until_told(work: Callable[[], object]) -> float:
    began = time.monotonic()
    error = told(work)
    assert error.code == "storage_unavailable"
    assert "only reads" in error.detail
    return time.monotonic() - began


def is_refused(work: Callable[[], object]) -> bool:
    try:
        work()
    except OmsError as error:
        return error.code == "storage_unavailable"
    return False


def every_session_only_reads(server: PrivatePostgresql) -> bool:
    with connected(server.url) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        return bool(cursor.fetchone() == ("on",))


def works(work: Callable[[], object]) -> bool:
    return not is_refused(work)


def test_a_server_that_only_reads_is_not_ready_refuses_within_a_second_and_is_found_again(
    server: PrivatePostgresql, storage: PeeweeStorage, shop: Shop
) -> None:
    def buy() -> object:
        return shop.place(shop.order(("WIDGET", 1)))

    run_together([lambda: shop.product("WIDGET")] * 8)  # So that there are connections from before.
    storage.schema.check()
    with reading_only(server):
        wait_until(lambda: is_refused(storage.schema.check), OPEN_SECONDS, "it is not ready")
        seconds_until_told(buy)
        for work in (buy, storage.schema.check, lambda: shop.product("WIDGET")):
            assert max(run_together([partial(seconds_until_told, work)] * 12)) < AT_ONCE_SECONDS
    wait_until(lambda: works(storage.schema.check), BACK_SECONDS, "it is ready again")
    assert placed(shop.place(shop.order(("WIDGET", 1)))[0])
    assert not shop.audit().discrepancies


def test_the_first_writes_that_meet_it_are_refused_within_a_second(
    server: PrivatePostgresql, storage: PeeweeStorage, shop: Shop
) -> None:
    run_together([lambda: shop.product("WIDGET")] * 8)
    with reading_only(server):
        wait_until(lambda: every_session_only_reads(server), OPEN_SECONDS, "it only reads")
        writes = [lambda: seconds_until_told(lambda: shop.adjust("WIDGET", 1))] * 12
        assert max(run_together(writes)) < AT_ONCE_SECONDS
    wait_until(lambda: works(storage.schema.check), BACK_SECONDS, "it is ready again")


def test_a_url_that_asks_for_any_server_reads_from_one_that_only_reads(server: PrivatePostgresql, shop: Shop) -> None:
    anywhere = open_postgresql(f"{server.url}?target_session_attrs=any", StorageOptions())
    reading = new_shop(anywhere, seed=1)
    with reading_only(server):
        wait_until(lambda: is_refused(anywhere.schema.check), OPEN_SECONDS, "it is not ready")
        assert reading.product("WIDGET").on_hand == 1_000
        assert seconds_until_told(lambda: reading.adjust("WIDGET", 1)) < AT_ONCE_SECONDS
        assert reading.product("WIDGET").on_hand == 1_000
    anywhere.close()


def test_behind_a_pooler_the_server_itself_is_asked_when_connecting(server: PrivatePostgresql, shop: Shop) -> None:
    options = StorageOptions(prepared_statements=False, deadline_seconds=0.5)
    pooled = open_postgresql(server.url, options)
    assert new_shop(pooled, seed=1).product("WIDGET").on_hand == 1_000
    anywhere = open_postgresql(f"{server.url}?target_session_attrs=any", options)

    def connect_as_the_pooler_would() -> None:
        anywhere.database.read(lambda session: check_writable(session.execute_sql))

    connect_as_the_pooler_would()
    with reading_only(server):
        wait_until(lambda: is_refused(connect_as_the_pooler_would), OPEN_SECONDS, "it is found")
    pooled.close()
    anywhere.close()


def test_a_standby_is_not_ready(server: PrivatePostgresql, storage: PeeweeStorage, shop: Shop) -> None:
    storage.close()
    with server.as_standby():
        assert is_refused(storage.schema.check)
        assert is_refused(lambda: shop.place(shop.order(("WIDGET", 1))))
    wait_until(lambda: works(storage.schema.check), BACK_SECONDS, "it is ready again")


def test_while_another_host_is_away_a_caller_waits_for_it_to_take_over(server: PrivatePostgresql, shop: Shop) -> None:
    place = server.url.rpartition("@")[2]
    several = open_postgresql(f"postgres://postgres@127.0.0.1:{free_port()},{place}", StorageOptions())
    with ThreadPoolExecutor(1) as waiting, reading_only(server):
        wait_until(lambda: every_session_only_reads(server), OPEN_SECONDS, "it only reads")
        found = waiting.submit(lambda: new_shop(several, seed=1).product("WIDGET").on_hand)
        with pytest.raises(TimeoutError):
            found.result(TAKING_OVER_SECONDS)
    assert found.result() == 1_000
    several.close()


def test_what_was_met_at_each_of_several_hosts_is_told(server: PrivatePostgresql, shop: Shop) -> None:
    place, gone = server.url.rpartition("@")[2], free_port()
    several = open_postgresql(
        f"postgres://postgres:s3cret@127.0.0.1:{gone},{place}", StorageOptions(deadline_seconds=0.5)
    )
    with reading_only(server):
        wait_until(lambda: every_session_only_reads(server), OPEN_SECONDS, "it only reads")
        detail = told(lambda: several.stock.get("WIDGET")).detail
    assert f"port {gone} failed: " in detail
    assert f"port {urlsplit(server.url).port} failed: " in detail
    assert "s3cret" not in detail
    assert "\n" not in detail
    several.close()


def test_of_several_hosts_the_one_that_can_be_written_to_is_taken(server: PrivatePostgresql, shop: Shop) -> None:
    place = server.url.rpartition("@")[2]
    several = open_postgresql(f"postgres://postgres@127.0.0.1:{free_port()},{place}", StorageOptions())
    assert new_shop(several, seed=1).product("WIDGET").on_hand == 1_000
    several.close()
