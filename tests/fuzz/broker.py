"""Messages to a real broker, their properties changed too: the worker there goes on, and places what is good."""

from __future__ import annotations

import json
import logging
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from uuid import UUID

from oms_memory import MemoryStorage
from pika import BlockingConnection, URLParameters
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError
from pika.spec import BasicProperties

from oms_core import Oms, OrderLine, OrderStatus, PlaceOrder, SetStock, Settings
from oms_core.domain.callers import LOCAL_NAME
from oms_core.ports.broker import MessageKind
from oms_http.app import create_app
from tests.adapters.rabbitmq_broker import RabbitmqVhost
from tests.adapters.raw_properties import (
    RawProperties,
    nested_entry,
    short,
    text_entry,
    time_entry,
    with_headers,
    with_message_id,
)
from tests.fuzz.chance import Chance
from tests.fuzz.messages import SKU, MessageWriter
from tests.fuzz.service import STAFF, Log
from tests.fuzz.tally import Tally
from tests.http.conformance import ConformingClient
from tests.services.waiting import wait_until

_DEADLINE_SECONDS = 120.0
_GOOD_EVERY = 20
_STOCK = 1_000_000
_LETTERS_MAX = 500


def send_through(broker: RabbitmqVhost, *, seed: str, messages: int) -> Tally:
    """Publish so many messages, bad ones and good ones, let a worker take them, and say what is wrong afterwards."""
    tally, log, chance = Tally(), Log(), Chance(seed)
    logging.getLogger("oms_rabbitmq").addHandler(log)
    logging.getLogger("oms_core").addHandler(log)
    settings = Settings(database_url="memory://", queue_url=broker.url, queue_prefix=broker.prefix)
    try:
        with Oms.open(settings) as oms:
            oms.stock.set(SetStock(sku=SKU, on_hand=_STOCK), caller=STAFF)
            oms.queue.dead_letters.list(caller=STAFF)  # Declares everything.
            ids = [oms.orders.accept(_wanted(number), caller=STAFF).order.id for number in range(4)]
            oms.start_worker()
            tally += _publish(broker, MessageWriter(chance, ids), chance, messages)
            keys = [_key(number) for number in range(messages) if _is_good(number)]
            tally.failures += _faults_of_worker(oms, ids, keys)
            tally.failures += _faults_of_letters(oms, broker, chance)
    finally:
        logging.getLogger("oms_rabbitmq").removeHandler(log)
        logging.getLogger("oms_core").removeHandler(log)
    tally.failures += log.taken()
    tally.failures += _faults_left(broker)
    return tally


def _wanted(number: int) -> PlaceOrder:
    return PlaceOrder(customer_id="C1", lines=[OrderLine(sku=SKU, quantity=1)], idempotency_key=f"k{number}")


def _publish(broker: RabbitmqVhost, writer: MessageWriter, chance: Chance, count: int) -> Tally:
    """Publish confirmed; what the broker itself refuses costs a connection, and never reaches a consumer."""
    tally = Tally()
    with ExitStack() as ending:
        channel = _channel(broker, ending)
        for number in range(count):
            is_good = _is_good(number)
            message = writer.command(_key(number)) if is_good else writer.bad()
            to_ids = message.kind is MessageKind.ORDER_IDS
            exchange, key = (
                ("", broker.name("orders.v1")) if to_ids else (broker.name("commands"), chance.text("place"))
            )
            properties = chance.one_of(_GOOD_PROPERTIES) if is_good else _properties(chance)
            try:
                channel.basic_publish(exchange, key[:60], message.body, properties)
                tally.outcomes["published"] += 1
            except (AMQPError, ValueError):
                tally.outcomes["refused by the broker"] += 1
                channel = _channel(broker, ending)
    tally.tried = tally.outcomes["published"]
    return tally


def _is_good(number: int) -> bool:
    return number % _GOOD_EVERY == _GOOD_EVERY - 1


def _key(number: int) -> str:
    return f"good-{number}"


