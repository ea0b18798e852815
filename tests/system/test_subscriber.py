"""docs/subscriber.py as a process on a real broker: what it hears, in which order, and what it does not hear twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg2
import pytest

from oms_core import ALL_SCOPES, Caller, Oms, OrderLine, PlaceOrder, ReceiveStock, SetStock, Settings
from tests.adapters.rabbitmq_broker import RabbitmqVhost
from tests.services.rabbitmq import PrivateRabbitmq
from tests.services.waiting import wait_until
from tests.services.wheels import ROOT

CALLER = Caller(name="tester", scopes=ALL_SCOPES)
SECONDS = 60


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A running subscriber with its output in files."""

    process: subprocess.Popen[bytes]
    folder: Path

    def heard(self) -> list[tuple[str, str]]:
        """Give (type, subject) of each line so far."""
        lines = (self.folder / "heard.out").read_text().splitlines(keepends=True)
        fields = [line.split(" ") for line in lines if line.endswith("\n")]
        return [(words[1], words[2]) for words in fields]


@contextmanager
def subscriber(broker: RabbitmqVhost, folder: Path, keys: Sequence[str]) -> Iterator[Subscriber]:
    """Start one, wait until its queue is bound and consumed; its output begins anew."""
    with (folder / "heard.out").open("wb") as out, (folder / "heard.err").open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, ROOT / "docs" / "subscriber.py", broker.name("heard"), *keys],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, "OMS_QUEUE_URL": broker.url, "OMS_QUEUE_PREFIX": broker.prefix},
        )
    try:
        wait_until(lambda: process.poll() is not None or is_consumed(broker), SECONDS, "it subscribes")
        assert process.poll() is None, (folder / "heard.err").read_text()
        yield Subscriber(process, folder)
    finally:
        process.kill()
        process.wait()


def is_consumed(broker: RabbitmqVhost) -> bool:
    """Look whether the subscriber's queue has a consumer: it is bound before that."""
    from pika.exceptions import ChannelClosedByBroker

    try:
        with broker.channel() as channel:
            declared = channel.queue_declare(broker.name("heard"), passive=True)
            return bool(declared.method.consumer_count)
    except ChannelClosedByBroker:
        return False


@pytest.fixture
def broker(rabbitmq_url: str, unique_name: str) -> Iterator[RabbitmqVhost]:
    broker = RabbitmqVhost(rabbitmq_url, unique_name)
    yield broker
    broker.delete("heard")
    broker.delete_all()


@pytest.fixture
def oms(broker: RabbitmqVhost, postgresql_url: str) -> Iterator[Oms]:
    """A system whose worker and relay run on threads of it."""
    settings = Settings(database_url=postgresql_url, queue_url=broker.url, queue_prefix=broker.prefix)
    with Oms.open(settings) as oms:
        oms.schema.upgrade()
        stop = threading.Event()
        threads = [threading.Thread(target=run, args=(stop,)) for run in (oms.run_worker, oms.run_event_relay)]
        for thread in threads:
            thread.start()
        try:
            yield oms
        finally:
            stop.set()
            for thread in threads:
                thread.join(SECONDS)


def buy(oms: Oms, quantity: int) -> UUID:
    """Accept an order and wait until it is placed."""
    command = PlaceOrder(customer_id="C1", lines=[OrderLine(sku="WIDGET", quantity=quantity)])
    order_id = oms.orders.accept(command, caller=CALLER).order.id
    assert oms.orders.wait(order_id, caller=CALLER, timeout_seconds=SECONDS) is not None
    return order_id


def test_orders_and_stock_are_heard_of_in_their_order(oms: Oms, broker: RabbitmqVhost, tmp_path: Path) -> None:
    with subscriber(broker, tmp_path, ["order.*", "stock.*"]) as listening:
        oms.stock.set(SetStock(sku="WIDGET", on_hand=10, low_stock_threshold=5), caller=CALLER)
        bought = [buy(oms, quantity) for quantity in (6, 4)]
        oms.stock.receive(ReceiveStock(sku="WIDGET", quantity=20), caller=CALLER)
        bought.append(buy(oms, 1))
        wait_until(lambda: ("order.placed", str(bought[-1])) in listening.heard(), SECONDS, "all is heard")
        heard = listening.heard()
    for order_id in map(str, bought):
        assert [kind for kind, subject in heard if subject == order_id] == ["order.queued", "order.placed"]
    stock = [kind for kind, subject in heard if subject == "WIDGET"]
    assert stock[-3:] == ["stock.low", "stock.depleted", "stock.replenished"]


def test_only_what_was_asked_for_is_heard(oms: Oms, broker: RabbitmqVhost, tmp_path: Path) -> None:
    with subscriber(broker, tmp_path, ["order.placed", "stock.low"]) as listening:
        oms.stock.set(SetStock(sku="WIDGET", on_hand=10, low_stock_threshold=5), caller=CALLER)
        order_id = buy(oms, 6)
        wait_until(lambda: len(listening.heard()) >= 2, SECONDS, "both are heard")
        assert sorted(listening.heard()) == [("order.placed", str(order_id)), ("stock.low", "WIDGET")]


def test_what_happens_in_its_absence_is_heard_later(oms: Oms, broker: RabbitmqVhost, tmp_path: Path) -> None:
    with subscriber(broker, tmp_path, ["order.placed"]):
        oms.stock.set(SetStock(sku="WIDGET", on_hand=10), caller=CALLER)
    order_id = buy(oms, 1)
    with subscriber(broker, tmp_path, ["order.placed"]) as listening:
        wait_until(listening.heard, SECONDS, "it is heard")
        assert listening.heard() == [("order.placed", str(order_id))]


def test_an_event_that_comes_twice_is_handled_once(
    oms: Oms, broker: RabbitmqVhost, tmp_path: Path, postgresql_url: str
) -> None:
    with subscriber(broker, tmp_path, ["order.*"]) as listening:
        oms.stock.set(SetStock(sku="WIDGET", on_hand=10), caller=CALLER)
        first = buy(oms, 1)
        wait_until(lambda: len(listening.heard()) == 2, SECONDS, "both are heard")
        publish_again(postgresql_url)
        last = buy(oms, 1)
        wait_until(lambda: ("order.placed", str(last)) in listening.heard(), SECONDS, "the last one is heard")
        kinds = ("order.queued", "order.placed")
        assert listening.heard() == [(kind, str(order_id)) for order_id in (first, last) for kind in kinds]


def publish_again(postgresql_url: str) -> None:
    """Put every event back into the outbox, as if the relay had died before it deleted them."""
    connection = psycopg2.connect(postgresql_url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("INSERT INTO outbox (event_id) SELECT id FROM events ON CONFLICT DO NOTHING")
    finally:
        connection.close()


def test_it_subscribes_again_after_the_brokers_restart(
    private_rabbitmq: Callable[[], PrivateRabbitmq], tmp_path: Path
) -> None:
    server = private_rabbitmq()
    broker = RabbitmqVhost(server.url, "oms")
    with subscriber(broker, tmp_path, ["order.*"]) as listening:
        server.stop()
        server.start()
        wait_until(lambda: is_consumed(broker), SECONDS, "it subscribes again")
        event = {"source": "/oms", "id": "1", "type": "order.placed", "subject": "A", "time": "T", "data": {"data": {}}}
        with broker.channel() as channel:
            channel.basic_publish(broker.name("events"), "order.placed", json.dumps(event).encode())
        wait_until(lambda: listening.heard() == [("order.placed", "A")], SECONDS, "the event is heard")
