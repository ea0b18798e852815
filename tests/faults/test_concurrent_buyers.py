"""64 threads in 4 processes buy one product: nothing is sold twice, and whoever else writes gets a turn meanwhile."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest
from oms_contracts.storage_contract.shop import new_shop

from oms_core import Settings
from oms_core.bootstrap import open_ports
from tests.faults.concurrent_buyers import PROCESSES, THREADS, begin_buying

UNITS = 500
TURN_SECONDS = 5.0
SERVED = {"postgresql": "postgresql_url", "citus": "citus_cell_url"}


@pytest.mark.parametrize("database", ["sqlite", *SERVED])
def test_concurrent_buyers_are_sold_what_is_there_and_let_others_write(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/oms.db" if database == "sqlite" else request.getfixturevalue(SERVED[database])
    storage = open_ports(Settings(database_url=url)).storage
    storage.schema.upgrade()
    shop = new_shop(storage)
    shop.set("HOT", UNITS)
    shop.set("COLD", 0)
    waits = []
    with begin_buying(url, "HOT") as buyers:
        while not all(buyer.done() for buyer in buyers):
            began_at = time.monotonic()
            shop.adjust("COLD", 1)
            waits.append(time.monotonic() - began_at)
        told = sum((buyer.result() for buyer in buyers), Counter[str]())
    assert told == {"placed": UNITS, "insufficient_inventory": PROCESSES * THREADS}
    assert shop.levels("HOT") == {"main": (UNITS, UNITS)}
    assert shop.product("COLD").on_hand == len(waits)
    assert max(waits) < TURN_SECONDS
    assert not shop.audit().discrepancies
    storage.close()
