"""Publishing with confirmations, many messages at once: one by one, each would cost a round trip."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error

from oms_nats.faults import unavailable

WINDOW: Final = 250
_ID = "Nats-Msg-Id"
_NO_RESPONDERS = "503"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message to publish. The broker stores what has the same `id` once within two minutes."""

    subject: str
    id: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Window:
    """At most 250 messages that are under way together.

    nats-py's own `publish_async` loses the answer by which a stream refuses a message (2.16).
    """

    def __init__(self, messages: Sequence[Outgoing]) -> None:
        self._messages = messages
        self._unconfirmed = len(messages)
        self._over = asyncio.Event()
        self._refusal: str | None = None
        self._is_missed = False

    async def send(self, client: Client) -> bool:
        """Publish in order, and wait until all are stored; return whether each found its stream.

        Raise `queue_unavailable` when a stream refuses one.
        """
        inbox = client.new_inbox()
        subscription = await client.subscribe(f"{inbox}.*", cb=self._confirm)
        try:
            for number, message in enumerate(self._messages):
                headers = {**message.headers, _ID: message.id}
                await client.publish(message.subject, message.body, reply=f"{inbox}.{number}", headers=headers)
            await self._over.wait()
        finally:
            with suppress(Error):
                await subscription.unsubscribe()
        if self._refusal is not None:
            raise unavailable(self._refusal)
        return not self._is_missed

    async def _confirm(self, message: Msg) -> None:
        if message.headers and message.headers.get("Status") == _NO_RESPONDERS:
            self._is_missed = True
        elif error := json.loads(message.data).get("error"):
            self._refusal = str(error.get("description") or error.get("code"))
        self._unconfirmed -= 1
        if not self._unconfirmed:
            self._over.set()
