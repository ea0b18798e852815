"""Workers that are killed, or share their ids, and messages that come twice, late and in any order: placed once."""

from __future__ import annotations

import os
import random
import re
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from uuid import uuid4

import pytest
from oms_contracts.broker_contract.post import announce
from oms_peewee.postgresql import settling
from oms_peewee.postgresql.connections import PostgresqlSession
from oms_peewee.postgresql.statements import Call

from oms_core import Oms
from oms_core.ports.broker import Inbox, Message
from oms_core.worker.worker import Worker
from tests.adapters.broker_places import BrokerPlace, own_place
from tests.faults.queue_deployment import (
    SKU,
    accept,
    deployment,
    die_before_acknowledging,
    dies,
    processes,
    relaying,
    working,
)
from tests.faults.queue_deployment_checks import Subscriber, all_placed, check, is_settled
from tests.faults.rivals import LOCK_LEVELS, WAITING, count, rival
from tests.services import free_port, wait_until

DEADLINE_SECONDS = 60
PLACED = "SELECT count(*) FROM orders WHERE status = 'pending'"
NO_SWEEP = ("oms_core.worker.worker.Worker._sweep_if_due", lambda *_, **__: None)


@pytest.fixture(params=["rabbitmq_url", "nats_url"])
def broker(request: pytest.FixtureRequest, unique_name: str) -> Iterator[BrokerPlace]:
    with own_place(request.getfixturevalue(request.param), unique_name) as place:
        yield place


@pytest.fixture
def oms(broker: BrokerPlace, postgresql_url: str) -> Iterator[Oms]:
    with deployment(postgresql_url, broker.url, broker.prefix) as oms:
        yield oms


def die_before_committing() -> None:
    """Kill this process when everything of a transaction is written, and COMMIT is to follow."""

    def run(session: PostgresqlSession, calls: Sequence[Call]) -> None:
        session.run(calls)
        os.kill(os.getpid(), signal.SIGKILL)

    assert PostgresqlSession.run_and_commit
    setattr(PostgresqlSession, "run_and_commit", run)  # noqa: B010


def acknowledge_before_committing() -> None:
    """Let the broker forget a message whose orders are then not placed: this process is killed in between."""

    def settle(_worker: Worker, inbox: Inbox, messages: Sequence[Message]) -> None:
        if messages:
            inbox.done(messages)
            inbox.close()  # Sends the acknowledgements.
            os.kill(os.getpid(), signal.SIGKILL)

    assert Worker._settle_fresh
    setattr(Worker, "_settle_fresh", settle)  # noqa: B010


def placed(oms: Oms) -> int:
    return count(oms.settings.database_url, PLACED)


def test_a_worker_killed_between_commit_and_acknowledgement_has_its_orders_placed_once(
    oms: Oms, broker: BrokerPlace
) -> None:
    subscriber = Subscriber(broker.url, broker.prefix)
    accepted = accept(oms, 100, "A")
    with processes(oms.settings, [die_before_acknowledging]) as (killed,):
        assert dies(killed) == -signal.SIGKILL
    assert placed(oms) > 0, "it had committed"
    wait_until(lambda: broker.left("orders.v1") > 0, DEADLINE_SECONDS, "what was not acknowledged is there")
    with working(oms.settings), relaying(oms.settings):
        all_placed(oms, accepted)
        wait_until(lambda: broker.left("orders.v1") == 0, DEADLINE_SECONDS, "every message is taken")
        subscriber.check(oms.settings.database_url)
    all_placed(oms, accepted)
    assert broker.left("orders.v1") == 0, "every message was acknowledged"


