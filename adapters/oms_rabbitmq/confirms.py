"""Publishing with confirms, many messages at once: one by one, each would cost a round trip and a disk flush."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pika.spec import Basic, BasicProperties

from oms_rabbitmq.faults import translated, unavailable
from oms_rabbitmq.links import Link

WINDOW = 500
TOGETHER = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message to publish; if `mandatory`, a queue must take it."""

    exchange: str
    routing_key: str
    body: bytes
    properties: BasicProperties
    mandatory: bool


class ConfirmedChannel:
    """A channel whose messages the broker confirms. For one thread; not usable after an error."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.channel = link.channel()
        self._sent = 0
        self._unconfirmed: dict[int, None] = {}  # In the order of sending.
        self._refused = False
        self._returned = False
        self.channel.add_on_return_callback(self._take_back)
        link.ask(lambda callback: self.channel.confirm_delivery(self._confirm, callback))

    def send(self, messages: Sequence[Outgoing]) -> bool:
        """Publish in order and wait until all are confirmed; return whether every mandatory one found its queue.

        Raise `queue_unavailable` when nothing is confirmed for 2.5 seconds, when the broker refuses a message, and when
        the connection is blocked.
        """
        self._returned = False
        with translated():
            for start in range(0, len(messages), TOGETHER):
                self._make_room(WINDOW - TOGETHER + 1)
                with self._link.together():
                    for message in messages[start : start + TOGETHER]:
                        self._publish(message)
            self._make_room(1)
        return not self._returned

    def _publish(self, message: Outgoing) -> None:
        self.channel.basic_publish(
            message.exchange, message.routing_key, message.body, message.properties, message.mandatory
        )
        self._sent += 1
        self._unconfirmed[self._sent] = None

    def _make_room(self, window: int) -> None:
        while len(self._unconfirmed) >= window:
            before = len(self._unconfirmed)
            self._link.wait(partial(self._moved, before))
            if self._link.blocked:
                raise unavailable(self._link.blocked)
        if self._refused:
            raise unavailable("it refused a message")

    def _moved(self, before: int) -> bool:
        return len(self._unconfirmed) < before or self._link.blocked is not None

    def _confirm(self, frame: Any) -> None:
        self._refused |= isinstance(frame.method, Basic.Nack)
        tag: int = frame.method.delivery_tag
        if not frame.method.multiple:
            self._unconfirmed.pop(tag, None)
            return
        while self._unconfirmed and (first := next(iter(self._unconfirmed))) <= tag:
            del self._unconfirmed[first]

    def _take_back(self, *_: object) -> None:
        self._returned = True
