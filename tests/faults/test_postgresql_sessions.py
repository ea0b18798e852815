"""Sessions that environment, database and role would have otherwise, and databases and roles that do not do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_contracts.storage_contract.workers import worker
from oms_peewee.session import Session
from oms_peewee.storage import PeeweeStorage
from psycopg2 import sql

from oms_core.domain.orders.statuses import OrderStatus
from oms_core.errors import OmsError
from oms_core.ports.storage import StorageOptions
from tests.faults.rivals import on, opened, told
from tests.services.databases import PostgresqlServer

HOSTILE = {
    "client_encoding": "LATIN1",
    "DateStyle": "German",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Asia/Tokyo",
    "standard_conforming_strings": "off",
    "array_nulls": "off",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "default_transaction_isolation": "serializable",
    "synchronous_commit": "off",
}
PINNED = {
    "client_encoding": "UTF8",
    "TimeZone": "UTC",
    "array_nulls": "on",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "row_security": "off",
    "synchronous_commit": "on",
}
OPTIONS = {"prepared": StorageOptions(), "behind a pooler": StorageOptions(prepared_statements=False)}
NAME = "größe 店 \\ 'x' \U0001f4e6"


def setting(name: str, session: Session) -> str:
    return str(session.execute_sql("SELECT current_setting(%s)", (name,)).fetchone()[0])


def in_database(url: str, _: pytest.MonkeyPatch) -> None:
    name = sql.Identifier(url.rpartition("/")[2])
    for parameter, value in HOSTILE.items():
        on(url, sql.SQL("ALTER DATABASE {} SET {} = {}").format(name, sql.Identifier(parameter), sql.Literal(value)))


def in_environment(_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", HOSTILE["client_encoding"])
    monkeypatch.setenv("PGDATESTYLE", HOSTILE["DateStyle"])
    monkeypatch.setenv("PGTZ", HOSTILE["TimeZone"])
    monkeypatch.setenv("PGOPTIONS", " ".join(f"-c {name}={value}" for name, value in HOSTILE.items()))


@pytest.mark.parametrize("make_hostile", [in_database, in_environment])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_what_the_sql_relies_on_is_pinned_whoever_would_have_it_otherwise(
    postgresql_url: str,
    monkeypatch: pytest.MonkeyPatch,
    make_hostile: Callable[[str, pytest.MonkeyPatch], None],
    options: StorageOptions,
) -> None:
    make_hostile(postgresql_url, monkeypatch)
    with opened(postgresql_url, options) as storage:
        storage.schema.upgrade()
        assert {name: storage.database.read(partial(setting, name)) for name in PINNED} == PINNED
        shop = new_shop(storage)
        shop.set("WIDGET", 10, name=NAME)
        assert shop.product("WIDGET").name == NAME
        order = shop.buy(("WIDGET", 2), reference=None, metadata={NAME: "\\x41"}, idempotency_key="ключ")
        assert shop.get(order.id) == order
        assert str(shop.get(order.id).created_at.tzinfo) == "UTC"
        assert shop.movements("WIDGET")[-1].movement.reason is None
        shop.move(order.id, OrderStatus.SHIPPED)
        assert not shop.audit().discrepancies


def test_synchronous_commit_that_is_off_is_turned_on_and_told(
    postgresql_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    in_database(postgresql_url, pytest.MonkeyPatch())
    with opened(postgresql_url) as storage:
        storage.schema.status()
    assert [record.levelname for record in caplog.records if "synchronous_commit" in record.message] == ["WARNING"]


@pytest.mark.parametrize("chosen", ["local", "remote_apply"])
def test_another_choice_of_synchronous_commit_is_the_operators(postgresql_url: str, chosen: str) -> None:
    on(postgresql_url, f"ALTER DATABASE {postgresql_url.rpartition('/')[2]} SET synchronous_commit = {chosen}")
    for options in OPTIONS.values():
        with opened(postgresql_url, options) as storage:
            assert storage.database.read(partial(setting, "synchronous_commit")) == chosen


def test_a_schema_of_its_own_is_found_by_the_search_path(postgresql_url: str) -> None:
    on(postgresql_url, "CREATE SCHEMA shop")
    with opened(f"{postgresql_url}?options=-c%20search_path%3Dshop") as storage:
        assert storage.schema.upgrade()
        assert not storage.schema.upgrade()
        storage.schema.check()
        new_shop(storage).set("WIDGET", 10)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_of_another_encoding_is_refused_at_the_upgrade_and_at_the_start(
    postgresql_server: PostgresqlServer, unique_name: str, encoding: str
) -> None:
    on(postgresql_server.url, f"CREATE DATABASE {unique_name} TEMPLATE template0 ENCODING {encoding} LOCALE 'C'")
    try:
        with opened(postgresql_server.url_of(unique_name)) as storage:
            for work in (storage.schema.upgrade, storage.schema.check, lambda: storage.stock.get("WIDGET")):
                error = told(work)
                assert error.code == "storage_unusable"
                assert f"its encoding is {encoding}, and must be UTF8" in error.detail
                assert "createdb" in error.detail
    finally:
        on(postgresql_server.url, f"DROP DATABASE {unique_name}")


RAISED = {
    "28P01": "storage_unusable",
    "3D000": "storage_unusable",
    "3F000": "storage_unusable",
    "42501": "storage_unusable",
    "0A000": "storage_unusable",
    "XX001": "storage_unusable",
    "42883": "storage_unusable",
    "53100": "storage_unavailable",
    "53200": "storage_unavailable",
    "53300": "storage_unavailable",
    "57P03": "storage_unavailable",
    "25006": "storage_unavailable",
    "58030": "storage_unavailable",
    "57014": "storage_unavailable",
    "40001": "storage_unavailable",
    "42P01": "schema_outdated",
    "23514": "internal_error",
    "22003": "internal_error",
    "P0001": "internal_error",
    "XX000": "internal_error",
}


def raising(sqlstate: str) -> str:
    return f"DO $$ BEGIN RAISE EXCEPTION 'said so' USING ERRCODE = '{sqlstate}'; END $$"


def test_each_sqlstate_has_its_code(postgresql_server: PostgresqlServer) -> None:
    with opened(postgresql_server.url, StorageOptions(deadline_seconds=0.0)) as impatient:
        for sqlstate, code in RAISED.items():
            statement = raising(sqlstate)
            error = told(lambda sql=statement: impatient.database.read(lambda session: session.execute_sql(sql)))  # type: ignore[misc]
            assert (sqlstate, error.code) == (sqlstate, code)
            assert isinstance(error.__cause__, Exception)
            assert ("said so" in error.detail) == (code in {"storage_unusable", "storage_unavailable"})


def small_writes(shop: Shop) -> list[Callable[[], object]]:
    """List what finds room where an order finds none, or writes nothing."""
    storage = shop.storage
    return [
        lambda: storage.workers.beat(worker("busy")),
        lambda: shop.set("WIDGET", name=shop.product("WIDGET").name),
        shop.sweep,
        shop.settle,
        lambda: storage.outbox.lease("relay", seconds=1),
        lambda: shop.place(shop.order(("WIDGET", 10**6))),
    ]


def test_what_keeps_work_from_being_written_is_not_ready_until_work_is_written(
    storage: PeeweeStorage, shop: Shop
) -> None:
    storage.workers.beat(worker("busy"))
    storage.schema.check()
    for sqlstate in ("53100", "42501"):
        statement = raising(sqlstate)
        storage.schema.check()
        with pytest.raises(OmsError):
            storage.database.write_by_ids(lambda tried, sql=statement: tried.session.execute_sql(sql), look_up={})
        for small in small_writes(shop):
            small()
            with pytest.raises(OmsError, match="said so"):
                storage.schema.check()
        shop.adjust("WIDGET", 1)
        storage.schema.check()


def test_the_log_names_no_setting_of_a_session_that_is_as_it_should_be(
    storage: PeeweeStorage, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        storage.schema.check()
    assert not caplog.records
