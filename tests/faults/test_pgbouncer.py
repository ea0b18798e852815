"""A PgBouncer between us and PostgreSQL: what has to be set is named, and with it set many share few connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest
from oms_contracts.concurrency import run_together
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_peewee.postgresql import open_postgresql

from oms_core.ports.storage import StorageOptions
from tests.faults.rivals import told
from tests.services.pgbouncer import PrivatePgbouncer
from tests.services.plugin import do_without
from tests.services.run import Run
from tests.services.unusable import ServerUnusable

BUYERS = 40
FEW = {"default_pool_size": "2"}
StartPooler = Callable[[Mapping[str, str]], PrivatePgbouncer]


@pytest.fixture
def start_pooler(test_run: Run, postgresql_url: str) -> Iterator[StartPooler]:
    started: list[PrivatePgbouncer] = []

    def start(settings: Mapping[str, str]) -> PrivatePgbouncer:
        try:
            pooler = PrivatePgbouncer(test_run, postgresql_url, settings=settings)
            pooler.start()
        except ServerUnusable as error:
            do_without(f"NO PGBOUNCER: {error}")
        started.append(pooler)
        return pooler

    yield start
    for pooler in started:
        pooler.stop()


@pytest.mark.parametrize("mode", ["transaction", "session"])
@pytest.mark.parametrize(
    ("settings", "met"),
    [
        ({}, "unsupported startup parameter"),
        ({"ignore_startup_parameters": "options"}, "has dropped the settings of the session"),
    ],
    ids=["refused", "ignored"],
)
def test_with_prepared_statements_the_setting_is_named_at_once(
    start_pooler: StartPooler, postgresql_url: str, mode: str, settings: Mapping[str, str], met: str
) -> None:
    pooler = start_pooler({**settings, "pool_mode": mode})
    storage = open_postgresql(pooler.url_of(postgresql_url), StorageOptions())
    error = told(lambda: storage.stock.get("WIDGET"))
    assert error.code == "storage_unusable"
    assert met in error.detail
    assert "OMS_PREPARED_STATEMENTS must be off" in error.detail
    storage.close()


def test_without_them_many_buyers_share_two_connections(
    start_pooler: StartPooler, postgresql_url: str, shop: Shop
) -> None:
    shop.set("POPULAR", BUYERS)
    pooler = start_pooler(FEW)
    storages = [
        open_postgresql(pooler.url_of(postgresql_url), StorageOptions(prepared_statements=False)) for _ in range(4)
    ]
    shops = [new_shop(storages[number % 4], seed=number + 1) for number in range(BUYERS)]
    run_together([lambda own=own: own.buy(("POPULAR", 1)) for own in shops])
    assert shop.levels("POPULAR") == {"main": (BUYERS, BUYERS)}
    assert not shop.audit().discrepancies
    for storage in storages:
        storage.close()
