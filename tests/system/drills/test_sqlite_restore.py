"""docs/production/backup.md, SQLite: a file is copied whole while orders come in, and put back."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.programs import Program
from tests.cli.serving import serving
from tests.system.drills.books import books_agree, open_shop, orders_in_file
from tests.system.drills.buyers import HttpBuyer, Purchases, buying


@pytest.fixture
def shop(tmp_path: Path) -> Program:
    """A shop on `oms.db`."""
    program = Program(folder=tmp_path, database_url="sqlite:///oms.db")
    open_shop(program)
    return program


def vacuum_into(source: Path, copy: Path) -> None:
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))


def backup_api(source: Path, copy: Path) -> None:
    """Do what `.backup` of the program sqlite3 does."""
    with closing(sqlite3.connect(source)) as connection, closing(sqlite3.connect(copy)) as target:
        connection.backup(target)


class Copy(NamedTuple):
    """A copy of the database, the orders answered before it was begun, and when it was finished."""

    path: Path
    answered: set[str]
    finished_at: float


def copied(database: Path, back_up: Callable[[Path, Path], None], purchases: Purchases) -> Copy:
    purchases.wait_for_more(20)
    answered = {each.order_id for each in list(purchases.bought)}
    path = database.with_name(f"{back_up.__name__}.db")
    back_up(database, path)
    return Copy(path, answered, time.time())


def test_copies_made_while_orders_come_in_have_every_order_answered_before(shop: Program, tmp_path: Path) -> None:
    database = tmp_path / "oms.db"
    with serving(shop) as service:
        buyers = [HttpBuyer(service.port, keeps_connection=True) for _ in range(4)]
        with buying(*buyers) as purchases:
            copies = [copied(database, back_up, purchases) for back_up in (vacuum_into, backup_api)]
            purchases.wait_for_more(20)
        assert service.stop() == 0
    assert not purchases.failures
    for copy in copies:
        put_back(copy.path, database)
        assert books_agree(shop)
        kept = orders_in_file(database)
        sent_later = {each.order_id for each in purchases.bought if each.sent_at > copy.finished_at}
        assert copy.answered <= kept
        assert sent_later
        assert not sent_later & kept
    with serving(shop) as service:
        assert HttpBuyer(service.port, keeps_connection=False)()


def put_back(copy: Path, database: Path) -> None:
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    copy.replace(database)


def test_the_file_alone_lacks_what_stands_in_its_wal(shop: Program, tmp_path: Path) -> None:
    """The control: why the page says that `cp` is no backup."""
    with serving(shop) as service:
        bought = HttpBuyer(service.port, keeps_connection=False)()
        assert bought in orders_in_file(tmp_path / "oms.db")
        shutil.copy(tmp_path / "oms.db", tmp_path / "copied.db")
    assert bought not in orders_in_file(tmp_path / "copied.db")
