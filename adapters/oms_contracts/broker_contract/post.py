"""Sending and receiving in few words, for the contract's tests."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID, uuid4

from oms_core.ports.broker import Broker, Inbox, Message, MessageKind

DEADLINE_SECONDS = 30.0
QUIET_SECONDS = 0.3


def new_ids(count: int) -> list[UUID]:
    """Make ids of orders that do not exist."""
    return [uuid4() for _ in range(count)]


def announce(broker: Broker, ids: Sequence[UUID]) -> None:
    """Announce ids through an announcer of their own."""
    announcer = broker.announcer()
    announcer.announce(ids)
    announcer.close()


@contextmanager
def open_inbox(broker: Broker) -> Iterator[Inbox]:
    """Open an inbox and close it in the end."""
    inbox = broker.inbox()
    try:
        yield inbox
    finally:
        inbox.close()


def ids_in(messages: Iterable[Message]) -> list[UUID]:
    """Read the announced ids, in order."""
    ids: list[UUID] = []
    for message in messages:
        assert message.kind is MessageKind.ORDER_IDS
        document = json.loads(message.body)
        assert list(document) == ["order_ids"]
        ids.extend(UUID(text) for text in document["order_ids"])
    return ids


def receive(inbox: Inbox, count: int = 1, *, limit: int = 500) -> list[Message]:
    """Wait for `count` messages. Raises AssertionError when they do not come within 30 seconds."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    messages: list[Message] = []
    while len(messages) < count:
        assert time.monotonic() < deadline, f"{len(messages)} of {count} messages came"
        messages += inbox.take(limit=min(limit, count - len(messages)), timeout_seconds=1)
    return messages


def receive_ids(inbox: Inbox, count: int) -> list[UUID]:
    """Wait for `count` announced ids, and be done with them. Raises AssertionError when they do not come."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    ids: list[UUID] = []
    while len(ids) < count:
        assert time.monotonic() < deadline, f"{len(ids)} of {count} ids came"
        messages = inbox.take(limit=500, timeout_seconds=1)
        ids += ids_in(messages)
        inbox.done(messages)
    return ids


def is_quiet(inbox: Inbox) -> bool:
    """Return whether nothing comes for a moment."""
    return not inbox.take(limit=1, timeout_seconds=QUIET_SECONDS)
