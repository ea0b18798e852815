"""Pulling the messages of one stream over one connection: a bounded number is asked for, and silence is noticed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from oms_core.ports.broker import Message, MessageKind
from oms_nats.connections import Connection
from oms_nats.dead_lettering import bounded
from oms_nats.faults import unavailable

PREFETCH: Final = 200
# Shorter than the time after which messages come again: nats-server 2.9 forgets to count a delivery as a further one
# while the requests of a killed worker are all that it has.
_REQUEST_SECONDS = 5.0
_LAST_REQUEST_SECONDS = 0.05
_HEARTBEAT_SECONDS = 1.0
_SILENCE_SECONDS = 4.0
_NANOSECONDS = 1_000_000_000
_DELIVERY = "$JS.ACK."
# What a server says of a request: https://docs.nats.io, JetStream wire API. All else means that it cannot go on.
_HEARTBEAT, _OVER = "100", frozenset({"404", "408"})
_LATER = "Exceeded MaxAckPending"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Delivery(Message):
    """A message with the subject of its acknowledgement, which is good over any connection."""

    reply: str


class Pull:
    """Asks for the messages of one stream whenever there is room for them. For one event loop.

    `deliver` gets each message; `changed` is called when there may be something to do.
    """

    def __init__(
        self,
        connection: Connection,
        kind: MessageKind,
        request_subject: str,
        deliver: Callable[[Delivery], None],
        changed: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._kind = kind
        self._request_subject = request_subject
        self._deliver = deliver
        self._changed = changed
        self._inbox = connection.client.new_inbox()
        self._subscription: Subscription | None = None
        self._number = 0
        self._over = asyncio.Event()
        self._expected = 0
        self._heard_at = 0.0
        self._not_before = 0.0
        self._refusal: str | None = None

    async def start(self) -> None:
        """Let the server know where the messages are to go."""
        # No bounds of the client's own, which would drop messages: what is asked for is bounded.
        self._subscription = await self._connection.client.subscribe(
            f"{self._inbox}.*", cb=self._received, pending_msgs_limit=-1, pending_bytes_limit=-1
        )

    async def refill(self, unfinished: int) -> None:
        """Ask for messages if there is room beside the unfinished ones.

        Raise `queue_unavailable` when the server has refused, or has been silent for four seconds.
        """
        if self._refusal is not None:
            raise unavailable(self._refusal)
        now = time.monotonic()
        if self._expected and now - self._heard_at > _SILENCE_SECONDS:
            raise unavailable(f"nothing was heard for {_SILENCE_SECONDS:g} seconds")
        room = PREFETCH - unfinished
        if self._expected or room <= 0 or now < self._not_before:
            return
        await self._request(room, _REQUEST_SECONDS)

    async def stop(self) -> None:
        """Take in what is under way, and no more."""
        if self._subscription is not None:
            first, self._inbox = self._subscription, self._connection.client.new_inbox()
            await self.start()
            await first.drain()  # type: ignore[no-untyped-call]
            # nats-server 2.9 notices at the next request that nobody waits any more for the one before.
            await self._request(1, _LAST_REQUEST_SECONDS)
            await self._over.wait()
            await self._subscription.drain()  # type: ignore[no-untyped-call]

    async def _request(self, count: int, seconds: float) -> None:
        self._number += 1
        self._expected = count
        self._over.clear()
        self._heard_at = time.monotonic()
        heartbeat = {"idle_heartbeat": int(_HEARTBEAT_SECONDS * _NANOSECONDS)} if seconds > _HEARTBEAT_SECONDS else {}
        request = {"batch": count, "expires": int(seconds * _NANOSECONDS), **heartbeat}
        await self._connection.client.publish(
            self._request_subject, json.dumps(request).encode(), reply=f"{self._inbox}.{self._number}"
        )

    async def _received(self, message: Msg) -> None:
        self._heard_at = time.monotonic()
        is_current = message.subject.endswith(f".{self._number}")
        if message.reply.startswith(_DELIVERY):
            self._deliver(
                Delivery(
                    kind=self._kind,
                    body=bounded(message.data),
                    redelivered=message.metadata.num_delivered > 1,
                    reply=message.reply,
                )
            )
            self._expected -= is_current
        elif is_current:
            self._read_status(message)
        if not self._expected:
            self._over.set()
            self._changed()

    def _read_status(self, message: Msg) -> None:
        headers = message.headers or {}
        status, description = headers.get("Status", ""), headers.get("Description", "")
        if status == _HEARTBEAT:
            return
        self._expected = 0
        if description == _LATER:
            self._not_before = time.monotonic() + _HEARTBEAT_SECONDS
        elif status not in _OVER:
            self._refusal = description or "the consumer of the workers is not there"
