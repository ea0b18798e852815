"""A synchronous standby that hangs: nobody waits past the deadline for it, and no order is answered without it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop, placed
from oms_peewee.postgresql import connections, open_postgresql
from oms_peewee.postgresql.connections import PostgresqlSession

from oms_core.errors import OmsError
from oms_core.ports.storage import StorageOptions
from tests.services import wait_until
from tests.services.plugin import do_without
from tests.services.postgresql import connected
from tests.services.run import Run
from tests.services.standbys import PostgresqlPair, ask
from tests.services.unusable import ServerUnusable

DEADLINE_SECONDS = 3.0
IN_TIME_SECONDS = DEADLINE_SECONDS + 4.0  # It is looked at once a second; the rest is for a busy machine.
WAITING_SECONDS = 30.0
OPTIONS = StorageOptions(deadline_seconds=DEADLINE_SECONDS, lock_timeout_seconds=1.0)
WAITERS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
STOP_WAITING = "SELECT {}(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest.fixture(scope="module")
def pair(test_run: Run) -> Iterator[PostgresqlPair]:
    """One pair for all: each test thaws the standby."""
    try:
        pair = PostgresqlPair(test_run)
    except ServerUnusable as error:
        do_without(f"NO PRIVATE POSTGRESQL: {error}")
    try:
        pair.start()
        yield pair
    finally:
        pair.discard()


@pytest.fixture
def shop(pair: PostgresqlPair) -> Iterator[Shop]:
    yield from opened_shop(pair)


@pytest.fixture
def rivals_shop(pair: PostgresqlPair, shop: Shop) -> Iterator[Shop]:
    yield from opened_shop(pair)


def opened_shop(pair: PostgresqlPair) -> Iterator[Shop]:
    storage = open_postgresql(pair.url, OPTIONS)
    storage.schema.upgrade()
    shop = new_shop(storage, seed=time.monotonic_ns())
    shop.set("WIDGET", 100)
    yield shop
    storage.close()


class Caller(threading.Thread):
    """Does one thing, and keeps what it was told and how long that took."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self.told: object = None
        self.seconds = 0.0
        self.start()

    def run(self) -> None:
        began = time.monotonic()
        try:
            self.told = self._work()
        except OmsError as error:
            self.told = error.code
        self.seconds = time.monotonic() - began

    def is_told(self) -> object:
        self.join(WAITING_SECONDS)
        assert not self.is_alive()
        return self.told


@contextmanager
def frozen_standby(pair: PostgresqlPair) -> Iterator[None]:
    pair.standby.freeze()
    try:
        yield
    finally:
        pair.standby.thaw()


def waits_for_standby(pair: PostgresqlPair) -> None:
    wait_until(lambda: ask(pair.primary.url, WAITERS), WAITING_SECONDS, "a COMMIT waits for the standby")


def test_a_commit_that_waits_is_told_as_unknown_at_the_deadline_and_its_key_gives_one_order(
    pair: PostgresqlPair, shop: Shop, rivals_shop: Shop
) -> None:
    before = shop.product("WIDGET").reserved
    wanted, same = (each.order(("WIDGET", 1), idempotency_key="hangs") for each in (shop, rivals_shop))
    with frozen_standby(pair):
        caller = Caller(lambda: shop.place(wanted))
        waits_for_standby(pair)
        rival = Caller(lambda: rivals_shop.place(same))
        assert shop.product("WIDGET").reserved == before, "reading goes on, and sees nothing of it"
        assert caller.is_told() == "outcome_unknown"
        assert caller.seconds < IN_TIME_SECONDS
        assert rival.is_told() in {"storage_unavailable", "idempotency_key_in_use"}
        assert rival.seconds < IN_TIME_SECONDS
    outcomes = [placed(rivals_shop.place(same)[0]), placed(shop.place(wanted)[0])]
    assert [each.order.id for each in outcomes] == [wanted.id] * 2
    assert shop.product("WIDGET").reserved == before + 1
    assert not shop.audit().discrepancies


def test_without_the_bound_a_commit_waits_past_the_deadline(
    pair: PostgresqlPair, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_COMMIT_SECONDS_MIN", WAITING_SECONDS)
    with frozen_standby(pair):
        caller = Caller(lambda: shop.adjust("WIDGET", 1))
        caller.join(IN_TIME_SECONDS)
        assert caller.is_alive()
    assert caller.is_told() != "outcome_unknown"


STOPS = pytest.mark.parametrize("stop", ["pg_cancel_backend", "pg_terminate_backend"])


@STOPS
def test_a_commit_that_is_told_to_stop_waiting_is_not_taken_for_a_replicated_one(
    pair: PostgresqlPair, shop: Shop, stop: str
) -> None:
    """The server then shows the order, and says that it was committed or closes the connection."""
    wanted = shop.order(("WIDGET", 1), idempotency_key=stop)
    with frozen_standby(pair):
        caller = Caller(lambda: shop.accept(wanted))
        waits_for_standby(pair)
        stop_waiting(pair, stop)
        assert caller.is_told() == "outcome_unknown"
        assert caller.seconds < IN_TIME_SECONDS
        assert shop.get(wanted.id)
    again = placed(shop.accept(wanted)[0])
    assert (again.order.id, again.replayed) == (wanted.id, False)


@STOPS
def test_a_write_that_is_looked_up_is_answered_once_the_standby_has_it(
    pair: PostgresqlPair, shop: Shop, stop: str
) -> None:
    before = shop.product("WIDGET").on_hand
    with frozen_standby(pair):
        caller = Caller(lambda: shop.adjust("WIDGET", 5))
        waits_for_standby(pair)
        stop_waiting(pair, stop)
        waits_for_standby(pair)
    assert caller.is_told() != "outcome_unknown"
    assert shop.product("WIDGET").on_hand == before + 5


@STOPS
def test_without_waiting_for_the_standby_the_look_up_answers_too_early(
    pair: PostgresqlPair, shop: Shop, stop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PostgresqlSession, "await_standbys", lambda _: None)
    with frozen_standby(pair):
        caller = Caller(lambda: shop.accept(shop.order(("WIDGET", 1))))
        waits_for_standby(pair)
        stop_waiting(pair, stop)
        assert caller.is_told() != "outcome_unknown"


def stop_waiting(pair: PostgresqlPair, function: str) -> None:
    with connected(pair.primary.url) as connection, connection.cursor() as cursor:
        cursor.execute(STOP_WAITING.format(function))
        assert cursor.rowcount == 1
