"""The broker on RabbitMQ: its nodes, and what can be opened on it."""

from __future__ import annotations

import threading

from oms_core.ports.broker import Announcer, Broker, BrokerOptions, DeadLetters, EventPublisher, Inbox
from oms_core.runtime.forks import begin_in_each_process
from oms_rabbitmq.dead_letters import RabbitmqDeadLetters
from oms_rabbitmq.faults import translated, unavailable
from oms_rabbitmq.inbox import RabbitmqInbox
from oms_rabbitmq.links import ANSWER_SECONDS, Line
from oms_rabbitmq.nodes import Nodes, read_nodes
from oms_rabbitmq.publishing import RabbitmqAnnouncer, RabbitmqEventPublisher
from oms_rabbitmq.topology import Names


class RabbitmqBroker:
    """A broker of one node or many, and a virtual host. Everything that is opened on it has its own connection."""

    carries_events = True

    def __init__(self, nodes: Nodes, names: Names) -> None:
        self._nodes = nodes
        self._names = names
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._checking = threading.Lock()
        self._line = Line(self._nodes, "check")

    def announcer(self) -> Announcer:
        return RabbitmqAnnouncer(self._nodes, self._names)

    def inbox(self) -> Inbox:
        return RabbitmqInbox(self._nodes, self._names)

    def event_publisher(self) -> EventPublisher:
        return RabbitmqEventPublisher(self._nodes, self._names)

    def dead_letters(self) -> DeadLetters:
        return RabbitmqDeadLetters(self._nodes, self._names)

    def check(self) -> None:
        """Open and close a channel, on a connection that stays open for the next check."""
        if not self._checking.acquire(timeout=ANSWER_SECONDS):
            raise unavailable(f"no answer within {ANSWER_SECONDS:g} seconds")
        try:
            with translated():
                self._probe()
        except BaseException:
            self._line.drop()
            raise
        finally:
            self._checking.release()

    def describe(self) -> str:
        return f"{self._nodes.describe()}, prefix {self._names.prefix}"

    def close(self) -> None:
        with self._checking:
            self._line.close()

    def _probe(self) -> None:
        link = self._line.current() or self._line.open()
        channel = link.channel()
        channel.close()
        link.wait(lambda: channel.is_closed)


def open_broker(url: str, options: BrokerOptions) -> Broker:
    """Open the broker of an `amqp://` or `amqps://` URL without connecting yet. Raise `invalid_setting`."""
    return RabbitmqBroker(read_nodes(url), Names(options.prefix))
