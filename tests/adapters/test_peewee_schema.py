"""The schema of oms_peewee: what its migrations make, what its models say, what ddl/*.sql shows."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import peewee
import pytest
from oms_contracts.concurrency import run_together
from oms_peewee import models, order_models
from oms_peewee.postgresql import dialect as postgresql
from oms_peewee.postgresql import open_postgresql
from oms_peewee.schema import Migration, PeeweeSchema, migrations
from oms_peewee.sqlite import dialect as sqlite
from oms_peewee.sqlite import open_sqlite
from oms_peewee.storage import PeeweeStorage

from oms_core.errors import OmsError
from oms_core.ports.storage import StorageOptions

DDL = Path(__file__).parents[2] / "ddl"
MODELS = [
    each
    for module in (models, order_models)
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, peewee.Model)
]
TABLES = {model._meta.table_name: model for model in MODELS}
UPGRADERS = 6

# The ledger's primary key serves PostgreSQL here; SQLite's row number cannot be part of one.
ONLY_ON_SQLITE = {"stock_movements_sku"}
# SQLite does not see that `status = ?` may ask for pending orders.
ONLY_ON_POSTGRESQL = {"orders_pending"}
# PostgreSQL's begin with a period of time.
DIFFERENT = {"orders_customer", "order_lines_sku"}

FIRST = Migration(name="0001_first", sql="CREATE TABLE first (id integer PRIMARY KEY);\n")
SECOND = Migration(name="0002_second", sql="CREATE TABLE second (id integer PRIMARY KEY);\nDROP TABLE first;\n")
BROKEN = Migration(
    name="0003_broken", sql="CREATE TABLE third (id integer PRIMARY KEY);\nCREATE TABLE second (id text);\n"
)

Open = Callable[[], PeeweeStorage]


@pytest.fixture(params=["sqlite", "postgresql"])
def open_storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Open one new database, as often as wanted."""
    opened: list[PeeweeStorage] = []
    url = f"sqlite:///{tmp_path}/oms.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")

    def open_one() -> PeeweeStorage:
        opener = open_sqlite if request.param == "sqlite" else open_postgresql
        opened.append(opener(url, StorageOptions()))
        return opened[-1]

    yield open_one
    for storage in opened:
        storage.close()


def schema_of(storage: PeeweeStorage, *known: Migration) -> PeeweeSchema:
    """Give a release that knows these migrations."""
    dialect = sqlite.SCHEMA if storage.describe().startswith("SQLite") else postgresql.SCHEMA
    return PeeweeSchema(storage.database, dialect, known)


def tables_of(storage: PeeweeStorage) -> set[str]:
    return storage.database.read(lambda session: set(session.get_tables()) - {"sqlite_sequence"})


def refused(work: Callable[[], object]) -> OmsError:
    with pytest.raises(OmsError) as caught:
        work()
    return caught.value


def dump() -> dict[str, Any]:
    return runpy.run_path(str(DDL / "dump.py"))


def test_the_sqlite_file_for_reading_is_what_the_migrations_make() -> None:
    assert (DDL / "sqlite.sql").read_text() == dump()["dump_sqlite"](), "run ddl/dump.py"


def test_the_postgresql_file_for_reading_is_what_the_migrations_make(postgresql_url: str) -> None:
    assert (DDL / "postgresql.sql").read_text() == dump()["dump_postgresql"](postgresql_url), "run ddl/dump.py"


def test_every_table_has_a_model_with_its_columns(open_storage: Open) -> None:
    storage = open_storage()
    storage.schema.upgrade()
    assert tables_of(storage) == {*TABLES, "schema_migrations"}
    for table, model in TABLES.items():
        columns = storage.database.read(partial(columns_of, table))
        fields = model._meta.columns
        assert {column.name for column in columns} == set(fields), table
        key = {field.column_name for field in model._meta.get_primary_keys()}  # type: ignore[no-untyped-call]
        stored_key = {column.name for column in columns if column.primary_key}
        # PostgreSQL's ledger is ordered by SKU first; peewee's models have a row number of their own.
        assert stored_key in ({"sku", "id"}, {"id"}) if table == "stock_movements" else stored_key == key, table
        nullable = {column.name for column in columns if column.null and column.name not in key}
        assert nullable == {name for name, field in fields.items() if field.null}, table


