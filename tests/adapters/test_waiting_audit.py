"""An audit tells of every order that somebody should come back to and nobody would, on both databases."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_peewee.postgresql import open_postgresql
from oms_peewee.sqlite import open_sqlite

from oms_core.ports.storage import StorageOptions
from tests.adapters.postgresql_databases import connected, empty, migrated_database
from tests.services.databases import PostgresqlServer

Run = Callable[[str], None]
NOBODY = UUID(int=7)
# What is changed behind everybody's back, and what the audit says of which order.
PLANTED = {
    "a hold that nobody would expire": (
        "DELETE FROM waiting_orders WHERE waits_for = 'confirm'",
        ["held: among what waits it should be there to confirm, and is missing"],
    ),
    "a queued order that nobody would place": (
        "DELETE FROM waiting_orders WHERE waits_for = 'place'",
        ["queued: among what waits it should be there to place, and is missing"],
    ),
    "a hold that would be placed": (
        "UPDATE waiting_orders SET waits_for = 'place', queue_no = 99 WHERE waits_for = 'confirm'",
        ["held: among what waits it should be there to confirm, and is there to place"],
    ),
    "a hold that would fall at another time": (
        "UPDATE orders SET hold_until = updated_at WHERE status = 'held'",
        ["held: it is held until"],
    ),
    "a hold without an end": (
        "UPDATE waiting_orders SET due_at = NULL WHERE waits_for = 'confirm'",
        ["held: it is held until"],
    ),
    "an order that waits though it is placed": (
        "UPDATE waiting_orders SET order_id = (SELECT id FROM orders WHERE status = 'pending')"
        " WHERE waits_for = 'place'",
        [
            "pending: among what waits it should be missing, and is there to place",
            "queued: among what waits it should be there to place, and is missing",
        ],
    ),
    "an order that is not there": (
        f"UPDATE waiting_orders SET order_id = '{NOBODY}' WHERE waits_for = 'place'",
        ["it is not there", "queued: among what waits it should be there to place, and is missing"],
    ),
}


@pytest.fixture(scope="module")
def database(postgresql_server: PostgresqlServer) -> Iterator[str]:
    with migrated_database(postgresql_server) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Shop, Run]]:
    """A shop with a pending, a held and a queued order, and what runs a statement in its database."""
    if request.param == "sqlite":
        file = tmp_path / "oms.db"
        storage = open_sqlite(f"sqlite:///{file}", StorageOptions())

        def run(sql: str) -> None:
            with closing(sqlite3.connect(file)) as connection, connection:
                connection.execute(sql)
    else:
        url = request.getfixturevalue("database")
        empty(url)
        storage = open_postgresql(url, StorageOptions())

        def run(sql: str) -> None:
            with connected(url) as connection, connection.cursor() as cursor:
                cursor.execute(sql)

    with closing(storage):
        shop = new_shop(storage)
        shop.set("A", 9)
        shop.buy(("A", 1), ("A", 1))
        shop.hold(("A", 1), ("A", 2), seconds=900)
        shop.queue_up(("A", 1))
        yield shop, run


@pytest.mark.parametrize("planted", PLANTED)
def test_what_waits_wrongly_is_told(opened: tuple[Shop, Run], planted: str) -> None:
    shop, run = opened
    assert shop.audit().discrepancies == ()
    sql, told = PLANTED[planted]
    run(sql)
    found = shop.audit().discrepancies
    assert len(found) == len(told)
    for each, words in zip(sorted(found, key=lambda each: each.detail), sorted(told), strict=True):
        assert each.subject.startswith("order ")
        assert each.detail.startswith(words)
