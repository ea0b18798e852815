"""What oms_nats declares at the server, and how its messages look to other services there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from nats.aio.client import Client
from nats.js.api import RetentionPolicy, StreamConfig
from nats.js.errors import NotFoundError
from oms_contracts.broker_contract.post import announce, is_quiet, new_ids, open_inbox, receive, receive_ids
from oms_nats import open_broker

from oms_core.errors import OmsError
from oms_core.ports.broker import Broker, BrokerOptions, MessageKind, OutgoingEvent
from tests.adapters.nats_broker import NatsEvents, NatsPlace
from tests.services import wait_until

DEADLINE_SECONDS = 30.0
QUEUES = ("orders", "commands", "dead", "events")


@pytest.fixture
def broker(nats_place: NatsPlace) -> Iterator[Broker]:
    broker = open_broker(nats_place.url, BrokerOptions(prefix=nats_place.prefix))
    yield broker
    broker.close()


def config_of(place: NatsPlace, queue: str) -> StreamConfig:
    async def ask(client: Client) -> StreamConfig:
        return (await client.jetstream().stream_info(place.stream(queue))).config

    return place.run(ask)


def event(number: int, event_type: str = "order.placed") -> OutgoingEvent:
    return OutgoingEvent(id=str(number), type=event_type, body=b'{"n": %d}' % number)


def test_nothing_is_connected_or_declared_before_it_is_used(nats_place: NatsPlace, broker: Broker) -> None:
    for part in (broker.announcer(), broker.inbox(), broker.event_publisher()):
        part.close()
    broker.dead_letters()
    broker.close()
    with pytest.raises(NotFoundError):
        config_of(nats_place, "orders")


def test_the_streams_are_bounded_kept_on_disk_and_refuse_what_is_too_much(
    nats_place: NatsPlace, broker: Broker
) -> None:
    announce(broker, new_ids(1))
    configs = {queue: config_of(nats_place, queue) for queue in QUEUES}
    assert {queue: config.retention for queue, config in configs.items()} == {
        "orders": RetentionPolicy.WORK_QUEUE,
        "commands": RetentionPolicy.WORK_QUEUE,
        "dead": RetentionPolicy.LIMITS,
        "events": RetentionPolicy.INTEREST,
    }
    for config in configs.values():
        assert (config.discard, config.storage, config.num_replicas, config.max_age) == ("new", "file", 1, 0)
        assert (config.max_msgs or 0) >= 1_000_000


def test_a_stream_for_other_uses_is_left_alone_and_told(nats_place: NatsPlace, broker: Broker) -> None:
    async def declare(client: Client) -> None:
        config = StreamConfig(name=nats_place.stream("orders"), subjects=[f"{nats_place.prefix}.orders"])
        await client.jetstream().add_stream(config)

    nats_place.run(declare)
    with pytest.raises(OmsError, match=r"the stream .*orders_v1 is there with another retention") as caught:
        announce(broker, new_ids(1))
    assert caught.value.code == "queue_unavailable"
    assert config_of(nats_place, "orders").retention == RetentionPolicy.LIMITS


def test_an_administrators_bound_stays(nats_place: NatsPlace, broker: Broker) -> None:
    announce(broker, new_ids(1))
    nats_place.bound("orders", messages_max=7)
    announce(broker, new_ids(1))
    assert config_of(nats_place, "orders").max_msgs == 7


def test_a_prefix_may_have_dots(nats_place: NatsPlace) -> None:
    place = NatsPlace(nats_place.url, f"{nats_place.prefix}.shop")
    broker = open_broker(place.url, BrokerOptions(prefix=place.prefix))
    ids = new_ids(1)
    announce(broker, ids)
    with open_inbox(broker) as inbox:
        assert receive_ids(inbox, 1) == ids
    place.delete_all()


def test_a_subscriber_gets_events_by_type_in_order_and_nothing_is_kept_for_nobody(
    nats_place: NatsPlace, broker: Broker
) -> None:
    publisher = broker.event_publisher()
    publisher.publish([event(0)])
    assert nats_place.kept("events") == 0
    subscriber = NatsEvents(nats_place.url, nats_place.prefix)
    events = [event(number, ("order.placed", "stock.low")[number % 2]) for number in range(1, 601)]
    publisher.publish(events)
    publisher.close()
    got = subscriber.messages()
    assert [message.data for message in got] == [each.body for each in events if each.type == "order.placed"]
    assert got[0].subject == f"{nats_place.prefix}.events.order.placed"
    headers = got[0].headers or {}
    assert (headers["Content-Type"], headers["Oms-Event-Id"]) == ("application/cloudevents+json", "2")
    wait_until(lambda: nats_place.kept("events") == 0, DEADLINE_SECONDS, "what was acknowledged is gone")


def test_an_event_that_is_published_again_comes_once_and_another_of_its_id_comes(
    nats_place: NatsPlace, broker: Broker
) -> None:
    publisher = broker.event_publisher()
    publisher.publish([])
    subscriber = NatsEvents(nats_place.url, nats_place.prefix)
    publisher.publish([event(1)])
    publisher.publish([event(1)])
    publisher.publish([OutgoingEvent(id="1", type="order.placed", body=b"of a restored database")])
    publisher.close()
    assert subscriber.read() == [b'{"n": 1}', b"of a restored database"]


def test_an_order_announced_again_comes_again(broker: Broker) -> None:
    ids = new_ids(1)
    announce(broker, ids)
    announce(broker, ids)
    with open_inbox(broker) as inbox:
        assert receive_ids(inbox, 2) == [*ids, *ids]


@pytest.mark.parametrize("subject", ["commands", "commands.place-order", "commands.a.b.c"])
def test_commands_come_in_under_any_subject(nats_place: NatsPlace, broker: Broker, subject: str) -> None:
    broker.dead_letters().list(limit=1)
    nats_place.send(subject, b"{}")
    with open_inbox(broker) as inbox:
        (message,) = receive(inbox)
        assert message.kind is MessageKind.COMMAND
        inbox.done([message])


def test_what_is_dropped_from_a_lost_stream_is_announced_to_a_new_one(nats_place: NatsPlace, broker: Broker) -> None:
    announcer = broker.announcer()
    announcer.announce(new_ids(1))
    nats_place.delete("orders")
    ids = new_ids(250)
    announcer.announce(ids)
    announcer.close()
    with open_inbox(broker) as inbox:
        assert receive_ids(inbox, 250) == ids


def test_a_stream_deleted_under_its_consumer_is_declared_and_consumed_again(
    nats_place: NatsPlace, broker: Broker
) -> None:
    announcer = broker.announcer()
    with open_inbox(broker) as inbox:
        announcer.announce(new_ids(1))
        held = receive(inbox)
        for queue in ("orders", "commands"):
            nats_place.delete(queue)
            ids = new_ids(2)
            announcer.announce(ids)
            assert receive_ids(inbox, 2)[-2:] == ids
        inbox.done(held)
        assert is_quiet(inbox)
    announcer.close()