def columns_of(table: str, session: peewee.Database) -> list[Any]:
    return list(session.get_columns(table))


def test_both_databases_have_the_same_indexes(tmp_path: Path, postgresql_url: str) -> None:
    found = []
    for storage in (
        open_sqlite(f"sqlite:///{tmp_path}/oms.db", StorageOptions()),
        open_postgresql(postgresql_url, StorageOptions()),
    ):
        storage.schema.upgrade()
        found.append(storage.database.read(indexes_of))
        storage.close()
    on_sqlite, on_postgresql = found
    assert on_sqlite.keys() - on_postgresql.keys() == ONLY_ON_SQLITE
    assert on_postgresql.keys() - on_sqlite.keys() == ONLY_ON_POSTGRESQL
    both = on_sqlite.keys() & on_postgresql.keys()
    assert {name for name in both if on_sqlite[name] != on_postgresql[name]} == DIFFERENT


def indexes_of(session: peewee.Database) -> dict[str, tuple[str, tuple[str | None, ...], bool]]:
    """Give table, columns (None for an expression, which SQLite does not tell) and uniqueness by name."""
    return {
        index.name: (
            table,
            tuple(None if column is None or "(" in column else column for column in index.columns),
            bool(index.unique),
        )
        for table in TABLES
        for index in session.get_indexes(table)
        if not index.name.endswith("_pkey") and not index.name.startswith("sqlite_autoindex")
    }


def test_the_same_migrations_exist_for_both_databases() -> None:
    names = [migration.name for migration in migrations("sqlite")]
    assert names == [migration.name for migration in migrations("postgresql")]
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_migrations_are_applied_once_and_in_order(open_storage: Open) -> None:
    schema = schema_of(open_storage(), SECOND, FIRST)
    assert schema.status().pending == ("0001_first", "0002_second")
    assert schema.upgrade() == ("0001_first", "0002_second")
    assert schema.upgrade() == ()
    assert schema.status().applied == ("0001_first", "0002_second")
    assert tables_of(open_storage()) == {"second", "schema_migrations"}


def test_six_upgraders_at_once_apply_each_migration_once(open_storage: Open) -> None:
    schemas = [open_storage().schema for _ in range(UPGRADERS)]
    applied = run_together([schema.upgrade for schema in schemas])
    names = tuple(migration.name for migration in migrations("sqlite"))
    assert sorted(name for each in applied for name in each) == sorted(names)
    assert schemas[0].status().applied == names
    for schema in schemas:
        schema.check()


def test_a_migration_that_fails_leaves_nothing_of_itself(open_storage: Open) -> None:
    schema = schema_of(open_storage(), FIRST, SECOND, BROKEN)
    assert refused(schema.upgrade).code == "internal_error"
    assert schema.status().applied == ("0001_first", "0002_second")
    assert "third" not in tables_of(open_storage())


def test_a_schema_that_is_behind_is_refused_with_the_way_out(open_storage: Open) -> None:
    schema_of(open_storage(), FIRST).upgrade()
    error = refused(schema_of(open_storage(), FIRST, SECOND).check)
    assert error.code == "schema_outdated"
    assert "0002_second" in error.detail
    assert "oms db upgrade" in error.detail


def test_a_schema_that_is_ahead_is_accepted(open_storage: Open) -> None:
    schema_of(open_storage(), FIRST, SECOND).upgrade()
    older = schema_of(open_storage(), FIRST)
    older.check()
    assert older.status().unknown == ("0002_second",)
    assert older.upgrade() == ()


def test_a_schema_that_is_too_far_ahead_is_refused(open_storage: Open) -> None:
    needing = Migration(name="0003_third", sql="-- needs: 0002_second\nCREATE TABLE third (id integer);\n")
    schema_of(open_storage(), FIRST, SECOND, needing).upgrade()
    schema_of(open_storage(), FIRST, SECOND).check()
    error = refused(schema_of(open_storage(), FIRST).check)
    assert (error.code, "0003_third" in error.detail) == ("schema_outdated", True)