def test_a_worker_killed_in_the_middle_of_a_transaction_leaves_its_orders_to_redelivery(
    oms: Oms, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = accept(oms, 100, "A")
    with processes(oms.settings, [die_before_committing]) as (killed,):
        assert dies(killed) == -signal.SIGKILL
    assert placed(oms) == 0
    monkeypatch.setattr(*NO_SWEEP)
    with working(oms.settings):
        all_placed(oms, accepted)


def test_orders_acknowledged_before_they_are_committed_would_have_only_the_sweep(
    oms: Oms, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = accept(oms, 100, "A")
    with processes(oms.settings, [acknowledge_before_committing]) as (killed,):
        assert dies(killed) == -signal.SIGKILL
    with monkeypatch.context() as patch:
        patch.setattr(*NO_SWEEP)
        with working(oms.settings):
            accepted += accept(oms, 1, "later")
            wait_until(lambda: is_settled(oms, accepted[-1:]), DEADLINE_SECONDS, "a later one is placed")
        assert not is_settled(oms, accepted)
    with working(oms.settings):
        all_placed(oms, accepted)


@pytest.mark.parametrize("broker", ["rabbitmq_url"], indirect=True)  # It has no part in this.
def test_a_worker_killed_in_the_middle_of_a_sweep_leaves_its_orders_to_the_next_one(oms: Oms) -> None:
    nowhere = replace(oms.settings, queue_url=f"amqp://guest:guest@127.0.0.1:{free_port()}")
    with Oms.open(nowhere) as cut_off:
        accepted = accept(cut_off, 100, "A")
    with processes(nowhere, [die_before_committing] * 2) as killed:
        assert [dies(each) for each in killed] == [-signal.SIGKILL] * 2
    assert placed(oms) == 0
    with working(nowhere):
        all_placed(oms, accepted)


def test_two_workers_given_the_same_ids_at_the_same_time_place_them_once(oms: Oms, broker: BrokerPlace) -> None:
    nowhere = replace(oms.settings, queue_url=f"amqp://guest:guest@127.0.0.1:{free_port()}")
    with Oms.open(nowhere) as cut_off:
        accepted = accept(cut_off, 100, "A")
    with rival(oms.settings.database_url) as cursor:
        cursor.execute(LOCK_LEVELS, (SKU,))
        for _ in range(4):
            announce(oms._ports.broker, accepted)
        with working(oms.settings), working(oms.settings):
            wait_until(lambda: broker.waiting("orders.v1") == 0, DEADLINE_SECONDS, "both have taken the ids")
            wait_until(lambda: count(oms.settings.database_url, WAITING), DEADLINE_SECONDS, "one is placing them")
            cursor.connection.rollback()
            all_placed(oms, accepted)
            wait_until(lambda: broker.waiting("orders.v1") == 0, DEADLINE_SECONDS, "every message is taken")
    all_placed(oms, accepted)


def repeat(oms: Oms, broker: BrokerPlace) -> None:
    """Place orders whose ids come twice and in any order, beside strangers; then announce them again, late."""
    accepted = accept(oms, 100, "A")
    for _ in range(2):
        mixed = random.sample([*accepted, *(uuid4() for _ in range(20))], 120)
        for start in range(0, 120, 7):
            announce(oms._ports.broker, [*mixed[start : start + 7], mixed[start]])
    with working(oms.settings), working(oms.settings):
        check(oms, accepted)
        for _ in range(2):
            announce(oms._ports.broker, accepted[::-1])
        wait_until(lambda: broker.waiting("orders.v1") == 0, DEADLINE_SECONDS, "late messages are taken")
    all_placed(oms, accepted)


def test_duplicate_late_and_reordered_messages_place_no_order_twice(oms: Oms, broker: BrokerPlace) -> None:
    repeat(oms, broker)


@pytest.mark.parametrize("broker", ["rabbitmq_url"], indirect=True)  # It has no part in this.
def test_without_a_look_at_who_waits_late_messages_would_place_orders_twice(
    oms: Oms, broker: BrokerPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = settling.TAKE
    any_order = "SELECT o.id AS order_id, 0 AS queue_no FROM orders AS o WHERE o.id = wanted.id"
    unchecked = replace(
        take, name="unchecked", sql=re.sub(r"SELECT w\.order_id.*?SKIP LOCKED", any_order, take.sql, flags=re.DOTALL)
    )
    assert unchecked.sql != take.sql
    monkeypatch.setattr(settling, "TAKE", unchecked)
    # Orders may be placed again while they are being checked: what is noticed first is a matter of luck.
    with pytest.raises(AssertionError, match=r"times|reserved once|hold what is ordered|oversold|audit agrees"):
        repeat(oms, broker)
