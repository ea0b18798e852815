"""Keys that the service makes for itself go after a day; those of callers stay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_peewee.models import StockKeyRow
from oms_peewee.postgresql import open_postgresql
from oms_peewee.sqlite import open_sqlite
from oms_peewee.storage import PeeweeStorage

from oms_core.ports.storage import StorageOptions

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


class At:
    """A clock that stands."""

    def __init__(self, time: datetime, seed: int) -> None:
        self._time = time
        self._bits = seed * 1_000

    def now(self) -> datetime:
        return self._time

    def monotonic(self) -> float:
        return 0.0

    def random_bits(self, count: int) -> int:
        self._bits += 1
        return self._bits


@pytest.fixture(params=["sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: object) -> Iterator[PeeweeStorage]:
    is_file = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/oms.db" if is_file else request.getfixturevalue("postgresql_url")
    opened = (open_sqlite if is_file else open_postgresql)(url, StorageOptions())
    opened.schema.upgrade()
    yield opened
    opened.close()


def keys(storage: PeeweeStorage) -> list[tuple[str, bool]]:
    """Read what each key was for, and whether the service made it."""
    rows = StockKeyRow.select().order_by(StockKeyRow.created_at, StockKeyRow.idempotency_key)
    return storage.database.read(lambda session: [(row.act, row.fingerprint is None) for row in rows.execute(session)])


def at(shop: Shop, time: datetime, seed: int) -> Shop:
    """Return the same shop at another time."""
    return replace(shop, clock=At(time, seed))


def test_old_keys_of_the_service_go_when_it_makes_new_ones(storage: PeeweeStorage) -> None:
    shop = at(new_shop(storage), NOON, 1)
    for count in range(1, 13):
        shop.set("WIDGET", count)
    shop.receive("WIDGET", 5, idempotency_key="R")
    assert keys(storage).count(("set", True)) == 12
    nearly = at(shop, NOON + timedelta(hours=24), 2)
    nearly.adjust("WIDGET", 1)
    assert keys(storage).count(("set", True)) == 12, "none is older than a day"
    later = at(shop, NOON + timedelta(hours=24, microseconds=1), 3)
    later.adjust("WIDGET", 1)
    assert keys(storage).count(("set", True)) == 2, "ten at a time"
    later.adjust("WIDGET", 1)
    assert sorted(keys(storage)) == [("adjust", True)] * 3 + [("receive", False)]
    assert later.receive("WIDGET", 5, idempotency_key="R").replayed
