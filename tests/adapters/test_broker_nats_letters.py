"""Dead letters and strange messages at NATS: what strangers wrote, what is too large, what no header can hold."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from oms_contracts.broker_contract.post import is_quiet, open_inbox, receive
from oms_nats import open_broker

from oms_core.errors import OmsError
from oms_core.ports.broker import Broker, BrokerOptions, MessageKind
from tests.adapters.nats_broker import NatsPlace
from tests.services import wait_until

DEADLINE_SECONDS = 30.0


@pytest.fixture
def broker(nats_place: NatsPlace) -> Iterator[Broker]:
    broker = open_broker(nats_place.url, BrokerOptions(prefix=nats_place.prefix))
    yield broker
    broker.close()


def test_a_letter_that_somebody_else_put_there_is_listed_and_replayed(nats_place: NatsPlace, broker: Broker) -> None:
    letters = broker.dead_letters()
    letters.list(limit=1)
    nats_place.send("dead", b"strange")
    (letter,) = letters.list(limit=10)
    assert (letter.kind, letter.code, letter.body) == (MessageKind.COMMAND, "", b"strange")
    assert letter.died_at is not None
    assert letters.replay([letter.id]) == 1
    with open_inbox(broker) as inbox:
        assert receive(inbox)[0].body == b"strange"


@pytest.mark.parametrize("wanted", ["0", "-1", "1", "1-000000000000", "9" * 30, "x", "", "1-"])
def test_an_id_that_is_not_quite_a_letters_touches_none(nats_place: NatsPlace, broker: Broker, wanted: str) -> None:
    letters = broker.dead_letters()
    letters.list(limit=1)
    nats_place.send("dead", b"strange")
    assert letters.discard([wanted]) == 0
    assert len(letters.list(limit=10)) == 1


@pytest.mark.parametrize("detail", ["100% é\r\nNats-Msg-Id: forged", "\x00\ud800", "ü" * 5_000, ""])
def test_any_reason_is_kept_in_the_headers_of_a_letter(nats_place: NatsPlace, broker: Broker, detail: str) -> None:
    broker.dead_letters().list(limit=1)
    nats_place.send_command(b"{")
    with open_inbox(broker) as inbox:
        inbox.dead_letter(receive(inbox)[0], OmsError("malformed_json", detail))
    (letter,) = broker.dead_letters().list(limit=10)
    assert letter.code == "malformed_json"
    assert letter.detail in detail.encode(errors="replace").decode()
    assert len(letter.detail) >= min(len(detail), 500)


def test_a_message_as_large_as_the_server_takes_dies_without_its_end(nats_place: NatsPlace, broker: Broker) -> None:
    broker.dead_letters().list(limit=1)
    size = min(nats_place.message_bytes_max, 1_048_576)
    nats_place.send_command(b"x" * size)
    with open_inbox(broker) as inbox:
        inbox.dead_letter(receive(inbox)[0], OmsError("malformed_json", "é" * 1_000))
        assert is_quiet(inbox)
    (letter,) = broker.dead_letters().list(limit=10)
    assert size - 16_384 <= len(letter.body) <= size


@pytest.mark.parametrize(
    "headers",
    [b"NATS/1.0 503 \xff\xfe\r\n\r\n", b"NATS/1.0", b"NATS/1.0\r\n\xff\xfe: \xff\r\n: \r\nx\r\n\r\n", b"\x00"],
)
def test_headers_that_cannot_be_read_hold_nothing_up(nats_place: NatsPlace, broker: Broker, headers: bytes) -> None:
    broker.dead_letters().list(limit=1)
    for queue in ("commands", "dead"):
        send_raw(nats_place, queue, headers, b"odd")
    nats_place.send_command(b"{}")
    with open_inbox(broker) as inbox:
        messages = receive(inbox, 2)
        assert [message.body for message in messages] == [b"odd", b"{}"]
        inbox.done(messages)
    (letter,) = broker.dead_letters().list(limit=10)
    assert broker.dead_letters().discard([letter.id]) == 1


def send_raw(place: NatsPlace, queue: str, headers: bytes, body: bytes) -> None:
    """Publish a message with headers that no client writes, and wait until it is stored."""
    address = urlsplit(place.url)
    login = {"user": address.username, "pass": address.password} if address.username else {}
    subject = f"{place.prefix}.{queue}".encode()
    before = place.kept(queue)
    with socket.create_connection((address.hostname or "", address.port or 4222), 5) as connection:
        connection.sendall(b"CONNECT " + json.dumps({"verbose": False, "headers": True, **login}).encode() + b"\r\n")
        sizes = f"{len(headers)} {len(headers) + len(body)}".encode()
        connection.sendall(b"HPUB " + subject + b" " + sizes + b"\r\n" + headers + body + b"\r\nPING\r\n")
        wait_until(lambda: place.kept(queue) > before, DEADLINE_SECONDS, "the message is stored")
