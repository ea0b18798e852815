"""Orders that cannot be placed, or end the worker that tries: the others are placed, and a person hears of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from functools import partial
from multiprocessing.process import BaseProcess
from uuid import UUID

import pytest
from oms_contracts.broker_contract.post import announce

from oms_core import Oms, Order, OrderStatus, RetryOrder
from tests.adapters.rabbitmq_broker import RabbitmqVhost
from tests.faults.queue_deployment import BUYER, accept, deployment, die_of, order, processes, working
from tests.faults.queue_deployment_checks import check, rows
from tests.services import free_port, wait_until
from tests.services.postgresql import connected

DEADLINE_SECONDS = 60
ATTEMPTS_MAX = 3
CRASHES_MAX = 20
POISON = "POISON"
REFUSE = """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.customer_id = 'POISON' AND NEW.status = 'pending' THEN RAISE EXCEPTION 'poison' USING ERRCODE = '{}'; END IF;
  RETURN NEW; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION refuse()"""
RAISED, TIMED_OUT = "P0001", "57014"  # See PostgreSQL's errcodes: raise_exception, query_canceled.
ALLOW = "DROP TRIGGER refuse ON orders"


@pytest.fixture
def broker(rabbitmq_url: str, unique_name: str) -> Iterator[RabbitmqVhost]:
    broker = RabbitmqVhost(rabbitmq_url, unique_name)
    yield broker
    broker.delete_all()


@pytest.fixture
def oms(broker: RabbitmqVhost, postgresql_url: str) -> Iterator[Oms]:
    with deployment(postgresql_url, broker.url, broker.prefix, max_attempts=ATTEMPTS_MAX) as oms:
        yield oms


@pytest.fixture
def nowhere(oms: Oms) -> Iterator[Oms]:
    """The same system with a broker that is not there."""
    with Oms.open(replace(oms.settings, queue_url=f"amqp://guest:guest@127.0.0.1:{free_port()}")) as cut_off:
        yield cut_off


def execute(oms: Oms, sql: str) -> None:
    with connected(oms.settings.database_url) as connection, connection.cursor() as cursor:
        cursor.execute(sql)


def poison(oms: Oms, name: str) -> UUID:
    return oms.orders.accept(order(name, customer_id=POISON), caller=BUYER).order.id


def get(oms: Oms, order_id: UUID) -> Order:
    return oms.orders.get(order_id, caller=BUYER)


@pytest.mark.parametrize(
    ("orders", "fault", "code"),
    [(500, RAISED, "internal_error"), (20, TIMED_OUT, "storage_unavailable")],
    ids=["a defect", "a time-out"],
)
def test_a_poison_order_in_a_batch_is_tried_again_then_failed_and_placed_when_its_cause_is_gone(
    oms: Oms, nowhere: Oms, orders: int, fault: str, code: str
) -> None:
    innocent = accept(nowhere, orders // 2, "A")
    poisoned = poison(nowhere, "P")
    innocent += accept(nowhere, orders // 2 - 1, "B")
    execute(oms, REFUSE.format(fault))
    announce(oms._ports.broker, [*innocent[: orders // 2], poisoned, *innocent[orders // 2 :]])
    with working(oms.settings):
        wait_until(lambda: get(oms, poisoned).attempts, DEADLINE_SECONDS, "it was tried")
        tried = get(oms, poisoned)
        assert (tried.status, tried.attempts) == (OrderStatus.QUEUED, 1)
        assert check(oms, [*innocent, poisoned]) == {"pending": orders - 1, "failed": 1}
        failed = get(oms, poisoned)
        assert failed.attempts == ATTEMPTS_MAX
        assert failed.failure is not None
        assert failed.failure.code == code
        assert rows(oms.settings.database_url, "SELECT count(*) FROM orders WHERE attempts > 0") == [(1,)]
        execute(oms, ALLOW)
        oms.orders.retry(RetryOrder(order_id=poisoned, reason="the trigger is gone"), caller=BUYER)
        assert check(oms, [*innocent, poisoned]) == {"pending": orders}


def crash_until_settled(oms: Oms, poisoned: Collection[UUID], accepted: Collection[UUID]) -> int:
    """Start a worker again and again, as a supervisor does; give how many ended of themselves."""
    queued = "SELECT id FROM orders WHERE status = 'queued'"
    crashes = 0

    def over(worker: BaseProcess) -> bool:
        return not worker.is_alive() or not rows(oms.settings.database_url, queued)

    while rows(oms.settings.database_url, queued):
        assert crashes < CRASHES_MAX
        with processes(oms.settings, [partial(die_of, poisoned)]) as (worker,):
            wait_until(partial(over, worker), DEADLINE_SECONDS, "all is settled, or the worker has ended")
            crashes += not worker.is_alive()
    return crashes


@pytest.mark.parametrize("swept", [False, True], ids=["announced", "swept"])
def test_orders_that_end_their_worker_each_time_become_failed_and_all_others_are_placed(
    oms: Oms, nowhere: Oms, swept: bool
) -> None:
    innocent = accept(nowhere, 40, "A")
    poisoned = [poison(nowhere, "P")]
    innocent += accept(nowhere, 40, "B")
    poisoned.append(poison(nowhere, "Q"))
    innocent += accept(nowhere, 18, "C")
    if not swept:
        announce(oms._ports.broker, [*innocent, *poisoned])
    crashes = crash_until_settled(nowhere if swept else oms, poisoned, innocent)
    assert check(oms, [*innocent, *poisoned]) == {"pending": 98, "failed": 2}
    for order_id in poisoned:
        failed = get(oms, order_id)
        assert failed.status is OrderStatus.FAILED
        assert failed.failure is not None
        assert (failed.failure.code, failed.attempts) == ("internal_error", ATTEMPTS_MAX)
    assert crashes >= ATTEMPTS_MAX
    with working(oms.settings):
        for order_id in poisoned:
            oms.orders.retry(RetryOrder(order_id=order_id), caller=BUYER)
        assert check(oms, [*innocent, *poisoned]) == {"pending": 100}
