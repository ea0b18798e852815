"""A broker that is slow, silent or gone while it greets: told as that, in time, and never as a wrong password."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from oms_rabbitmq import open_broker

from oms_core import OmsError
from oms_core.ports.broker import Broker, BrokerOptions
from tests.adapters.rabbitmq_broker import RabbitmqVhost

LOOPBACK = "127.0.0.1"
SECONDS = 20.0
# Into the first answer, the broker's many properties, and into the few bytes of those that follow.
CUTS = [0, 1, 7, 300, 505, 515, 530]


class Doorway:
    """Passes a broker's first bytes to whoever connects, then nothing more, or an end."""

    def __init__(self, url: str, *, passes: int, ends: bool) -> None:
        parts = urlsplit(url)
        self._broker = (parts.hostname or LOOPBACK, parts.port or 5672)
        self._passes = passes
        self._ends = ends
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in (self._listener, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._broker)
                self._sockets += [client, server]
                for work in (self._ask, self._answer):
                    threading.Thread(target=work, args=(client, server), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65_536):
                server.sendall(data)

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        left = self._passes
        with suppress(OSError):
            while left and (data := server.recv(left)):
                client.sendall(data)
                left -= len(data)
            if self._ends:
                client.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def short_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oms_rabbitmq.links.OPENING_SECONDS", 0.25)


@pytest.fixture
def doorways() -> Iterator[list[Doorway]]:
    opened: list[Doorway] = []
    yield opened
    for doorway in opened:
        doorway.close()


def behind(vhost: RabbitmqVhost, doorways: list[Doorway], query: str = "", **given: bool | int) -> Broker:
    """Open a broker that answers through a doorway."""
    doorways.append(Doorway(vhost.url, **given))  # type: ignore[arg-type]
    parts = urlsplit(vhost.url)
    user = parts.netloc.rpartition("@")[0]
    return open_broker(f"amqp://{user}@{LOOPBACK}:{doorways[-1].port}{parts.path}{query}", BrokerOptions(prefix="oms"))


def told(broker: Broker) -> str:
    with pytest.raises(OmsError) as caught:
        broker.check()
    assert caught.value.code == "queue_unavailable"
    return caught.value.detail


@pytest.mark.usefixtures("short_opening")
@pytest.mark.parametrize("passes", CUTS)
def test_a_broker_that_falls_silent_while_it_greets_is_given_up_in_time(
    vhost: RabbitmqVhost, doorways: list[Doorway], passes: int
) -> None:
    broker = behind(vhost, doorways, passes=passes, ends=False)
    assert told(broker) == "RabbitMQ: no answer within 0.25 seconds"
    broker.close()


@pytest.mark.parametrize("passes", CUTS)
def test_a_connection_that_is_lost_while_the_broker_greets_is_no_wrong_password(
    vhost: RabbitmqVhost, doorways: list[Doorway], passes: int
) -> None:
    broker = behind(vhost, doorways, passes=passes, ends=True)
    assert told(broker).startswith("RabbitMQ: the connection was lost while it was being opened (")
    broker.close()


@pytest.mark.parametrize("passes", CUTS)
def test_pikas_own_timeout_is_a_broker_that_does_not_answer(
    vhost: RabbitmqVhost, doorways: list[Doorway], passes: int
) -> None:
    broker = behind(vhost, doorways, "?stack_timeout=0.1&socket_timeout=0.1", passes=passes, ends=False)
    assert "imeout while setting up AMQP" in told(broker)
    broker.close()


@pytest.mark.usefixtures("short_opening")
def test_a_port_that_never_begins_tls_is_given_up_in_time(vhost: RabbitmqVhost, doorways: list[Doorway]) -> None:
    doorways.append(Doorway(vhost.url, passes=0, ends=False))
    broker = open_broker(f"amqps://guest:guest@localhost:{doorways[-1].port}/", BrokerOptions(prefix="oms"))
    assert told(broker) == "RabbitMQ: no answer within 0.25 seconds"
    broker.close()


@pytest.mark.parametrize(
    ("user", "host", "words"),
    [
        ("guest:wrong", "/", "it refuses the user or the password"),
        ("guest:guest", "/none-such", "it refuses the user the virtual host"),
    ],
)
def test_what_the_broker_itself_refuses_is_told_in_its_words(
    vhost: RabbitmqVhost, user: str, host: str, words: str
) -> None:
    parts = urlsplit(vhost.url)
    broker = open_broker(f"amqp://{user}@{parts.hostname}:{parts.port or 5672}{host}", BrokerOptions(prefix="oms"))
    assert words in told(broker)
    broker.close()
