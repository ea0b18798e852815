"""Broker: it announces accepted orders to workers, brings commands of other services, and carries events out.

The database is the truth. An accepted order is a row, and the workers' sweep finds each row whose announcement was
lost. So a queue may lose an announcement, and may deliver any message late, more than once and in any order.

Every method that talks to a broker may raise OmsError `queue_unavailable`: the broker is unreachable, blocked or
refuses; the caller tries again. It does so within about three seconds: no method waits for a broker without bound. No
exception of a client library leaves an adapter. Connections are opened on first use, and anew after any fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol
from uuid import UUID

from oms_core.errors import OmsError


class MessageKind(Enum):
    """What a message holds: ids of queued orders, or an order that another service wants placed."""

    ORDER_IDS = "order_ids"
    COMMAND = "command"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Message:
    """One delivery, not parsed yet, held until it is acknowledged. `redelivered`: it may have been delivered before."""

    kind: MessageKind
    body: bytes
    redelivered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingEvent:
    """An event to publish: its database id as text, its type (the routing key), and the CloudEvents JSON document."""

    id: str
    type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that could not be read. `replay` and `discard` take its `id`; `body` is as it was received."""

    id: str
    kind: MessageKind
    code: str
    detail: str
    body: bytes
    died_at: datetime | None


class Announcer(Protocol):
    """Announces accepted orders to workers. For one thread at a time."""

    def announce(self, order_ids: Sequence[UUID]) -> None:
        """Send ids, many to a message, in order; return when the queue has confirmed all of them.

        When it raises `queue_unavailable`, some may have been sent.
        """
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class EventPublisher(Protocol):
    """Publishes domain events. For one thread at a time."""

    def publish(self, events: Sequence[OutgoingEvent]) -> None:
        """Publish in order; return when the queue has confirmed all of them, with or without subscribers.

        When it raises `queue_unavailable`, any number of them may have been published: publish all of them again.
        """
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class Inbox(Protocol):
    """A worker's deliveries. The connection stays alive (heartbeats, reconnecting) while a batch is being worked on.

    For one thread. A message that is neither `done` nor dead-lettered when the inbox closes, or its process dies, is
    delivered again as `redelivered`, to this worker or another. A lost connection may have the same effect.
    """

    @property
    def connected(self) -> bool:
        """Return whether messages can arrive now; when they cannot, the worker sweeps the database instead."""
        ...

    def take(self, *, limit: int, timeout_seconds: float) -> list[Message]:
        """Wait for a message, then return those that are there, oldest first; an empty list when none came in time.

        A lost broker raises nothing: the list is then empty after the wait.
        """
        ...

    def done(self, messages: Sequence[Message]) -> None:
        """Acknowledge messages whose work is committed.

        Return before the broker knows. Where an acknowledgement cannot reach it, the message is delivered again. Those
        that were received before the inbox was closed are ignored.
        """
        ...

    def dead_letter(self, message: Message, reason: OmsError) -> None:
        """Move a message to the dead letters with the reason, and only then acknowledge it."""
        ...

    def close(self) -> None:
        """Stop deliveries and close the connection; acknowledgements of earlier calls are still sent."""
        ...


class DeadLetters(Protocol):
    """Messages that could not be read, for a person. For one thread at a time."""

    def list(self, *, limit: int) -> list[DeadLetter]:
        """Return the oldest ones; they stay in the queue."""
        ...

    def replay(self, ids: Sequence[str] | None) -> int:
        """Send letters back to the queue they came from (None: all that are there now); return how many were found.

        Each is removed only when it has been sent back; after a crash in between it is in both places.
        """
        ...

    def discard(self, ids: Sequence[str] | None) -> int:
        """Remove letters for good (None: all that are there now); return how many were found."""
        ...


class Broker(Protocol):
    """One broker. It is thread-safe; the objects it opens are not."""

    @property
    def carries_events(self) -> bool:
        """Whether events can be published here; if not, no events are stored for publishing."""
        ...

    def announcer(self) -> Announcer:
        """Open an announcer of orders."""
        ...

    def inbox(self) -> Inbox:
        """Open a worker's inbox."""
        ...

    def event_publisher(self) -> EventPublisher:
        """Open a publisher of events."""
        ...

    def dead_letters(self) -> DeadLetters:
        """Open the dead letters."""
        ...

    def check(self) -> None:
        """Raise `queue_unavailable` unless the broker answers now."""
        ...

    def describe(self) -> str:
        """Return the broker's name for a person, never with a password."""
        ...

    def close(self) -> None:
        """Close the broker's own connections; those of the objects it opened have a `close` of their own."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOptions:
    """How a broker is opened: `prefix` is the beginning of every name that is declared at it."""

    prefix: str = "oms"


class OpenBroker(Protocol):
    """The type of an entry point of the group `oms.queue`; the entry point's name is the URL's scheme."""

    def __call__(self, url: str, options: BrokerOptions, /) -> Broker:
        """Open the broker without connecting yet. Raise `invalid_setting`."""
        ...
