"""A worker's deliveries: a thread of its own says that work goes on, so that a long batch is not delivered again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from oms_core.errors import OmsError
from oms_core.ports.broker import Message
from oms_core.runtime.background_thread import BackgroundThread
from oms_core.runtime.backoff import Backoff
from oms_core.runtime.forks import begin_in_each_process
from oms_nats.addresses import Address
from oms_nats.connections import connect
from oms_nats.consuming import Consumption
from oms_nats.dead_lettering import to_dead
from oms_nats.holding import Holdings
from oms_nats.publishing import Publisher
from oms_nats.pulling import Delivery
from oms_nats.topology import Names, declare

_PAUSE_SECONDS_FIRST = 0.1
_PAUSE_SECONDS_MAX = 5.0
_CLOSING_SECONDS = 8.0

_log = logging.getLogger(__name__)


class NatsInbox:
    """Inbox over two streams; at most 200 messages of each are held. Its thread starts at the first `take`.

    What is held stays held while the connection is lost, as long as it comes back before the broker delivers it again.
    """

    def __init__(self, address: Address, names: Names) -> None:
        self._address = address
        self._names = names
        self._dead_letters = Publisher(address, names, "dead letters")
        self._thread = BackgroundThread(self._run, name="oms-nats-inbox")
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._holdings = Holdings()  # In a child: only the parent acknowledges its deliveries.
        self._is_connected = False

    @property
    def connected(self) -> bool:
        return self._is_connected

    def take(self, *, limit: int, timeout_seconds: float) -> list[Message]:
        self._thread.start()
        return [*self._holdings.take(limit, timeout_seconds)]

    def done(self, messages: Sequence[Message]) -> None:
        self._holdings.finish(message for message in messages if isinstance(message, Delivery))

    def dead_letter(self, message: Message, reason: OmsError) -> None:
        """Move a message to the dead letters. One of an earlier opening is left, since it is delivered again."""
        if isinstance(message, Delivery) and self._holdings.holds(message):
            bytes_max = self._dead_letters.message_bytes_max
            self._dead_letters.publish([to_dead(self._names, message, reason, message_bytes_max=bytes_max)])
            self.done([message])

    def close(self) -> None:
        self._holdings.stop()
        self._thread.join(_CLOSING_SECONDS)
        self._dead_letters.close()
        self._begin()

    def _run(self) -> None:
        holdings = self._holdings
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._receive(holdings))

    async def _receive(self, holdings: Holdings) -> None:
        backoff = Backoff(first_seconds=_PAUSE_SECONDS_FIRST, max_seconds=_PAUSE_SECONDS_MAX)
        openings = 0
        with holdings.awake():
            while not holdings.is_stopping:
                try:
                    await self._consume(holdings, backoff, openings)
                except OmsError as error:
                    _log.log(logging.DEBUG if backoff.failures else logging.WARNING, "%s", error.detail)
                except Exception:  # noqa: BLE001  The thread's edge: without it, a defect would end all deliveries.
                    _log.exception("the inbox's thread met a defect, and connects again")
                else:
                    return
                self._is_connected = False
                openings += 1
                await holdings.pause(backoff.next_pause_seconds())

    async def _consume(self, holdings: Holdings, backoff: Backoff, first: int) -> None:
        """Consume over one connection until the inbox stops. Raise `queue_unavailable` when it is lost."""
        connection = await connect(self._address, "inbox", first)
        try:
            await connection.answered(
                declare(
                    connection.jetstream, self._names, replicas=self._address.replicas, in_cluster=connection.in_cluster
                )
            )
            consumption = Consumption(connection, self._names, holdings)
            await consumption.start()
            self._is_connected = True
            backoff.reset()
            await consumption.run()
        finally:
            await connection.close()
