"""A primary that is killed under load, its synchronous standby promoted, and a URL that names both."""

from __future__ import annotations

import time

from oms_contracts.storage_contract.shop import new_shop, placed
from oms_peewee.postgresql import open_postgresql

from oms_core.ports.storage import StorageOptions
from tests.faults.availability.buyers import Buyers, check_books, open_shop, orders_in
from tests.faults.rivals import told
from tests.services.standbys import PostgresqlPair

RESUMED_SECONDS = 10.0  # 0.2 on a quiet machine.
TOLD_SECONDS = 20.0
HONEST = {"storage_unavailable", "outcome_unknown", "idempotency_key_in_use"}


def test_no_answered_order_is_lost_with_the_primary_and_selling_goes_on_with_the_standby(pair: PostgresqlPair) -> None:
    with open_shop(pair.url) as oms:
        with Buyers(oms) as buyers:
            buyers.buy_more(200)
            pair.primary.kill()
            pair.promote()
            promoted = time.monotonic()
            buyers.buy_more(200)
        assert buyers.told.keys() <= HONEST
        assert buyers.silence_after(promoted) < RESUMED_SECONDS
        assert buyers.slowest_seconds < TOLD_SECONDS
    check_books(buyers, pair.standby.url)


def test_without_waiting_for_the_standby_answered_orders_are_lost_with_the_primary(pair: PostgresqlPair) -> None:
    with open_shop(f"{pair.primary.url}?options=-csynchronous_commit%3Dlocal") as oms:
        with Buyers(oms) as buyers:
            pair.standby.kill()
            buyers.buy_more(50)
            pair.primary.kill()
        pair.standby.start()
        pair.promote()
        assert buyers.answered.keys() - orders_in(pair.standby.url)


def test_a_former_primary_that_comes_back_first_in_the_url_sells_nothing(pair: PostgresqlPair) -> None:
    """It can be written to, so libpq takes it; but each of its COMMITs waits for a standby that does not follow it."""
    storage = open_postgresql(pair.url, StorageOptions(deadline_seconds=2.0, lock_timeout_seconds=1.0))
    storage.schema.upgrade()
    shop = new_shop(storage)
    shop.set("WIDGET", 10)
    pair.primary.kill()
    pair.promote()
    assert placed(shop.place(shop.order(("WIDGET", 1)))[0])
    storage.close()
    pair.primary.start()
    wanted = shop.order(("WIDGET", 1), idempotency_key="K")
    assert told(lambda: shop.place(wanted)).code == "outcome_unknown"
    assert told(lambda: shop.adjust("WIDGET", 1)).code == "storage_unavailable", "what it has begun, it keeps locked"
    pair.primary.kill()
    assert placed(shop.place(wanted)[0]).order.id == wanted.id
    assert shop.levels("WIDGET") == {"main": (10, 2)}
    assert not shop.audit().discrepancies
    storage.close()
