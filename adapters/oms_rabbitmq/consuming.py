"""The consumers of one connection, from its opening to its loss."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from pika.channel import Channel
from pika.spec import Basic, BasicProperties

from oms_core.ports.broker import Message, MessageKind
from oms_rabbitmq.acknowledging import Finished
from oms_rabbitmq.dead_lettering import bounded
from oms_rabbitmq.faults import translated
from oms_rabbitmq.links import Link
from oms_rabbitmq.topology import Names, declare

PREFETCH = 200
_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Delivery(Message):
    """A message with its delivery tag. A body above 1 MiB is cut after the byte that makes it too large."""

    consumption: Consumption
    tag: int


class Consumption:
    """Two consumers, a channel each, on one link. The thread that drives the link makes and runs it.

    That thread calls `deliver` with every delivery; `finish` and `wake` are for any thread.
    """

    def __init__(self, link: Link, names: Names, deliver: Callable[[Delivery], None]) -> None:
        self._link = link
        self._deliver = deliver
        self._channels: dict[MessageKind, Channel] = {}
        self._finished = {kind: Finished() for kind in MessageKind}
        self._handed_in: deque[Sequence[Delivery]] = deque()
        self.is_lost = False
        with translated():
            declare(link, link.channel(), names)
            for kind, queue in ((MessageKind.ORDER_IDS, names.orders), (MessageKind.COMMAND, names.commands)):
                self._consume(kind, queue)

    def run(self, stopping: Callable[[], bool]) -> None:
        """Receive deliveries and send acknowledgements until the link fails or `stopping` returns True."""
        with translated():
            while not stopping() and self._link.fault is None:
                self._link.pump(lambda: self._handed_in or stopping(), _LOOK_SECONDS)
                self._acknowledge()

    def finish(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge deliveries soon; those of a lost link are delivered again."""
        self._handed_in.append(deliveries)
        self.wake()

    def wake(self) -> None:
        """Make `run` check at once for acknowledgements and for `stopping`."""
        self._link.wake()

    def close(self) -> None:
        """Send the acknowledgements that are due, and close the link."""
        self.is_lost = True
        if self._link.fault is None:
            with translated():
                self._acknowledge()
        self._link.close()

    def _consume(self, kind: MessageKind, queue: str) -> None:
        channel = self._channels[kind] = self._link.channel()
        self._link.ask(partial(channel.basic_qos, prefetch_count=PREFETCH))
        self._link.ask(partial(channel.basic_consume, queue, partial(self._take_in, kind)))

    def _take_in(
        self, kind: MessageKind, _: Channel, method: Basic.Deliver, _properties: BasicProperties, body: bytes
    ) -> None:
        self._deliver(
            Delivery(
                kind=kind,
                body=bounded(body),
                redelivered=bool(method.redelivered),
                consumption=self,
                tag=method.delivery_tag or 0,
            )
        )

    def _acknowledge(self) -> None:
        handed_in: list[Delivery] = []
        while self._handed_in:
            handed_in.extend(self._handed_in.popleft())
        if not handed_in or self._link.fault is not None:
            return
        for kind, channel in self._channels.items():
            for frame in self._finished[kind].add(delivery.tag for delivery in handed_in if delivery.kind is kind):
                channel.basic_ack(frame.tag, frame.multiple)
