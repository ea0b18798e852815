"""A broker of several nodes: where connections start, and which nodes they pass over."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from oms_contracts.broker_contract.post import announce, new_ids, open_inbox, receive_ids
from oms_rabbitmq import open_broker
from oms_rabbitmq.addresses import read_addresses
from oms_rabbitmq.links import NODE_SECONDS_MIN, OPENING_SECONDS, open_link
from oms_rabbitmq.nodes import AVOIDED_SECONDS, Nodes

from oms_core.errors import OmsError
from oms_core.ports.broker import BrokerOptions
from tests.adapters.rabbitmq_broker import RabbitmqVhost
from tests.services import free_port
from tests.services.tcp import LOOPBACK

PLACES = ["a:5672", "b:5672", "c:5672"]
IN_TIME_SECONDS = 4.5  # Three promised, the rest for a busy machine.


class Nodesome(Nodes):
    """Three nodes whose clock is the test's."""

    def __init__(self) -> None:
        self.now = 100.0
        super().__init__(read_addresses("amqp://a,b,c/"), lambda: self.now)

    def turn(self) -> list[str]:
        return [address.place for address in self.in_turn()]

    def lose(self, place: str) -> None:
        self.failed(next(address for address in self._addresses if address.place == place))


@pytest.fixture
def nodes() -> Nodesome:
    return Nodesome()


@contextmanager
def frozen_port() -> Iterator[int]:
    """A port whose connections are taken by the system, as those of a frozen process are, and never answered."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def frozen_ports() -> Iterator[Callable[[], int]]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(frozen_port())


def beside(url: str, *ports: int) -> str:
    """Put other nodes before those of a URL."""
    places = ",".join(f"{LOOPBACK}:{port}" for port in ports)
    return url.replace("@", f"@{places},")


def test_connections_take_turns_at_where_they_start(nodes: Nodesome) -> None:
    turns = [nodes.turn() for _ in range(3)]
    assert sorted(turn[0] for turn in turns) == PLACES
    assert all(sorted(turn) == PLACES for turn in turns)


def test_processes_start_at_different_nodes() -> None:
    assert {Nodesome().turn()[0] for _ in range(100)} == set(PLACES)


def test_a_node_that_failed_lately_is_tried_last(nodes: Nodesome) -> None:
    nodes.lose("b:5672")
    assert {nodes.turn()[-1] for _ in range(3)} == {"b:5672"}
    nodes.now += AVOIDED_SECONDS - 1
    nodes.lose("a:5672")
    assert {tuple(nodes.turn()) for _ in range(3)} == {("c:5672", "b:5672", "a:5672")}
    nodes.now += 1
    assert {nodes.turn()[-1] for _ in range(3)} == {"a:5672"}
    assert {nodes.turn()[0] for _ in range(3)} == {"b:5672", "c:5672"}


def test_a_node_that_is_away_is_passed_over(vhost: RabbitmqVhost) -> None:
    broker = open_broker(beside(vhost.url, free_port(), free_port()), BrokerOptions(prefix=vhost.prefix))
    broker.check()
    ids = new_ids(3)
    announce(broker, ids)
    with open_inbox(broker) as inbox:
        assert receive_ids(inbox, 3) == ids
    assert broker.dead_letters().list(limit=1) == []
    broker.close()


def test_a_frozen_node_is_waited_for_once_and_for_its_share_of_the_time(
    rabbitmq_url: str, frozen_ports: Callable[[], int]
) -> None:
    nodes = Nodes(read_addresses(beside(rabbitmq_url, frozen_ports(), free_port())))
    seconds = []
    for _ in range(6):  # Twice round.
        began = time.monotonic()
        open_link(nodes, "test").close()
        seconds.append(time.monotonic() - began)
    waits = [each for each in seconds if each >= NODE_SECONDS_MIN]
    assert len(waits) == 1
    assert waits[0] < OPENING_SECONDS


def test_nobody_waits_longer_for_many_frozen_nodes_than_for_one(frozen_ports: Callable[[], int]) -> None:
    ports = [frozen_ports() for _ in range(9)]
    broker = open_broker(beside(f"amqp://ann:s3cret@{LOOPBACK}:{free_port()}", *ports), BrokerOptions())
    tried: set[str] = set()
    for _ in range(3):
        began = time.monotonic()
        with pytest.raises(OmsError) as caught:
            broker.check()
        assert time.monotonic() - began < IN_TIME_SECONDS
        assert caught.value.code == "queue_unavailable"
        assert "s3cret" not in caught.value.detail
        tried |= {refusal.partition(": no answer")[0] for refusal in caught.value.detail.split("; ")}
    assert len(tried) >= 8, "each call goes on with the nodes that the one before has not reached"
    broker.close()


def test_why_each_node_was_not_reached_is_told(frozen_ports: Callable[[], int]) -> None:
    away, frozen = free_port(), frozen_ports()
    broker = open_broker(f"amqp://{LOOPBACK}:{away},{LOOPBACK}:{frozen}/", BrokerOptions())
    with pytest.raises(OmsError) as caught:
        broker.check()
    assert f"{LOOPBACK}:{away}: " in caught.value.detail
    assert "refused" in caught.value.detail
    assert f"{LOOPBACK}:{frozen}: " in caught.value.detail
