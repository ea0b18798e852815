"""A broker of either kind, asked directly: what the tests of workers want to know of it and do at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from urllib.parse import urlsplit

from tests.adapters.nats_broker import NatsPlace
from tests.adapters.rabbitmq_broker import RabbitmqVhost


class BrokerPlace(Protocol):
    """One broker, and the prefix of the names that belong to a test; queues are orders.v1, commands.v1, dead.v1."""

    @property
    def url(self) -> str:
        """Where it listens."""
        ...

    @property
    def prefix(self) -> str:
        """How its names begin."""
        ...

    @property
    def message_bytes_max(self) -> int:
        """How large a message it takes."""
        ...

    def send_announcement(self, body: bytes) -> None:
        """Bring in what passes for an announcement."""
        ...

    def send_command(self, body: bytes) -> None:
        """Bring in a command as another service does."""
        ...

    def waiting(self, queue: str) -> int:
        """Count the messages that nobody has been given."""
        ...

    def left(self, queue: str) -> int:
        """Count the messages that are not acknowledged, as far as the broker tells of those that are held."""
        ...

    def delete_all(self) -> None:
        """Leave nothing of the test."""
        ...


def place_at(url: str, prefix: str) -> BrokerPlace:
    """Give the place at a URL."""
    return NatsPlace(url, prefix) if urlsplit(url).scheme == "nats" else RabbitmqVhost(url, prefix)


@contextmanager
def own_place(url: str, prefix: str) -> Iterator[BrokerPlace]:
    """Give a place, and leave nothing of it."""
    place = place_at(url, prefix)
    try:
        yield place
    finally:
        place.delete_all()
