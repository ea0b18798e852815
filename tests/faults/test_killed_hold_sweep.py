"""A sweep of holds that is killed is gone on with by the next: each hold is expired once, and no unit is lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_peewee.models import LeaseRow
from oms_peewee.postgresql import open_postgresql
from oms_peewee.sqlite import open_sqlite
from oms_peewee.written import harmless_again

from oms_core.ports.storage import StorageOptions
from tests.adapters.postgresql_databases import migrated_database
from tests.faults.killed_hold_sweep import BATCH
from tests.services.databases import PostgresqlServer

HOLDS = 200
KILLS = 3
BATCHES = 3


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Shop]]:
    """The URL of a database, and a shop over it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'oms.db'}"
        storage = open_sqlite(url, StorageOptions())
        yield url, new_shop(storage)
        storage.close()
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    with migrated_database(server) as url:
        storage = open_postgresql(url, StorageOptions())
        yield url, new_shop(storage)
        storage.close()


def killed_after_some_batches(url: str) -> int:
    """Sweep until some batches are expired, and kill it wherever it is then; return how many were told."""
    arguments = [sys.executable, "-m", "tests.faults.killed_hold_sweep", url]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = sum(int(process.stdout.readline()) for _ in range(BATCHES))
        process.kill()
    return told


def end_the_lease_of_the_dead(shop: Shop) -> None:
    """Let the lease of a killed sweep run out."""
    database = shop.storage.holds._database  # type: ignore[attr-defined]

    def end(session: object) -> object:
        LeaseRow.delete().execute(session)
        return harmless_again(None)

    database.write(end, look_up={})


def test_a_killed_sweep_is_gone_on_with(place: tuple[str, Shop]) -> None:
    url, shop = place
    shop.set("A", HOLDS)
    batch = [shop.order_to_hold(("A", 1), seconds=-60) for _ in range(HOLDS)]
    shop.place(*batch)
    for _ in range(KILLS):
        before = shop.storage.holds.count_overdue()
        told = killed_after_some_batches(url)
        left = shop.storage.holds.count_overdue()
        assert told == BATCHES * BATCH
        assert left <= before - told  # At most one more transaction was committed, and not told.
        assert shop.holds.expire(caller=shop.caller).left_to_another
        assert not shop.audit().discrepancies
        end_the_lease_of_the_dead(shop)
    left = shop.storage.holds.count_overdue()
    assert left
    assert shop.holds.expire(caller=shop.caller).expired == left
    assert shop.levels("A") == {"main": (HOLDS, 0)}
    assert [len(shop.events(each.id)) for each in batch] == [2] * HOLDS
    assert not shop.audit().discrepancies
