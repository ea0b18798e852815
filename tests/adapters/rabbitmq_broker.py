"""A broker as other services use it: plain pika, for what the port does not offer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pika import BlockingConnection, URLParameters
from pika.adapters.blocking_connection import BlockingChannel

QUEUES = ("orders.v1", "commands.v1", "dead.v1")
EXCHANGES = ("commands", "events")


@dataclass(frozen=True, slots=True)
class RabbitmqVhost:
    """One broker, and the prefix of the names that belong to this test."""

    url: str
    prefix: str

    @contextmanager
    def channel(self) -> Iterator[BlockingChannel]:
        """Open a channel on a connection of its own."""
        connection = BlockingConnection(URLParameters(self.url))
        try:
            yield connection.channel()
        finally:
            if connection.is_open:
                connection.close()

    def name(self, rest: str) -> str:
        """Give a full name."""
        return f"{self.prefix}.{rest}"

    def send_command(self, body: bytes) -> None:
        """Publish a command, confirmed."""
        with self.channel() as channel:
            channel.confirm_delivery()
            channel.basic_publish(self.name("commands"), "place-order", body, mandatory=True)

    def send_announcement(self, body: bytes) -> None:
        """Publish what passes for an announcement, confirmed."""
        with self.channel() as channel:
            channel.confirm_delivery()
            channel.basic_publish("", self.name("orders.v1"), body, mandatory=True)

    @property
    def message_bytes_max(self) -> int:
        """How large a message it takes."""
        return 128 * 1_048_576

    def left(self, queue: str) -> int:
        """Count the messages that are not acknowledged, but for those that an open connection holds."""
        return self.waiting(queue)

    def waiting(self, queue: str) -> int:
        """Count the messages that are ready for delivery."""
        with self.channel() as channel:
            return int(channel.queue_declare(self.name(queue), passive=True).method.message_count)

    def delete(self, queue: str) -> None:
        """Delete a queue."""
        with self.channel() as channel:
            channel.queue_delete(self.name(queue))

    def delete_all(self) -> None:
        """Leave nothing of this test."""
        with self.channel() as channel:
            for queue in (*QUEUES, "subscriber"):
                channel.queue_delete(self.name(queue))
            for exchange in EXCHANGES:
                channel.exchange_delete(self.name(exchange))
