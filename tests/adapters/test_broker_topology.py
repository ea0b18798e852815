"""What oms_rabbitmq declares at the broker, and how its messages look to other services there."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from oms_contracts.broker_contract.post import announce, is_quiet, new_ids, open_inbox, receive, receive_ids
from oms_rabbitmq import open_broker
from oms_rabbitmq.topology import queue_arguments
from pika.exceptions import ChannelClosedByBroker

from oms_core.errors import OmsError
from oms_core.ports.broker import Broker, BrokerOptions, MessageKind, OutgoingEvent
from tests.adapters.rabbitmq_broker import QUEUES, RabbitmqVhost


@pytest.fixture
def broker(vhost: RabbitmqVhost) -> Iterator[Broker]:
    broker = open_broker(vhost.url, BrokerOptions(prefix=vhost.prefix))
    yield broker
    broker.close()


def test_nothing_is_connected_or_declared_before_it_is_used(vhost: RabbitmqVhost, broker: Broker) -> None:
    for part in (broker.announcer(), broker.inbox(), broker.event_publisher()):
        part.close()
    broker.dead_letters()
    broker.close()
    with pytest.raises(ChannelClosedByBroker, match="NOT_FOUND"):
        vhost.waiting("orders.v1")


@pytest.mark.parametrize("name", QUEUES)
def test_the_queues_are_durable_quorum_queues_without_a_limit(vhost: RabbitmqVhost, broker: Broker, name: str) -> None:
    announce(broker, new_ids(1))
    with vhost.channel() as channel:  # Refused by the broker, if anything but this was declared.
        channel.queue_declare(vhost.name(name), durable=True, arguments={"x-queue-type": "quorum"})


@pytest.mark.parametrize(
    ("version", "arguments"),
    [
        ("3.10.8", {"x-queue-type": "quorum"}),
        ("3.13.0", {"x-queue-type": "quorum"}),
        ("4.0.2", {"x-queue-type": "quorum", "x-delivery-limit": -1}),
        ("10.1.0", {"x-queue-type": "quorum", "x-delivery-limit": -1}),
        ("", {"x-queue-type": "quorum"}),
    ],
)
def test_the_delivery_limit_is_lifted_where_there_is_one(version: str, arguments: dict[str, object]) -> None:
    assert queue_arguments(version) == arguments


def test_a_queue_with_other_properties_is_left_alone_and_told(vhost: RabbitmqVhost, broker: Broker) -> None:
    with vhost.channel() as channel:
        channel.queue_declare(vhost.name("orders.v1"), durable=True)
    with pytest.raises(OmsError, match=r"PRECONDITION_FAILED.*orders.v1") as caught:
        announce(broker, new_ids(1))
    assert caught.value.code == "queue_unavailable"
    assert vhost.waiting("orders.v1") == 0


def test_an_announcement_is_a_persistent_json_message(vhost: RabbitmqVhost, broker: Broker) -> None:
    ids = new_ids(3)
    announce(broker, ids)
    with vhost.channel() as channel:
        _, properties, body = channel.basic_get(vhost.name("orders.v1"), auto_ack=True)
    assert properties is not None
    assert json.loads(body or b"") == {"order_ids": [str(order_id) for order_id in ids]}
    assert (properties.delivery_mode, properties.content_type) == (2, "application/json")


def test_a_subscriber_gets_events_by_type_in_order_as_cloudevents(vhost: RabbitmqVhost, broker: Broker) -> None:
    publisher = broker.event_publisher()
    publisher.publish([])
    publisher.publish([OutgoingEvent(id="0", type="order.placed", body=b"before")])
    events = [
        OutgoingEvent(id=str(number), type=("order.placed", "stock.low")[number % 2], body=b'{"n": %d}' % number)
        for number in range(1, 1_301)
    ]
    with vhost.channel() as channel:
        subscription = str(channel.queue_declare("", exclusive=True).method.queue)
        channel.queue_bind(subscription, vhost.name("events"), "order.*")
        publisher.publish(events)
        publisher.close()
        got = [channel.basic_get(subscription, auto_ack=True) for _ in range(650)]
        assert [body for _, _, body in got] == [event.body for event in events if event.type == "order.placed"]
        method, properties, _ = got[0]
        assert channel.basic_get(subscription)[0] is None
    assert method is not None
    assert properties is not None
    assert method.routing_key == "order.placed"
    assert properties.content_type == "application/cloudevents+json"
    assert (properties.message_id, properties.delivery_mode) == ("2", 2)


@pytest.mark.parametrize("routing_key", ["", "place-order", "a.b.c"])
def test_commands_come_in_under_any_routing_key(vhost: RabbitmqVhost, broker: Broker, routing_key: str) -> None:
    broker.dead_letters().list(limit=1)
    with vhost.channel() as channel:
        channel.confirm_delivery()
        channel.basic_publish(vhost.name("commands"), routing_key, b"{}", mandatory=True)
    with open_inbox(broker) as inbox:
        (message,) = receive(inbox)
        assert message.kind is MessageKind.COMMAND
        inbox.done([message])


def test_a_letter_that_somebody_else_put_there_is_listed_and_replayed(vhost: RabbitmqVhost, broker: Broker) -> None:
    letters = broker.dead_letters()
    letters.list(limit=1)
    with vhost.channel() as channel:
        channel.confirm_delivery()
        channel.basic_publish("", vhost.name("dead.v1"), b"strange")
    (letter,) = letters.list(limit=10)
    assert (letter.kind, letter.code, letter.body, letter.died_at) == (MessageKind.COMMAND, "", b"strange", None)
    assert letters.list(limit=10) == [letter]
    assert letters.replay([letter.id]) == 1
    with open_inbox(broker) as inbox:
        receive(inbox)


def test_what_is_dropped_from_a_lost_queue_is_announced_to_a_new_one(vhost: RabbitmqVhost, broker: Broker) -> None:
    announcer = broker.announcer()
    announcer.announce(new_ids(1))
    vhost.delete("orders.v1")
    ids = new_ids(250)
    announcer.announce(ids)
    announcer.close()
    with open_inbox(broker) as inbox:
        assert receive_ids(inbox, 250) == ids


def test_a_queue_deleted_under_its_consumer_is_declared_and_consumed_again(
    vhost: RabbitmqVhost, broker: Broker
) -> None:
    announcer = broker.announcer()
    with open_inbox(broker) as inbox:
        announcer.announce(new_ids(1))
        held = receive(inbox)
        for name in ("orders.v1", "commands.v1"):
            vhost.delete(name)
            ids = new_ids(2)
            announcer.announce(ids)
            assert receive_ids(inbox, 2) == ids
        inbox.done(held)
        assert is_quiet(inbox)
    announcer.close()


def test_events_go_on_after_their_exchange_was_deleted(vhost: RabbitmqVhost, broker: Broker) -> None:
    publisher = broker.event_publisher()
    event = OutgoingEvent(id="1", type="order.placed", body=b"{}")
    publisher.publish([event])
    with vhost.channel() as channel:
        channel.exchange_delete(vhost.name("events"))
    publisher.publish([event])
    publisher.close()