def test_a_migration_that_was_changed_after_it_was_applied_is_refused(open_storage: Open) -> None:
    schema_of(open_storage(), FIRST).upgrade()
    changed = schema_of(open_storage(), Migration(name=FIRST.name, sql="CREATE TABLE other (id integer);\n"), SECOND)
    for work in (changed.check, changed.upgrade):
        error = refused(work)
        assert (error.code, "0001_first" in error.detail) == ("schema_outdated", True)
    assert tables_of(open_storage()) == {"first", "schema_migrations"}


def test_a_migration_that_makes_the_same_in_other_words_names_its_former_checksum(open_storage: Open) -> None:
    schema_of(open_storage(), FIRST).upgrade()
    reworded = Migration(name=FIRST.name, sql=f"-- formerly: {FIRST.checksum}\nCREATE TABLE first (id integer);\n")
    schema = schema_of(open_storage(), reworded)
    schema.check()
    assert schema.upgrade() == ()
    assert reworded.checksum not in {FIRST.checksum, ""}


def test_working_without_a_schema_names_the_upgrade(postgresql_url: str) -> None:
    storage = open_postgresql(postgresql_url, StorageOptions())
    error = refused(lambda: storage.stock.get("WIDGET"))
    assert error.code == "schema_outdated"
    assert "oms db upgrade" in error.detail
    storage.schema.upgrade()
    assert refused(lambda: storage.stock.get("WIDGET")).code == "sku_not_found"
    storage.close()


def test_sqlite_makes_and_upgrades_its_file_when_it_is_first_used(tmp_path: Path) -> None:
    storage = open_sqlite(f"sqlite:///{tmp_path}/oms.db", StorageOptions())
    assert not list(tmp_path.iterdir())
    assert refused(lambda: storage.stock.get("WIDGET")).code == "sku_not_found"
    storage.schema.check()
    storage.close()


def test_sqlite_that_may_not_create_names_the_missing_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    storage = open_sqlite("sqlite:///missing.db", StorageOptions(create=False))
    error = refused(lambda: storage.stock.get("WIDGET"))
    assert (error.code, str(tmp_path / "missing.db") in error.detail) == ("invalid_setting", True)
    assert not list(tmp_path.iterdir())


def test_sqlite_that_may_not_create_refuses_an_old_schema(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/oms.db"
    older = open_sqlite(url, StorageOptions())
    schema_of(older, FIRST).upgrade()
    older.close()
    error = refused(lambda: open_sqlite(url, StorageOptions(create=False)).orders)
    assert (error.code, "oms db upgrade" in error.detail) == ("schema_outdated", True)


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///", "sqlite://host/oms.db", "sqlite:///oms.db?mode=ro", "sqlite:///:memory:"],
)
def test_a_wrong_sqlite_url_is_refused_at_once(url: str) -> None:
    assert refused(lambda: open_sqlite(url, StorageOptions())).code == "invalid_setting"


@pytest.mark.parametrize("url", ["postgresql://user:hush@host:port/oms", "postgresql://user:hush@host/oms?nonsense=1"])
def test_a_wrong_postgresql_url_is_refused_at_once_without_its_password(url: str) -> None:
    error = refused(lambda: open_postgresql(url, StorageOptions()))
    assert error.code == "invalid_setting"
    assert "OMS_DATABASE_URL" in error.detail
    assert "hush" not in error.detail


def test_sqlite_refuses_values_of_another_type(tmp_path: Path) -> None:
    storage = open_sqlite(f"sqlite:///{tmp_path}/oms.db", StorageOptions())
    insert = "INSERT INTO products (sku, name, low_stock_threshold, created_at, updated_at) VALUES ('A', '', ?, 0, 0)"
    assert storage.orders is not None
    for value in ("abc", 1.5):
        work = cast("Callable[[], object]", lambda value=value: insert_one(storage, insert, value))
        assert refused(work).code == "internal_error"
    insert_one(storage, insert, 5)
    storage.close()


def insert_one(storage: PeeweeStorage, sql: str, *params: object) -> None:
    storage.database.write_by_ids(lambda attempt: attempt.session.execute_sql(sql, params), look_up={})
