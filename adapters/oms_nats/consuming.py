"""What an inbox does over one connection, from its opening to its loss."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from nats.aio.msg import Msg

from oms_core.errors import OmsError
from oms_core.ports.broker import MessageKind
from oms_nats.connections import Connection
from oms_nats.faults import unavailable
from oms_nats.holding import Holdings
from oms_nats.pulling import Delivery, Pull
from oms_nats.topology import ACK_WAIT_SECONDS, Names

TICK_SECONDS: Final = 1.0
WORKING_SECONDS: Final = ACK_WAIT_SECONDS / 5
_STOPPING_SECONDS = 1.0
_DONE, _WORKING, _AGAIN = b"+ACK", b"+WPI", b"-NAK"


class Consumption:
    """Two pulls on one connection, and the acknowledgements of whatever the inbox has finished. For one event loop."""

    def __init__(self, connection: Connection, names: Names, holdings: Holdings) -> None:
        self._client = connection.client
        self._connection = connection
        self._holdings = holdings
        self._acknowledgements = Acknowledgements(connection, holdings)
        self._said_at = 0.0
        self._pulls = {
            kind: Pull(
                connection,
                kind,
                f"$JS.API.CONSUMER.MSG.NEXT.{names.stream(subject)}.{names.consumer}",
                deliver=holdings.put,
                changed=holdings.wake,
            )
            for kind, subject in ((MessageKind.ORDER_IDS, names.orders), (MessageKind.COMMAND, names.commands))
        }

    async def start(self) -> None:
        """Let the broker know where messages and confirmations are to go, and ask for messages."""
        await self._acknowledgements.start()
        for pull in self._pulls.values():
            await pull.start()
        await self._connection.answered(self._work())

    async def run(self) -> None:
        """Receive and acknowledge until the inbox stops. Raise `queue_unavailable` when the connection is lost."""
        while not self._holdings.is_stopping:
            if self._connection.fault is not None:
                raise unavailable(self._connection.fault)
            await self._connection.answered(self._work())
            await self._holdings.wait(TICK_SECONDS)
        with suppress(OmsError):
            await self._connection.answered(self._finish(), _STOPPING_SECONDS)
            await self._connection.answered(self._give_back(), _STOPPING_SECONDS)

    async def _work(self) -> None:
        await self._acknowledgements.send()
        if time.monotonic() - self._said_at >= WORKING_SECONDS:
            self._said_at = time.monotonic()
            await self._say(_WORKING)
        for kind, pull in self._pulls.items():
            await pull.refill(len(self._holdings.unfinished(kind)))

    async def _finish(self) -> None:
        """Send the acknowledgements that are due."""
        await self._acknowledgements.send()
        await self._client.flush()

    async def _give_back(self) -> None:
        """Take in what is under way, and give all back that is not finished."""
        for pull in self._pulls.values():
            await pull.stop()
        await self._say(_AGAIN)
        await self._client.flush()

    async def _say(self, word: bytes) -> None:
        for kind in self._pulls:
            for delivery in self._holdings.unfinished(kind):
                await self._client.publish(delivery.reply, word)


class Acknowledgements:
    """Acknowledges what is finished, and forgets it once the broker has confirmed that.

    So what was lost with an earlier connection is acknowledged again over this one.
    """

    def __init__(self, connection: Connection, holdings: Holdings) -> None:
        self._client = connection.client
        self._holdings = holdings
        self._inbox = connection.client.new_inbox()
        self._sent: dict[Delivery, float] = {}
        self._by_subject: dict[str, Delivery] = {}
        self._count = 0

    async def start(self) -> None:
        """Subscribe to the confirmations."""
        await self._client.subscribe(f"{self._inbox}.*", cb=self._confirmed)

    async def send(self) -> None:
        """Acknowledge what was finished since, and give up those that were not confirmed for long."""
        now = time.monotonic()
        finished = self._holdings.finished()
        self._forget([each for each in finished if now - self._sent.get(each, now) > ACK_WAIT_SECONDS])
        for delivery in finished:
            if delivery not in self._sent:
                self._count += 1
                subject = f"{self._inbox}.{self._count}"
                self._sent[delivery] = now
                self._by_subject[subject] = delivery
                await self._client.publish(delivery.reply, _DONE, reply=subject)

    async def _confirmed(self, message: Msg) -> None:
        if delivery := self._by_subject.pop(message.subject, None):
            self._forget([delivery])

    def _forget(self, deliveries: Iterable[Delivery]) -> None:
        for delivery in deliveries:
            self._sent.pop(delivery, None)
            self._holdings.forget(delivery)
