"""Who makes a level waits for who ends the selling of its location: or it would be sold for ever."""

from __future__ import annotations

import threading

import pytest
from oms_contracts.storage_contract.shop import Shop
from oms_peewee.postgresql.connections import PostgresqlSession

from tests.faults.rivals import DEADLINE_SECONDS, WAITING, count, rival
from tests.services import wait_until

END_SELLING = "UPDATE locations SET sells = false WHERE name = 'yard'"


def available_after(shop: Shop, url: str, *, waits: bool) -> int:
    """Make a level while a rival ends the selling of its location, and has not committed; give what is available."""
    shop.set("A", 1, location="yard")
    making = threading.Thread(target=lambda: shop.set("B", 5, location="yard"))
    with rival(url) as cursor:
        cursor.execute(END_SELLING)
        making.start()
        if waits:
            wait_until(lambda: count(url, WAITING), DEADLINE_SECONDS, "who makes the level waits")
        else:
            making.join(DEADLINE_SECONDS)
        cursor.connection.commit()
    making.join(DEADLINE_SECONDS)
    return shop.product("B").available


def test_a_level_that_is_made_meanwhile_does_not_sell(shop: Shop, postgresql_url: str) -> None:
    assert available_after(shop, postgresql_url, waits=True) == 0


def test_it_would_sell_if_its_location_were_not_locked(
    shop: Shop, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PostgresqlSession, "sharing", lambda _, query: query)
    assert available_after(shop, postgresql_url, waits=False) == 5
