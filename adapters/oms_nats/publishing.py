"""What is sent to the broker, each message confirmed: announcements of order ids, events, and dead letters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from typing import Final
from uuid import UUID, uuid4

from oms_core.errors import OmsError
from oms_core.ports.broker import OutgoingEvent
from oms_nats.addresses import Address
from oms_nats.confirms import WINDOW, Outgoing, Window
from oms_nats.connections import Connection
from oms_nats.faults import unavailable
from oms_nats.links import Line, Link
from oms_nats.topology import Names

IDS_PER_MESSAGE: Final = 100


class Publisher:
    """Publishes messages over a connection of its own. For one thread at a time."""

    def __init__(self, address: Address, names: Names, role: str) -> None:
        self._line = Line(address, role, names)

    @property
    def message_bytes_max(self) -> int:
        """The broker's bound on a message with its headers. Raise `queue_unavailable`."""
        return (self._line.current() or self._line.open()).message_bytes_max

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish in order; return when all are stored. Raise `queue_unavailable`.

        If the connection turns out to be dead, or a stream to be missing, it is tried once more. What was stored at the
        first try is not stored again then.
        """
        if not messages:
            return
        try:
            link = self._line.current()
            if link is None or not self._attempt(link, messages):
                link = self._line.open()  # Which declares the streams again.
                if not _send(link, messages):
                    raise unavailable("no stream takes the message")
        except OmsError:
            self._line.drop()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def _attempt(self, link: Link, messages: Sequence[Outgoing]) -> bool:
        """Publish over a link that may be dead; return whether all are stored, or a new one is to be tried."""
        try:
            return _send(link, messages)
        except OmsError:
            if link.fault is None:
                raise
            return False


def _send(link: Link, messages: Sequence[Outgoing]) -> bool:
    """Publish in order; return whether each found its stream. Raise `queue_unavailable`."""
    starts = range(0, len(messages), WINDOW)
    return all(link.ask(partial(_send_window, messages[start : start + WINDOW])) for start in starts)


async def _send_window(messages: Sequence[Outgoing], connection: Connection) -> bool:
    return await Window(messages).send(connection.client)


class NatsAnnouncer:
    """Announcer: at most 100 ids to a message."""

    def __init__(self, address: Address, names: Names) -> None:
        self._names = names
        self._publisher = Publisher(address, names, "announcer")

    def announce(self, order_ids: Sequence[UUID]) -> None:
        starts = range(0, len(order_ids), IDS_PER_MESSAGE)
        self._publisher.publish([self._message(order_ids[start : start + IDS_PER_MESSAGE]) for start in starts])

    def close(self) -> None:
        self._publisher.close()

    def _message(self, order_ids: Sequence[UUID]) -> Outgoing:
        """Return a message. Its id belongs to this call: whoever announces an order again wants it to come again."""
        document = {"order_ids": [str(order_id) for order_id in order_ids]}
        return to_orders(self._names, json.dumps(document, separators=(",", ":")).encode(), message_id=str(uuid4()))


class NatsEventPublisher:
    """EventPublisher: one message per event, its type at the end of the subject."""

    def __init__(self, address: Address, names: Names) -> None:
        self._names = names
        self._publisher = Publisher(address, names, "events")

    def publish(self, events: Sequence[OutgoingEvent]) -> None:
        self._publisher.publish([self._message(event) for event in events])

    def close(self) -> None:
        self._publisher.close()

    def _message(self, event: OutgoingEvent) -> Outgoing:
        """Return a message. Its id is made of the document: a database put back to a backup gives ids once more."""
        return Outgoing(
            subject=f"{self._names.events}.{event.type}",
            id=f"{event.id}-{hashlib.sha256(event.body).hexdigest()}",
            body=event.body,
            headers={"Content-Type": "application/cloudevents+json", "Oms-Event-Id": event.id},
        )


def to_orders(names: Names, body: bytes, *, message_id: str) -> Outgoing:
    """Return an announcement."""
    return Outgoing(subject=names.orders, id=message_id, body=body)


def to_commands(names: Names, body: bytes, *, message_id: str) -> Outgoing:
    """Return a command."""
    return Outgoing(subject=f"{names.commands}.replayed", id=message_id, body=body)