def _channel(broker: RabbitmqVhost, ending: ExitStack) -> BlockingChannel:
    ending.close()  # Of a connection that the broker has closed, nothing is left but its socket.
    connection = BlockingConnection(URLParameters(broker.url))
    ending.callback(lambda: connection.is_open and connection.close())
    channel = connection.channel()
    channel.confirm_delivery()
    return channel


# Also good messages come with properties that nobody can read.
_GOOD_PROPERTIES: tuple[BasicProperties | None, ...] = (
    None,
    BasicProperties(content_type="application/json", delivery_mode=2),
    with_headers(time_entry(2**63)),
    with_headers(nested_entry(1_000)),
)


def _properties(chance: Chance) -> BasicProperties | None:
    number, text = chance.below(2**64), chance.bytes(200)
    drawn: tuple[BasicProperties | None, ...] = (
        None,
        BasicProperties(content_type="text/plain", content_encoding="gzip", priority=255, delivery_mode=1),
        BasicProperties(reply_to="x", correlation_id="y", type="z", app_id="a", timestamp=number),
        BasicProperties(headers={"x-death": [{"count": number % 2**31}], "x-oms-kind": "order_ids", "n": None}),
        with_headers(time_entry(number)),
        with_headers(nested_entry(chance.below(3_000))),
        with_headers(text_entry(text[:100], text)),
        with_message_id(text[:100]),
        RawProperties(struct.pack(">H", BasicProperties.FLAG_CONTENT_TYPE) + short(text)),
    )
    if chance.happens(0.01):
        return RawProperties(chance.changed(with_headers(time_entry(number)).encode()[0]))
    return chance.one_of(drawn)


def _faults_of_worker(oms: Oms, ids: list[UUID], keys: list[str]) -> Iterator[str]:
    assert isinstance(oms._ports.storage, MemoryStorage)
    tables = oms._ports.storage.tables

    def are_placed() -> bool:
        keyed = [tables.order_keys.get((LOCAL_NAME, key)) for key in keys]
        good = [*ids, *(found.order_id for found in keyed if found is not None)]
        return len(good) == len(ids) + len(keys) and all(
            tables.orders[order_id].status is OrderStatus.PENDING for order_id in good
        )

    wait_until(are_placed, _DEADLINE_SECONDS, f"{len(keys)} good commands and {len(ids)} good orders are placed")
    if not any(thread.name == "oms-worker" and thread.is_alive() for thread in threading.enumerate()):
        yield "the worker has ended"
    for found in oms.audit(caller=STAFF).discrepancies:
        yield f"the audit says {found}"


def _faults_of_letters(oms: Oms, broker: RabbitmqVhost, chance: Chance) -> Iterator[str]:
    """Put strangers' letters among the dead; list, replay and discard them by ids, changed and as they are."""
    with ExitStack() as ending:
        channel = _channel(broker, ending)
        for _ in range(20):
            body = chance.bytes(50)
            try:
                channel.basic_publish("", broker.name("dead.v1"), body, _properties(chance))
            except (AMQPError, ValueError):
                channel = _channel(broker, ending)
    app = create_app(oms)
    app.test_client_class = ConformingClient
    shown = app.test_client().get(f"/v1/queue/dead?limit={_LETTERS_MAX}").get_json()
    ids = [item["id"] for item in shown["items"]]
    if not ids:
        yield "there are no dead letters"
    for _ in range(10):
        chosen = [chance.text(chance.one_of(ids)) or "x" for _ in range(3)]
        found = oms.queue.dead_letters.replay(chosen, caller=STAFF) + oms.queue.dead_letters.discard(
            chosen, caller=STAFF
        )
        if found > len(chosen):
            yield f"{json.dumps(chosen)} named {found} letters"
    if oms.queue.dead_letters.discard(ids[:5], caller=STAFF) < min(5, len(set(ids))):
        yield f"letters cannot be discarded by their ids: {ids[:5]}"


def _faults_left(broker: RabbitmqVhost) -> Iterator[str]:
    """Say what a worker that was stopped in order has left unacknowledged."""
    for queue in ("orders.v1", "commands.v1"):
        if left := broker.waiting(queue):
            yield f"{left} messages of {queue} were not acknowledged"
