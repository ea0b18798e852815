"""What is sent to the broker: announcements of order ids, events, and dead letters."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from pika import DeliveryMode
from pika.spec import BasicProperties

from oms_core.errors import OmsError
from oms_core.ports.broker import OutgoingEvent
from oms_rabbitmq.confirms import ConfirmedChannel, Outgoing
from oms_rabbitmq.faults import translated, unavailable
from oms_rabbitmq.links import Line
from oms_rabbitmq.nodes import Nodes
from oms_rabbitmq.topology import Names, declare

IDS_PER_MESSAGE: Final = 100
DELETION_SECONDS: Final = 0.3


class Publisher:
    """Publishes messages over a connection of its own. For one thread at a time."""

    def __init__(self, nodes: Nodes, names: Names, role: str) -> None:
        self._names = names
        self._line = Line(nodes, role)
        self._channel: ConfirmedChannel | None = None

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish in order; return when all are confirmed. Raise `queue_unavailable`.

        If the connection turns out to be dead, or a queue to be missing, it is tried once more.
        """
        if not messages:
            return
        try:
            if not self._attempt(messages):
                self._let_consumers_hear()
                self._line.drop()  # A new link declares the queues again.
                if not self._attempt(messages):
                    raise unavailable("no queue takes the message")
        except OmsError:
            self._line.drop()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def _attempt(self, messages: Sequence[Outgoing]) -> bool:
        link = self._line.current()
        if link is None or self._channel is None:
            return self._open().send(messages)
        try:
            return self._channel.send(messages)
        except OmsError:
            if link.fault is None:
                raise
            return self._open().send(messages)

    def _let_consumers_hear(self) -> None:
        """Wait before a deleted queue is declared again, until its consumers know of the deletion.

        RabbitMQ 3.10 does not notify them of it when the queue is back at once, and they would wait for ever.
        """
        if link := self._line.current():
            link.pump(lambda: False, DELETION_SECONDS)

    def _open(self) -> ConfirmedChannel:
        with translated():
            link = self._line.open()
            self._channel = ConfirmedChannel(link)
            declare(link, self._channel.channel, self._names)
            return self._channel


class RabbitmqAnnouncer:
    """Announcer: at most 100 ids to a message."""

    def __init__(self, nodes: Nodes, names: Names) -> None:
        self._names = names
        self._publisher = Publisher(nodes, names, "announcer")

    def announce(self, order_ids: Sequence[UUID]) -> None:
        starts = range(0, len(order_ids), IDS_PER_MESSAGE)
        self._publisher.publish([self._message(order_ids[start : start + IDS_PER_MESSAGE]) for start in starts])

    def close(self) -> None:
        self._publisher.close()

    def _message(self, order_ids: Sequence[UUID]) -> Outgoing:
        document = {"order_ids": [str(order_id) for order_id in order_ids]}
        return to_orders(self._names, json.dumps(document, separators=(",", ":")).encode())


class RabbitmqEventPublisher:
    """EventPublisher to the topic exchange: one message per event, with its type as the routing key."""

    def __init__(self, nodes: Nodes, names: Names) -> None:
        self._names = names
        self._publisher = Publisher(nodes, names, "events")

    def publish(self, events: Sequence[OutgoingEvent]) -> None:
        self._publisher.publish([self._message(event) for event in events])

    def close(self) -> None:
        self._publisher.close()

    def _message(self, event: OutgoingEvent) -> Outgoing:
        return Outgoing(
            exchange=self._names.events_exchange,
            routing_key=event.type,
            body=event.body,
            properties=BasicProperties(
                content_type="application/cloudevents+json",
                delivery_mode=DeliveryMode.Persistent.value,
                message_id=event.id,
                type=event.type,
            ),
            mandatory=False,  # Nobody has to subscribe.
        )


def to_orders(names: Names, body: bytes) -> Outgoing:
    """Return an announcement addressed to the orders' queue."""
    return Outgoing(exchange="", routing_key=names.orders, body=body, properties=persistent_json(), mandatory=True)


def to_commands(names: Names, body: bytes) -> Outgoing:
    """Return a command addressed to the commands' exchange."""
    return Outgoing(
        exchange=names.commands_exchange,
        routing_key="replayed",
        body=body,
        properties=persistent_json(),
        mandatory=True,
    )


def persistent_json() -> BasicProperties:
    """Return the properties of a JSON message that survives the broker's restart."""
    return BasicProperties(content_type="application/json", delivery_mode=DeliveryMode.Persistent.value)
