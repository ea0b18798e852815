"""The file of an SQLite database: who may read it, and what happens when it is taken away under the service."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop, placed
from oms_peewee.sqlite import open_sqlite
from oms_peewee.storage import PeeweeStorage

from tests.faults.rivals import SHORT_DEADLINE, told


def delete(file: Path) -> None:
    file.unlink()


def replace_by_a_copy(file: Path) -> None:
    copy = file.with_suffix(".copy")
    with closing(sqlite3.connect(file)) as connection, closing(sqlite3.connect(copy)) as target:
        connection.backup(target)
    copy.replace(file)


def move_away(file: Path) -> None:
    file.rename(file.with_suffix(".moved"))


def move_the_folder_away(file: Path) -> None:
    file.parent.rename(file.parent.with_name("elsewhere"))


TAKEN_AWAY = [delete, replace_by_a_copy, move_away, move_the_folder_away]


@pytest.fixture
def nested(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "oms.db"


@pytest.mark.parametrize("take_away", TAKEN_AWAY)
def test_a_file_that_is_taken_away_is_missed_before_anything_is_promised(
    nested: Path, take_away: Callable[[Path], None]
) -> None:
    storage = open_sqlite(f"sqlite:///{nested}", SHORT_DEADLINE)
    shop = new_shop(storage)
    shop.set("WIDGET", 10)
    take_away(nested)
    works: list[Callable[[], object]] = [
        lambda: shop.place(shop.order(("WIDGET", 1))),
        lambda: shop.adjust("WIDGET", 1),
        lambda: shop.product("WIDGET"),
        storage.schema.check,
        storage.schema.upgrade,
    ]
    for work in works:
        error = told(work)
        assert error.code == "storage_unusable"
        assert "was deleted or replaced while it was in use; stop the service" in error.detail
    if take_away is not replace_by_a_copy:
        assert not nested.exists(), "no empty one is made in its place"
    storage.close()


@pytest.mark.parametrize("take_away", TAKEN_AWAY)
def test_what_was_committed_to_a_file_that_was_taken_away_meanwhile_is_not_promised(
    nested: Path, take_away: Callable[[Path], None]
) -> None:
    storage = open_sqlite(f"sqlite:///{nested}", SHORT_DEADLINE)
    shop = new_shop(storage)
    shop.set("WIDGET", 10)
    steps = [take_away]

    def take_it_away_now() -> None:
        while steps:
            steps.pop()(nested)

    error = told(lambda: shop.place_deciding(shop.deciding_after(take_it_away_now), shop.order(("WIDGET", 1))))
    assert error.code in {"outcome_unknown", "storage_unusable"}
    storage.close()


def test_a_file_that_comes_back_is_worked_on_again(shop: Shop, file: Path) -> None:
    move_away(file)
    assert told(lambda: shop.product("WIDGET")).code == "storage_unusable"
    file.with_suffix(".moved").rename(file)
    assert placed(shop.place(shop.order(("WIDGET", 1)))[0])


def test_a_log_that_is_deleted_under_the_service_costs_no_order(shop: Shop, storage: PeeweeStorage, file: Path) -> None:
    order = shop.buy(("WIDGET", 1))
    Path(f"{file}-wal").unlink()
    later = shop.buy(("WIDGET", 1))
    storage.close()
    again = new_shop(open_sqlite(f"sqlite:///{file}", SHORT_DEADLINE), seed=1)
    assert [again.get(each.id) for each in (order, later)] == [order, later]
    again.storage.close()


def test_other_programs_may_open_and_close_the_file_as_they_like(shop: Shop, file: Path) -> None:
    for seed in range(1, 6):
        another = open_sqlite(f"sqlite:///{file}", SHORT_DEADLINE)
        new_shop(another, seed=seed).adjust("WIDGET", 1)
        another.close()
        shop.adjust("WIDGET", 1)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert shop.adjust("WIDGET", 1).product.on_hand == 21


def test_files_are_made_for_their_owner_alone(shop: Shop, file: Path) -> None:
    made = [path for path in file.parent.iterdir() if path.name.startswith(file.name)]
    assert len(made) == 3
    assert {oct(path.stat().st_mode & 0o777) for path in made} == {"0o600"}


def test_the_mode_of_a_file_that_was_there_stays(file: Path) -> None:
    file.touch()
    file.chmod(0o640)
    storage = open_sqlite(f"sqlite:///{file}", SHORT_DEADLINE)
    new_shop(storage).set("WIDGET", 10)
    assert oct(file.stat().st_mode & 0o777) == "0o640"
    storage.close()
