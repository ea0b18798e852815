"""What may be wrong with an SQLite file or in its way, and what the caller is told."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from oms_contracts.storage_contract.shop import Shop, placed, refused
from oms_peewee.sqlite import open_sqlite
from oms_peewee.storage import PeeweeStorage

from oms_core.domain.orders.statuses import OrderStatus
from oms_core.ports.storage import StorageOptions
from tests.faults.rivals import SHORT_DEADLINE, told

# Of one order more than the file has free pages, which its migrations have left.
LONG_NOTES = {f"note-{number}": "x" * 400 for number in range(20)}


@contextmanager
def writer(file: Path) -> Iterator[sqlite3.Connection]:
    """Hold the writer's lock, as another program would."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


@pytest.mark.parametrize("work", ["place", "adjust", "move"])
def test_a_file_that_somebody_else_writes_for_too_long_is_storage_unavailable(
    shop: Shop, file: Path, work: str
) -> None:
    order = shop.buy(("WIDGET", 2))
    before = shop.everything()
    works: dict[str, Callable[[], object]] = {
        "place": lambda: shop.place(shop.order(("WIDGET", 1))),
        "adjust": lambda: shop.adjust("WIDGET", 1),
        "move": lambda: shop.move(order.id, OrderStatus.CANCELLED),
    }
    with writer(file):
        error = told(works[work])
        assert shop.everything() == before, "reading waits for nobody"
    assert error.code == "storage_unavailable"
    assert error.retry_after_seconds
    assert str(file) in error.detail
    works[work]()
    assert not shop.audit().discrepancies


def test_a_file_that_cannot_be_opened_for_somebody_else_makes_it_is_storage_unavailable(file: Path) -> None:
    with writer(file) as connection:
        connection.execute("CREATE TABLE other (id INTEGER)")
        storage = open_sqlite(f"sqlite:///{file}", SHORT_DEADLINE)
        assert told(lambda: storage.stock).code == "storage_unavailable"
    assert told(lambda: storage.stock.get("WIDGET")).code == "sku_not_found"
    storage.close()


def test_a_full_disk_is_storage_unavailable_and_leaves_nothing_half_written(shop: Shop, storage: PeeweeStorage) -> None:
    before = shop.everything()
    storage.database.read(lambda session: session.execute_sql("PRAGMA max_page_count = 1").fetchall())
    error = told(lambda: shop.place(*(shop.order(("WIDGET", 1), metadata=LONG_NOTES) for _ in range(200))))
    assert error.code == "storage_unavailable"
    storage.close()
    assert shop.everything() == before
    assert placed(shop.place(shop.order(("WIDGET", 1)))[0])


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, " * 100)
    error = told(lambda: open_sqlite(f"sqlite:///{file}", SHORT_DEADLINE).stock)
    assert (error.code, str(file) in error.detail) == ("invalid_setting", True)
    assert file.read_text() == "not a database, " * 100


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    error = told(lambda: open_sqlite(f"sqlite:///{tmp_path}/missing/oms.db", SHORT_DEADLINE).stock)
    assert (error.code, str(tmp_path / "missing") in error.detail) == ("invalid_setting", True)


def test_a_path_that_is_a_folder_is_storage_unusable(tmp_path: Path) -> None:
    error = told(lambda: open_sqlite(f"sqlite:///{tmp_path}", SHORT_DEADLINE).stock)
    assert error.code == "storage_unusable"
    assert "let the service's user" in error.detail


@pytest.mark.parametrize("name", ["with space.db", "100%.db", "a?b#c.db", "größe.db"])
def test_a_file_may_have_any_name(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    url = "sqlite:///" + name.replace("%", "%25").replace("?", "%3F").replace("#", "%23").replace(" ", "%20")
    storage = open_sqlite(url, StorageOptions())
    assert told(lambda: storage.stock.get("WIDGET")).code == "sku_not_found"
    assert (tmp_path / name).exists()
    assert str(tmp_path / name) in storage.describe()
    storage.close()


def test_what_is_committed_is_on_the_disk(storage: PeeweeStorage) -> None:
    for pragma, value in {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}.items():
        assert storage.database.read(lambda session, pragma=pragma: session.pragma(pragma)) == value  # type: ignore[misc]


def test_an_order_that_cannot_be_written_is_an_internal_error_and_costs_the_whole_call(shop: Shop, file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            """CREATE TRIGGER made_up BEFORE INSERT ON orders WHEN new.customer_id = 'cursed'
            BEGIN SELECT RAISE(ABORT, 'cursed'); END"""
        )
    before = shop.everything()
    error = told(lambda: shop.place(shop.order(("WIDGET", 1)), shop.order(("WIDGET", 1), customer_id="cursed")))
    assert error.code == "internal_error"
    assert "cursed" not in error.detail
    assert shop.everything() == before


def test_a_refusal_writes_nothing(shop: Shop, file: Path) -> None:
    before = shop.everything()
    assert refused(shop.place(shop.order(("WIDGET", 11)))[0]).code == "insufficient_inventory"
    assert shop.everything() == before


def test_looking_whether_it_is_ready_waits_for_no_writer(shop: Shop, storage: PeeweeStorage, file: Path) -> None:
    with writer(file):
        storage.schema.check()
        another = open_sqlite(f"sqlite:///{file}", SHORT_DEADLINE)
        another.schema.check()
        assert another.stock.get("WIDGET").on_hand == 10
        another.close()


def test_the_first_look_makes_the_schema(file: Path) -> None:
    storage = open_sqlite(f"sqlite:///{file}", SHORT_DEADLINE)
    storage.schema.check()
    assert not storage.schema.status().pending
    storage.close()


def test_a_disk_without_room_is_not_ready(
    shop: Shop, storage: PeeweeStorage, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.schema.check()
    space = os.statvfs(file)
    full = os.statvfs_result((*space[:3], 1, 1, *space[5:]))
    with monkeypatch.context() as patch:
        patch.setattr("os.statvfs", lambda _: full)
        error = told(storage.schema.check)
        reading = open_sqlite(f"sqlite:///{file}", SHORT_DEADLINE)
        assert reading.stock.get("WIDGET").on_hand == 10, "reading needs no room"
        reading.close()
    assert (error.code, "make room" in error.detail) == ("storage_unavailable", True)
    storage.schema.check()


def test_a_write_that_found_no_room_is_not_ready(shop: Shop, storage: PeeweeStorage) -> None:
    storage.database.read(lambda session: session.execute_sql("PRAGMA max_page_count = 1").fetchall())
    told(lambda: shop.place(*(shop.order(("WIDGET", 1), metadata=LONG_NOTES) for _ in range(200))))
    error = told(storage.schema.check)
    assert (error.code, "make room" in error.detail) == ("storage_unavailable", True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to_is_not_ready(shop: Shop, storage: PeeweeStorage, file: Path) -> None:
    file.parent.chmod(0o500)
    try:
        assert told(storage.schema.check).code == "storage_unusable"
    finally:
        file.parent.chmod(0o700)


def test_a_file_that_becomes_junk_under_the_service_is_no_wrong_setting(
    shop: Shop, storage: PeeweeStorage, file: Path
) -> None:
    storage.close()
    with file.open("r+b") as stream:
        stream.write(b"no database, " * 1_000)
    error = told(lambda: shop.product("WIDGET"))
    assert (error.code, "restore the file" in error.detail) == ("storage_unusable", True)
