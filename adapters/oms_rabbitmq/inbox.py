"""A worker's deliveries: a thread of its own keeps the connection alive while a batch is being worked on."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby

from oms_core.errors import OmsError
from oms_core.ports.broker import Message
from oms_core.runtime.background_thread import BackgroundThread
from oms_core.runtime.backoff import Backoff
from oms_core.runtime.forks import begin_in_each_process
from oms_rabbitmq.consuming import Consumption, Delivery
from oms_rabbitmq.dead_lettering import to_dead
from oms_rabbitmq.links import open_link
from oms_rabbitmq.nodes import Nodes
from oms_rabbitmq.publishing import DELETION_SECONDS, Publisher
from oms_rabbitmq.topology import Names

_PAUSE_SECONDS_FIRST = 0.1
_PAUSE_SECONDS_MAX = 5.0
_CLOSING_SECONDS = 8.0

_log = logging.getLogger(__name__)


class RabbitmqInbox:
    """Inbox over two quorum queues; at most 200 messages of each are held. Its thread starts at the first `take`."""

    def __init__(self, nodes: Nodes, names: Names) -> None:
        self._nodes = nodes
        self._names = names
        self._dead_letters = Publisher(nodes, names, "dead letters")
        self._consumption: Consumption | None = None
        self._thread = BackgroundThread(self._run, name="oms-inbox")
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Delivery] = deque()
        if self._consumption is not None:
            self._consumption.is_lost = True  # In a child: only the parent acknowledges its deliveries.
        self._consumption = None
        self._stopping = threading.Event()

    @property
    def connected(self) -> bool:
        return self._consumption is not None

    def take(self, *, limit: int, timeout_seconds: float) -> list[Message]:
        self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._waiting, timeout_seconds)
            return [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]

    def done(self, messages: Sequence[Message]) -> None:
        deliveries = [message for message in messages if isinstance(message, Delivery)]
        for consumption, group in groupby(deliveries, lambda delivery: delivery.consumption):
            if not consumption.is_lost:
                consumption.finish(list(group))

    def dead_letter(self, message: Message, reason: OmsError) -> None:
        """Move a message to the dead letters. One of a lost connection is left, since it is delivered again."""
        if isinstance(message, Delivery) and not message.consumption.is_lost:
            self._dead_letters.publish([to_dead(self._names, message, reason)])
            self.done([message])

    def close(self) -> None:
        self._stopping.set()
        if (consumption := self._consumption) is not None:
            consumption.wake()
        self._thread.join(_CLOSING_SECONDS)
        self._dead_letters.close()
        self._begin()

    def _run(self) -> None:
        stopping = self._stopping
        backoff = Backoff(first_seconds=_PAUSE_SECONDS_FIRST, max_seconds=_PAUSE_SECONDS_MAX)
        while not stopping.is_set():
            try:
                self._consume(stopping)
            except OmsError as error:
                _log.log(logging.DEBUG if backoff.failures else logging.WARNING, "%s", error.detail)
                stopping.wait(backoff.next_pause_seconds())
            except Exception:  # noqa: BLE001  The thread's edge: without it, a defect would end all deliveries.
                _log.exception("the inbox's thread met a defect, and connects again")
                stopping.wait(backoff.next_pause_seconds())
            else:
                backoff.reset()

    def _consume(self, stopping: threading.Event) -> None:
        """Consume over one connection until it is lost. Raise `queue_unavailable` when it cannot be opened."""
        link = open_link(self._nodes, "inbox")
        try:
            consumption = Consumption(link, self._names, self._deliver)
        except BaseException:
            link.abort()
            self._lose(self._consumption)  # It may have delivered messages before it failed.
            raise
        self._consumption = consumption
        try:
            consumption.run(stopping.is_set)
        finally:
            self._lose(consumption)
            with suppress(OmsError):
                consumption.close()
        if not stopping.is_set():
            _log.warning("RabbitMQ: %s; connecting again", link.fault)
            stopping.wait(DELETION_SECONDS)

    def _deliver(self, delivery: Delivery) -> None:
        if delivery.consumption.is_lost:
            return  # It arrived after the connection was given up, and is delivered again.
        with self._changed:
            self._consumption = delivery.consumption  # It may deliver before its second consumer is there.
            self._waiting.append(delivery)
            self._changed.notify()

    def _lose(self, lost: Consumption | None) -> None:
        """Drop the messages that nobody has taken yet, since they are delivered again."""
        self._consumption = None
        if lost is not None:
            lost.is_lost = True
            with self._changed:
                self._waiting = deque(delivery for delivery in self._waiting if delivery.consumption is not lost)
