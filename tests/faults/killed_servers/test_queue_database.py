"""A database that is gone for ten seconds: callers are told, no order is lost or doubled."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from oms_peewee.faults import CommitLostError
from oms_peewee.postgresql.connections import PostgresqlSession
from oms_peewee.postgresql.settling import PostgresqlSettlingTables

from oms_core import Oms
from oms_core.domain.callers import LOCAL_NAME
from tests.adapters.rabbitmq_broker import RabbitmqVhost
from tests.faults.queue_deployment import (
    BUYER,
    SKU,
    Callers,
    accept,
    deployment,
    die_before_acknowledging,
    dies,
    nothing,
    processes,
    relaying,
    working,
)
from tests.faults.queue_deployment_checks import Subscriber, all_placed, rows
from tests.services import wait_until
from tests.services.postgresql import PrivatePostgresql

DEADLINE_SECONDS = 60
OUTAGE_SECONDS = 10
TOLD_SECONDS = 13.0  # The storage's deadline, and the rest for a busy machine.
WORKERS = "SELECT id FROM workers"
ORDERS_OF_COMMANDS = f"SELECT id::text FROM orders WHERE caller = '{LOCAL_NAME}'"


@pytest.fixture
def database(private_postgresql: Callable[[], PrivatePostgresql]) -> PrivatePostgresql:
    return private_postgresql()


@pytest.fixture
def broker(rabbitmq_url: str, unique_name: str) -> Iterator[RabbitmqVhost]:
    broker = RabbitmqVhost(rabbitmq_url, unique_name)
    yield broker
    broker.delete_all()


@pytest.fixture
def oms(broker: RabbitmqVhost, database: PrivatePostgresql) -> Iterator[Oms]:
    with deployment(database.url, broker.url, broker.prefix) as oms:
        yield oms


@pytest.fixture
def dying(database: PrivatePostgresql, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Once set, the database is killed after the next acceptance that it commits, whose answer is lost."""
    is_armed, commit = threading.Event(), PostgresqlSession.commit

    def commit_and_lose(session: PostgresqlSession) -> None:
        commit(session)
        if is_armed.is_set() and threading.current_thread().name == "oms-group-committer":
            is_armed.clear()
            database.kill()
            raise CommitLostError("its answer was lost")

    monkeypatch.setattr(PostgresqlSession, "commit", commit_and_lose)
    return is_armed


def is_over(began: float) -> bool:
    return time.monotonic() - began >= OUTAGE_SECONDS


def test_callers_of_a_database_that_is_away_are_told_and_repeat_their_orders_without_doubling_any(
    oms: Oms, broker: RabbitmqVhost, database: PrivatePostgresql, dying: threading.Event
) -> None:
    subscriber = Subscriber(broker.url, broker.prefix)
    with working(oms.settings), relaying(oms.settings):
        with Callers(oms, name="A", callers=8) as callers:
            wait_until(lambda: len(callers.accepted) >= 100, DEADLINE_SECONDS, "some are accepted")
            dying.set()
            began = time.monotonic()
            told = {"outcome_unknown", "storage_unavailable"}
            wait_until(lambda: told <= callers.told.keys(), DEADLINE_SECONDS, "callers are told")
            wait_until(lambda: is_over(began), DEADLINE_SECONDS, "the outage is over")
            database.start()
            before = len(callers.accepted)
            wait_until(lambda: len(callers.accepted) >= before + 100, DEADLINE_SECONDS, "they are accepted again")
        assert callers.told.keys() == {"accepted", *told}
        assert callers.slowest_seconds < TOLD_SECONDS
        assert len(callers.accepted) == len(set(callers.accepted)), "each key is an order of its own"
        all_placed(oms, callers.accepted)
        subscriber.check(database.url)
    broker.delete("subscriber")


def test_a_database_that_goes_away_while_orders_are_placed_costs_none_a_try(
    oms: Oms, database: PrivatePostgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = accept(oms, 200, "A")
    write = PostgresqlSettlingTables.write
    reached, go_on = threading.Event(), threading.Event()

    def held_up(*arguments: object) -> None:
        reached.set()
        go_on.wait(DEADLINE_SECONDS)
        write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(PostgresqlSettlingTables, "write", held_up)
    with working(oms.settings), working(oms.settings):
        assert reached.wait(DEADLINE_SECONDS)
        database.kill()
        go_on.set()
        began = time.monotonic()
        wait_until(lambda: is_over(began), DEADLINE_SECONDS, "the outage is over")
        database.start()
        all_placed(oms, accepted)
    assert rows(database.url, "SELECT count(*) FROM orders WHERE attempts > 0") == [(0,)]
    assert rows(database.url, "SELECT count(*) FROM events WHERE type = 'order.failed'") == [(0,)]


def command(key: str) -> bytes:
    """Write a command as another service does."""
    lines = [{"sku": SKU, "quantity": 1}]
    return json.dumps({"customer_id": "C1", "idempotency_key": key, "lines": lines}).encode()


def test_commands_of_other_services_give_one_order_per_key_through_all_of_it(
    oms: Oms, broker: RabbitmqVhost, database: PrivatePostgresql
) -> None:
    keys = [f"K-{number}" for number in range(150)]
    subscriber = Subscriber(broker.url, broker.prefix)

    def publish() -> None:
        with broker.channel() as channel:
            channel.confirm_delivery()
            for key in keys:
                channel.basic_publish(broker.name("commands"), "place-order", command(key), mandatory=True)

    assert oms.queue.dead_letters.list(caller=BUYER) == []  # Which declares the queues.
    publish()
    with processes(oms.settings, [die_before_acknowledging]) as (killed,):
        assert dies(killed) == -signal.SIGKILL
    assert known(oms) > 0, "some commands are orders, and were not acknowledged"
    accepted = accept(oms, 20, "A")
    with processes(oms.settings, [nothing]) as (stopped,), relaying(oms.settings):
        wait_until(lambda: len(rows(database.url, WORKERS)) == 2, DEADLINE_SECONDS, "there is another beside the dead")
        publish()
        database.kill()
        publish()
        database.start()
        stopped.terminate()
        assert dies(stopped) == 0
        with working(oms.settings):
            wait_until(lambda: known(oms) == len(keys), DEADLINE_SECONDS, "every key is an order")
            wait_until(lambda: broker.waiting("commands.v1") == 0, DEADLINE_SECONDS, "every command is taken")
            commanded = [UUID(each) for (each,) in rows(database.url, ORDERS_OF_COMMANDS)]
            all_placed(oms, [*accepted, *commanded])
            subscriber.check(database.url)
    assert len(commanded) == len(keys)
    assert broker.waiting("commands.v1") == 0, "every command was acknowledged"
    assert broker.waiting("dead.v1") == 0
    broker.delete("subscriber")


def known(oms: Oms) -> int:
    return len(rows(oms.settings.database_url, ORDERS_OF_COMMANDS))
