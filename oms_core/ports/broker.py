"""Broker: what tells workers of accepted orders, brings commands from other services in, and carries events out.

The database is the truth: an accepted order is a row, and whatever a queue loses, repeats or reorders is found there
by the workers' sweep. So a queue may lose an announcement, and may deliver any message more than once and late. Every
method that talks to a broker may raise OmsError `queue_unavailable` (the broker is away, blocked or refuses; it is
tried again by whoever called), within about three seconds: no method waits for a broker without bound. No driver
exception leaves an adapter. Connections are opened on first use, and anew after any fault.
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
    """What a message says: ids of queued orders, or an order that another service wants placed."""

    ORDER_IDS = "order_ids"
    COMMAND = "command"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Message:
    """One delivery, held until it is done with; unread. `redelivered`: it may have been delivered before."""

    kind: MessageKind
    body: bytes
    redelivered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingEvent:
    """An event as it leaves: its database id as text, its type (the routing key), and the CloudEvents JSON document."""

    id: str
    type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that could not be read: `id` names it to `replay` and `discard`; `body` as it came in."""

    id: str
    kind: MessageKind
    code: str
    detail: str
    body: bytes
    died_at: datetime | None


class Announcer(Protocol):
    """Tells workers of orders that were accepted. For one thread at a time."""

    def announce(self, order_ids: Sequence[UUID]) -> None:
        """Send ids, many to a message, in order; returns when the queue has taken responsibility for all of them.

        Some may have been sent when it raises `queue_unavailable`.
        """
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class EventPublisher(Protocol):
    """Publishes domain events. For one thread at a time."""

    def publish(self, events: Sequence[OutgoingEvent]) -> None:
        """Publish in order; returns when the queue has taken responsibility for all of them (subscribers or none).

        Any number of them may have been published when it raises `queue_unavailable`: publish them again.
        """
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class Inbox(Protocol):
    """A worker's deliveries, whose connection lives (heartbeats, reconnecting) while a batch is being worked on.

    For one thread. A message that is neither `done` nor dead-lettered when its connection is lost, or the inbox closes,
    is delivered again, to whoever is there, as `redelivered`.
    """

    @property
    def connected(self) -> bool:
        """Tell whether messages can arrive now; when they cannot, the worker sweeps the database instead."""
        ...

    def take(self, *, limit: int, timeout_seconds: float) -> list[Message]:
        """Wait for a message, then give those that are there, oldest first; an empty list when none came in time.

        Never raises for a lost broker: it gives nothing then, after waiting.
        """
        ...

    def done(self, messages: Sequence[Message]) -> None:
        """Acknowledge messages whose work is committed. Those of a lost connection are passed over: they come again."""
        ...

    def dead_letter(self, message: Message, reason: OmsError) -> None:
        """Move a message to the dead letters with the reason, and only then acknowledge it."""
        ...

    def close(self) -> None:
        """Stop deliveries and let go of the connection; acknowledgements handed in before are sent."""
        ...


class DeadLetters(Protocol):
    """Messages that could not be read, for a person. For one thread at a time."""

    def list(self, *, limit: int) -> list[DeadLetter]:
        """Return the oldest ones; they stay where they are."""
        ...

    def replay(self, ids: Sequence[str] | None) -> int:
        """Send letters back to where they came from (None: all that are there now); give how many were found.

        Each is removed only when it has been sent back; a crash in between leaves it in both places.
        """
        ...

    def discard(self, ids: Sequence[str] | None) -> int:
        """Remove letters for good (None: all that are there now); give how many were found."""
        ...


class Broker(Protocol):
    """One broker. Thread-safe itself; what it opens is not."""

    @property
    def carries_events(self) -> bool:
        """Whether events can be published here; otherwise none are kept for publishing."""
        ...

    def announcer(self) -> Announcer:
        """Open a way to announce orders."""
        ...

    def inbox(self) -> Inbox:
        """Open a worker's deliveries."""
        ...

    def event_publisher(self) -> EventPublisher:
        """Open a way to publish events."""
        ...

    def dead_letters(self) -> DeadLetters:
        """Open the dead letters."""
        ...

    def check(self) -> None:
        """Raise `queue_unavailable` unless the broker answers now."""
        ...

    def describe(self) -> str:
        """Name the broker for a person; never a password."""
        ...

    def close(self) -> None:
        """Let go of every connection of its own."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOptions:
    """How a queue is opened: `prefix` begins the name of everything declared at the broker."""

    prefix: str = "oms"


class OpenBroker(Protocol):
    """What an entry point of the group `oms.queue` is: its name is the URL's scheme."""

    def __call__(self, url: str, options: BrokerOptions, /) -> Broker:
        """Open the queue; nothing is connected yet. Raises `invalid_setting`."""
        ...
