"""The queue of messages that could not be read: listing, replaying and discarding them."""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Final

from pika.channel import Channel
from pika.spec import Basic, BasicProperties

from oms_core.ports.broker import DeadLetter, MessageKind
from oms_rabbitmq.confirms import Outgoing
from oms_rabbitmq.dead_lettering import bounded, read_letter
from oms_rabbitmq.faults import translated
from oms_rabbitmq.links import ANSWER_SECONDS, Link, open_link
from oms_rabbitmq.nodes import Nodes
from oms_rabbitmq.publishing import Publisher, to_commands, to_orders
from oms_rabbitmq.topology import Names, declare

LOOKED_AT_MAX: Final = 10_000
_AT_A_TIME = 100
_PUTTING_BACK_SECONDS = 3.0
_LOOK_SECONDS = 0.02


class RabbitmqDeadLetters:
    """DeadLetters on a queue. A call reads at most 10,000 letters from its head; those that stay are put back."""

    def __init__(self, nodes: Nodes, names: Names) -> None:
        self._nodes = nodes
        self._names = names

    def list(self, *, limit: int) -> list[DeadLetter]:
        """Return the oldest letters; bodies above 1 MiB are cut after the byte that makes them too large."""
        with self._opened() as queue:
            # All are read, since a quorum queue puts returned letters at its tail, whatever their place was.
            letters = (replace(letter, body=bounded(letter.body)) for letter, _ in queue.walk())
            return heapq.nsmallest(limit, letters, key=_age)

    def replay(self, ids: Sequence[str] | None) -> int:
        publisher = Publisher(self._nodes, self._names, "dead letters")
        try:
            return self._remove(ids, lambda letters: publisher.publish([self._sent_back(letter) for letter in letters]))
        finally:
            publisher.close()

    def discard(self, ids: Sequence[str] | None) -> int:
        return self._remove(ids, lambda _: None)

    def _remove(self, ids: Sequence[str] | None, before: Callable[[Sequence[DeadLetter]], None]) -> int:
        """Acknowledge letters, up to 100 at a time, each time after `before`; return how many there were."""
        wanted = None if ids is None else set(ids)
        found = 0
        with self._opened() as queue:
            chosen = ((letter, tag) for letter, tag in queue.walk() if wanted is None or letter.id in wanted)
            while pairs := tuple(
                islice(chosen, _AT_A_TIME if wanted is None else min(_AT_A_TIME, len(wanted) - found))
            ):
                before([letter for letter, _ in pairs])
                queue.acknowledge([tag for _, tag in pairs])
                found += len(pairs)
        return found

    def _sent_back(self, letter: DeadLetter) -> Outgoing:
        address = to_orders if letter.kind is MessageKind.ORDER_IDS else to_commands
        return address(self._names, letter.body)

    @contextmanager
    def _opened(self) -> Iterator[_DeadQueue]:
        """Connect for one call, then put back the letters still held. After an error the broker puts them back."""
        link = open_link(self._nodes, "dead letters")
        try:
            with translated():
                queue = _DeadQueue(link, self._names)
                yield queue
                queue.put_back()
        except BaseException:
            link.abort()
            raise
        link.close()


def _age(letter: DeadLetter) -> datetime:
    return letter.died_at or datetime.min.replace(tzinfo=UTC)


class _DeadQueue:
    """The queue of dead letters over one link, letter by letter.

    It consumes, since basic.get takes 7 ms a letter on a quorum queue. Letters are read from the network one after
    another, so that few are in memory.
    """

    def __init__(self, link: Link, names: Names) -> None:
        self._link = link
        self._name = names.dead
        self._channel = link.channel()
        self._read: deque[tuple[DeadLetter, int]] = deque()
        self._in_hand: set[int] = set()
        declare(link, self._channel, names)

    def walk(self) -> Iterator[tuple[DeadLetter, int]]:
        """Take the letters that are there now, each with its delivery tag; letters that arrive meanwhile are left."""
        count = min(self._ready(), LOOKED_AT_MAX)
        if count == 0:
            return
        self._link.ask(partial(self._channel.basic_qos, prefetch_count=count))
        self._link.ask(partial(self._channel.basic_consume, self._name, self._take_in))
        for _ in range(count):
            if not self._link.pump(lambda: self._read, ANSWER_SECONDS):
                self._ready()  # Raises if the broker is gone; else somebody else holds the rest.
                return
            yield self._read.popleft()

    def acknowledge(self, tags: Sequence[int]) -> None:
        """Remove letters for good."""
        for tag in tags:
            self._channel.basic_ack(tag)
        self._in_hand.difference_update(tags)

    def put_back(self) -> None:
        """Return all letters still held to the queue, and wait until they are there, for three seconds at most.

        They go to the tail in the order in which they came. The channel is closed for this, which is one step for the
        broker; to refuse 10,000 letters one by one takes it seconds.
        """
        if not self._in_hand:
            return
        channel, self._channel = self._channel, self._link.channel()
        channel.close()
        self._link.wait(lambda: channel.is_closed)
        deadline = time.monotonic() + _PUTTING_BACK_SECONDS
        while self._ready() < len(self._in_hand) and time.monotonic() < deadline:
            self._link.pump(lambda: False, _LOOK_SECONDS)

    def _ready(self) -> int:
        answer = self._link.ask(partial(self._channel.queue_declare, self._name, passive=True))
        return int(answer.method.message_count)

    def _take_in(self, _: Channel, method: Basic.Deliver, properties: BasicProperties, body: bytes) -> None:
        tag = method.delivery_tag or 0
        self._in_hand.add(tag)
        self._read.append((read_letter(properties, body), tag))
