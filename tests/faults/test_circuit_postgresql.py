"""A PostgreSQL that is away: told at once, ridden out when it is short, over within a second of its return."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from oms_contracts.concurrency import run_together
from oms_contracts.storage_contract.shop import Shop, new_shop, placed
from oms_peewee.pool import Circuit
from oms_peewee.postgresql import open_postgresql
from oms_peewee.storage import PeeweeStorage

from oms_core.errors import OmsError
from oms_core.ports.storage import StorageOptions
from tests.faults.commit_proxy import CommitProxy, Fate
from tests.faults.rivals import LOCK_LEVELS, SHORT_DEADLINE, rival, told
from tests.services import wait_until
from tests.services.postgresql import PrivatePostgresql

AT_ONCE_SECONDS = 0.5
FIRST_TOLD_SECONDS = 6.0
BACK_SECONDS = 2.0
BLIP_SECONDS = 1.5
OUTAGE_SECONDS = 5.0


@pytest.fixture
def proxy(storage: PeeweeStorage, postgresql_url: str) -> Iterator[CommitProxy]:
    storage.close()
    proxy = CommitProxy(postgresql_url)
    yield proxy
    proxy.close()


@pytest.fixture
def far_shop(proxy: CommitProxy, shop: Shop) -> Iterator[Shop]:
    """The same shop, through the proxy, with the deadline that is the default."""
    storage = open_postgresql(proxy.url, StorageOptions())
    yield new_shop(storage, seed=1)
    storage.close()


def seconds_until_told(work: Callable[[], object]) -> float:
    began = time.monotonic()
    assert told(work).code == "storage_unavailable"
    return time.monotonic() - began


def works(work: Callable[[], object]) -> bool:
    try:
        work()
    except OmsError:
        return False
    return True


def test_readers_and_writers_are_told_at_once_that_a_killed_server_is_away_and_find_it_again(
    private_postgresql: Callable[[], PrivatePostgresql],
) -> None:
    server = private_postgresql()
    storage = open_postgresql(server.url, StorageOptions())
    storage.schema.upgrade()
    shop = new_shop(storage)
    shop.set("WIDGET", 10)

    def buy() -> object:
        return shop.place(shop.order(("WIDGET", 1)))

    for end in (server.kill, server.stop):
        end()
        assert seconds_until_told(lambda: shop.product("WIDGET")) < FIRST_TOLD_SECONDS
        for work in (lambda: shop.product("WIDGET"), buy):
            waits = run_together([partial(seconds_until_told, work)] * 12)
            assert max(waits) < AT_ONCE_SECONDS
        server.start()
        wait_until(lambda: works(lambda: shop.product("WIDGET")), BACK_SECONDS, "it is noticed that the server is back")
        assert placed(shop.place(shop.order(("WIDGET", 1)))[0])
    storage.close()


def test_without_the_circuit_each_call_waits_out_its_deadline(
    proxy: CommitProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Circuit, "_open", lambda *_: None)
    storage = open_postgresql(proxy.url, StorageOptions(deadline_seconds=4.0))
    proxy.go_down()
    waits = [seconds_until_told(lambda: storage.stock.get("WIDGET")) for _ in range(2)]
    assert min(waits) > AT_ONCE_SECONDS
    storage.close()


def test_a_blip_is_ridden_out(far_shop: Shop, proxy: CommitProxy) -> None:
    proxy.go_down()
    threading.Timer(BLIP_SECONDS, proxy.come_up).start()
    began = time.monotonic()
    assert far_shop.product("WIDGET").on_hand == 10
    assert time.monotonic() - began >= BLIP_SECONDS


def test_a_commit_whose_answer_was_lost_is_looked_up_while_others_are_refused(
    far_shop: Shop, proxy: CommitProxy
) -> None:
    placement = far_shop.order(("WIDGET", 1))
    outcomes: list[object] = []
    buyer = threading.Thread(target=lambda: outcomes.extend(far_shop.place(placement)))
    proxy.lose_next(Fate.ANSWER, then_go_down=True)
    buyer.start()
    wait_until(lambda: proxy.losses, OUTAGE_SECONDS, "the answer is lost")
    told(lambda: far_shop.product("WIDGET"))
    assert seconds_until_told(lambda: far_shop.product("WIDGET")) < AT_ONCE_SECONDS
    assert buyer.is_alive(), "it goes on looking"
    proxy.come_up()
    buyer.join(OUTAGE_SECONDS)
    assert placed(outcomes[0]).order.id == placement.id  # type: ignore[arg-type]
    assert far_shop.levels("WIDGET") == {"main": (10, 1)}


def test_locks_and_slow_statements_do_not_open_it(shop: Shop, impatient_shop: Shop, postgresql_url: str) -> None:
    slow = open_postgresql(postgresql_url, StorageOptions(deadline_seconds=SHORT_DEADLINE.deadline_seconds,
                                                          statement_timeout_seconds=0.1))  # fmt: skip
    for _ in range(3):
        with rival(postgresql_url) as cursor:
            cursor.execute(LOCK_LEVELS, ("WIDGET",))
            assert told(lambda: impatient_shop.adjust("WIDGET", 1)).code == "storage_unavailable"
            assert impatient_shop.product("WIDGET").on_hand == 10
        error = told(lambda: slow.database.read(lambda session: session.execute_sql("SELECT pg_sleep(9)")))
        assert error.code == "storage_unavailable"
        assert slow.stock.get("WIDGET").on_hand == 10
    slow.close()


def test_a_refusal_says_why_and_when_to_come_again(proxy: CommitProxy) -> None:
    storage = open_postgresql(proxy.url, StorageOptions())
    proxy.go_down()
    for _ in range(3):
        error = told(lambda: storage.stock.get("WIDGET"))
        assert error.retry_after_seconds == 1
        assert "closed the connection" in error.detail
    storage.close()
