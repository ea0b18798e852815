"""A queue in memory: between the threads of one process, gone when it ends; the sweep finds what it loses."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

from oms_core.errors import OmsError
from oms_core.ports.broker import (
    Announcer,
    Broker,
    BrokerOptions,
    DeadLetter,
    DeadLetters,
    EventPublisher,
    Inbox,
    Message,
    MessageKind,
    OutgoingEvent,
)
from oms_core.runtime.forks import begin_in_each_process

IDS_PER_MESSAGE: Final = 100
WAITING_IDS_MAX: Final = 100_000
DEAD_LETTERS_MAX: Final = 10_000


class Exchange:
    """What the queue's parts share, under one lock: waiting messages, dead letters, whether anybody announces."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.waiting: deque[Message] = deque()
        self.dead: deque[DeadLetter] = deque(maxlen=DEAD_LETTERS_MAX)
        self.is_announced_to = False
        self._waiting_ids = 0

    def put(self, messages: Sequence[Message]) -> None:
        """Let messages wait, as long as there is room."""
        with self.changed:
            for message in messages:
                if self._waiting_ids < WAITING_IDS_MAX:
                    self.waiting.append(message)
                    self._waiting_ids += _ids_in(message)
            self.changed.notify_all()

    def take(self, limit: int, timeout_seconds: float) -> list[Message]:
        """Wait for messages, and take them out, oldest first."""
        with self.changed:
            self.changed.wait_for(lambda: self.waiting, timeout_seconds)
            taken = [self.waiting.popleft() for _ in range(min(limit, len(self.waiting)))]
            self._waiting_ids -= sum(map(_ids_in, taken))
        return taken

    def put_back(self, messages: Sequence[Message]) -> None:
        """Let messages wait again, before all others, room or none."""
        with self.changed:
            self.waiting.extendleft(replace(message, redelivered=True) for message in reversed(messages))
            self._waiting_ids += sum(map(_ids_in, messages))
            self.changed.notify_all()


class MemoryBroker:
    """The broker of this process; a forked child has one of its own.

    At most some 100,000 ids (a command counts as one) wait; further ones are dropped, and the sweep finds those
    orders. `connected` is true once an announcer was opened: before, nobody could bring an inbox anything, as in a
    worker that runs alone.
    Nobody can subscribe to events, so none are carried.
    """

    carries_events = False

    def __init__(self) -> None:
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self.exchange = Exchange()

    def announcer(self) -> Announcer:
        self.exchange.is_announced_to = True
        return MemoryAnnouncer(self)

    def inbox(self) -> Inbox:
        return MemoryInbox(self)

    def event_publisher(self) -> EventPublisher:
        return MemoryEventPublisher()

    def dead_letters(self) -> DeadLetters:
        return MemoryDeadLetters(self)

    def send_command(self, body: bytes) -> None:
        """Bring a command in, as another service would at a broker."""
        self.exchange.put([Message(kind=MessageKind.COMMAND, body=body, redelivered=False)])

    def check(self) -> None:
        """Do nothing."""

    def describe(self) -> str:
        return "memory of this process"

    def close(self) -> None:
        """Do nothing."""


class MemoryAnnouncer:
    """Announcer: at most 100 ids to a message."""

    def __init__(self, queue: MemoryBroker) -> None:
        self._queue = queue

    def announce(self, order_ids: Sequence[UUID]) -> None:
        exchange = self._queue.exchange
        exchange.is_announced_to = True  # Also in a child, whose exchange is new.
        starts = range(0, len(order_ids), IDS_PER_MESSAGE)
        exchange.put([_announcement(order_ids[start : start + IDS_PER_MESSAGE]) for start in starts])

    def close(self) -> None:
        """Do nothing."""


class MemoryInbox:
    """Inbox: several on one queue share what waits."""

    def __init__(self, queue: MemoryBroker) -> None:
        self._queue = queue
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._held: list[Message] = []

    @property
    def connected(self) -> bool:
        return self._queue.exchange.is_announced_to

    def take(self, *, limit: int, timeout_seconds: float) -> list[Message]:
        taken = self._queue.exchange.take(limit, timeout_seconds)
        self._held = [*self._held, *taken]
        return taken

    def done(self, messages: Sequence[Message]) -> None:
        finished = set(messages)
        self._held = [message for message in self._held if message not in finished]

    def dead_letter(self, message: Message, reason: OmsError) -> None:
        if message not in self._held:
            return
        letter = DeadLetter(
            id=str(uuid4()),
            kind=message.kind,
            code=reason.code,
            detail=reason.detail,
            body=message.body,
            died_at=datetime.now(UTC),
        )
        exchange = self._queue.exchange
        with exchange.changed:
            exchange.dead.append(letter)
        self.done([message])

    def close(self) -> None:
        """Put the messages that are held back into the queue."""
        self._queue.exchange.put_back(self._held)
        self._held = []


class MemoryEventPublisher:
    """EventPublisher of a queue that nobody can subscribe to."""

    def publish(self, events: Sequence[OutgoingEvent]) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class MemoryDeadLetters:
    """DeadLetters: the youngest 10,000 of this process."""

    def __init__(self, queue: MemoryBroker) -> None:
        self._queue = queue

    def list(self, *, limit: int) -> list[DeadLetter]:
        exchange = self._queue.exchange
        with exchange.changed:
            return [letter for _, letter in zip(range(limit), exchange.dead, strict=False)]

    def replay(self, ids: Sequence[str] | None) -> int:
        letters = self._remove(ids)
        self._queue.exchange.put([Message(kind=letter.kind, body=letter.body, redelivered=False) for letter in letters])
        return len(letters)

    def discard(self, ids: Sequence[str] | None) -> int:
        return len(self._remove(ids))

    def _remove(self, ids: Sequence[str] | None) -> Sequence[DeadLetter]:
        exchange = self._queue.exchange
        with exchange.changed:
            chosen = [letter for letter in exchange.dead if ids is None or letter.id in ids]
            for letter in chosen:
                exchange.dead.remove(letter)
        return chosen


def _ids_in(message: Message) -> int:
    return message.body.count(b",") + 1 if message.kind is MessageKind.ORDER_IDS else 1


def _announcement(order_ids: Sequence[UUID]) -> Message:
    body = json.dumps({"order_ids": [str(order_id) for order_id in order_ids]}).encode()
    return Message(kind=MessageKind.ORDER_IDS, body=body, redelivered=False)


def open_broker(url: str, options: BrokerOptions) -> Broker:  # noqa: ARG001  One memory has no choices.
    """Open a new, empty queue for `memory://`."""
    return MemoryBroker()
