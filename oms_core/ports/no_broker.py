"""The broker of a system without one: it carries nothing, and workers sweep the database instead."""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID

from oms_core.errors import OmsError
from oms_core.ports.broker import Announcer, DeadLetter, DeadLetters, EventPublisher, Inbox, Message, OutgoingEvent


class NoBroker:
    """A broker without messages. It is also everything that a broker opens."""

    carries_events = False
    connected = False

    def announcer(self) -> Announcer:
        return self

    def inbox(self) -> Inbox:
        return self

    def event_publisher(self) -> EventPublisher:
        return self

    def dead_letters(self) -> DeadLetters:
        return self

    def announce(self, order_ids: Sequence[UUID]) -> None:
        """Do nothing."""

    def publish(self, events: Sequence[OutgoingEvent]) -> None:
        """Do nothing."""

    def take(self, *, limit: int, timeout_seconds: float) -> list[Message]:  # noqa: ARG002  There is never one.
        time.sleep(timeout_seconds)
        return []

    def done(self, messages: Sequence[Message]) -> None:
        """Do nothing."""

    def dead_letter(self, message: Message, reason: OmsError) -> None:
        """Do nothing."""

    def list(self, *, limit: int) -> list[DeadLetter]:  # noqa: ARG002  There is never one.
        return []

    def replay(self, ids: Sequence[str] | None) -> int:  # noqa: ARG002  There is never one.
        return 0

    def discard(self, ids: Sequence[str] | None) -> int:  # noqa: ARG002  There is never one.
        return 0

    def check(self) -> None:
        """Do nothing."""

    def describe(self) -> str:
        return "no queue"

    def close(self) -> None:
        """Do nothing."""
