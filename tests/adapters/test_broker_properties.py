"""Messages whose properties nobody can read: they come in, and stop no other; their letters can be named."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from uuid import UUID

import pytest
from oms_contracts.broker_contract.post import open_inbox, receive
from oms_rabbitmq import open_broker
from oms_rabbitmq.frames import read_frame
from pika.exceptions import InvalidFrameError
from pika.frame import Header
from pika.spec import BasicProperties

from oms_core import ALL_SCOPES, Caller, Oms, Settings
from oms_core.errors import OmsError
from oms_core.ports.broker import Broker, BrokerOptions, DeadLetter
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

UNREADABLE = {
    "a timestamp past the calendar's end": with_headers(time_entry(2**63)),
    "tables in tables": with_headers(nested_entry(2_000)),
}
ODD = {
    "a header's name that is not UTF-8": with_headers(text_entry(b"\xff\xfe", b"\xff")),
    "a content type that is not UTF-8": RawProperties(
        struct.pack(">H", BasicProperties.FLAG_CONTENT_TYPE) + short(b"\xff")
    ),
    "a message id that is not UTF-8": with_message_id(b"\xff\xfe"),
}
STAFF = Caller(name="staff", scopes=ALL_SCOPES)


@pytest.fixture
def broker(vhost: RabbitmqVhost) -> Iterator[Broker]:
    broker = open_broker(vhost.url, BrokerOptions(prefix=vhost.prefix))
    broker.dead_letters().list(limit=1)  # Declares everything.
    yield broker
    broker.close()


def send(vhost: RabbitmqVhost, exchange: str, key: str, body: bytes, properties: BasicProperties | None = None) -> None:
    with vhost.channel() as channel:
        channel.confirm_delivery()
        channel.basic_publish(exchange, key, body, properties, mandatory=True)


@pytest.mark.parametrize("properties", [*UNREADABLE.values(), *ODD.values()], ids=[*UNREADABLE, *ODD])
def test_a_message_comes_in_whatever_its_properties_and_so_does_the_next(
    vhost: RabbitmqVhost, broker: Broker, properties: BasicProperties
) -> None:
    send(vhost, vhost.name("commands"), "x", b"odd", properties)
    send(vhost, vhost.name("commands"), "x", b"next")
    with open_inbox(broker) as inbox:
        messages = [*receive(inbox), *receive(inbox)]
        assert [message.body for message in messages][:2] == [b"odd", b"next"]
        inbox.done(messages)


def test_a_message_with_unreadable_properties_is_dead_lettered_with_its_reason(
    vhost: RabbitmqVhost, broker: Broker
) -> None:
    send(vhost, vhost.name("commands"), "x", b"odd", UNREADABLE["tables in tables"])
    with open_inbox(broker) as inbox:
        (message,) = receive(inbox)
        inbox.dead_letter(message, OmsError("malformed_json", "cut"))
    (letter,) = broker.dead_letters().list(limit=10)
    assert (letter.body, letter.code) == (b"odd", "malformed_json")


@pytest.mark.parametrize("properties", [*UNREADABLE.values(), *ODD.values()], ids=[*UNREADABLE, *ODD])
def test_a_strangers_letter_is_shown_and_discarded_by_its_id(
    vhost: RabbitmqVhost, broker: Broker, properties: BasicProperties
) -> None:
    send(vhost, "", vhost.name("dead.v1"), b"strange", properties)
    (shown,) = shown_letters(vhost)
    assert shown["body"] == "strange"
    assert broker.dead_letters().discard([str(shown["id"])]) == 1
    assert broker.dead_letters().list(limit=10) == []


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon", "2026-01-01"])
def test_a_strangers_letter_that_died_off_the_calendar_is_shown(
    vhost: RabbitmqVhost, broker: Broker, time: str
) -> None:
    send(vhost, "", vhost.name("dead.v1"), b"strange", BasicProperties(headers={"x-oms-died-at": time}))
    (shown,) = shown_letters(vhost)
    assert shown["died_at"] is None


def shown_letters(vhost: RabbitmqVhost) -> list[dict[str, object]]:
    """Ask the service for them, as JSON."""
    settings = Settings(database_url="memory://", queue_url=vhost.url, queue_prefix=vhost.prefix)
    with Oms.open(settings) as oms:
        letters: list[DeadLetter] = oms.queue.dead_letters.list(caller=STAFF)
        assert all(isinstance(letter.id, str) for letter in letters)
        answer = create_app(oms).test_client().get("/v1/queue/dead")
        assert answer.status_code == 200
        assert len(answer.get_json()["items"]) == len(letters)
        items: list[dict[str, object]] = answer.get_json()["items"]
        return items


def test_a_frame_that_is_not_there_as_a_whole_is_waited_for_and_its_readable_properties_are_kept() -> None:
    frame = Header(1, 5, BasicProperties(message_id=str(UUID(int=7)))).marshal()
    for end in range(len(frame)):
        assert read_frame(frame[:end]) == (0, None)
    taken, header = read_frame(frame + b"more")
    assert taken == len(frame)
    assert isinstance(header, Header)
    assert header.properties.message_id == str(UUID(int=7))


def test_only_properties_are_left_out_unread() -> None:
    taken, header = read_frame(Header(3, 9, UNREADABLE["tables in tables"]).marshal())
    assert isinstance(header, Header)
    assert (header.channel_number, header.body_size, header.properties.headers) == (3, 9, None)
    assert taken > 0
    with pytest.raises(InvalidFrameError):
        read_frame(b"\x08\x00\x00\x00\x00\x00\x01x\x00")
    with pytest.raises(struct.error):
        read_frame(b"\x01\x00\x00\x00\x00\x00\x01x\xce")  # A method without its number.
