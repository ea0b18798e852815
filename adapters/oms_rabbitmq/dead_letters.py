"""Messages that could not be read, for a person: listed, replayed, discarded."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from pika.channel import Channel
from pika.spec import Basic, BasicProperties

from oms_core.ports.queue import DeadLetter, MessageKind
from oms_rabbitmq.addresses import Address
from oms_rabbitmq.burying import bounded, read_letter
from oms_rabbitmq.confirms import ConfirmedChannel
from oms_rabbitmq.faults import translated, unavailable
from oms_rabbitmq.links import Link, open_link
from oms_rabbitmq.publishing import to_commands, to_orders
from oms_rabbitmq.topology import Names, declare

LOOKED_AT_MAX: Final = 10_000


class RabbitmqDeadLetters:
    """DeadLetters: the queue is walked from its head, at most 10,000 letters far; what is kept goes back."""

    def __init__(self, address: Address, names: Names) -> None:
        self._address = address
        self._names = names

    def list(self, *, limit: int) -> list[DeadLetter]:
        """See DeadLetters; bodies above 1 MiB are cut after the byte that makes them too large."""
        with self._opened() as queue:
            # All are looked at: a quorum queue takes back what is in hand at its tail, whatever its place was.
            letters = (replace(letter, body=bounded(letter.body)) for letter, _ in queue.walk())
            return heapq.nsmallest(limit, letters, key=_age)

    def replay(self, ids: Sequence[str] | None) -> int:
        """See DeadLetters."""
        with self._opened() as queue:
            return _remove(queue, ids, queue.send_back)

    def discard(self, ids: Sequence[str] | None) -> int:
        """See DeadLetters."""
        with self._opened() as queue:
            return _remove(queue, ids, lambda _: None)

    @contextmanager
    def _opened(self) -> Iterator[_DeadQueue]:
        """Connect for one call, and put back what is then still in hand; after an error, the broker does."""
        link = open_link(self._address, "dead letters")
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


def _remove(queue: _DeadQueue, ids: Sequence[str] | None, before: Callable[[DeadLetter], None]) -> int:
    wanted = None if ids is None else set(ids)
    found = 0
    for letter, tag in queue.walk():
        if wanted is None or letter.id in wanted:
            before(letter)
            queue.acknowledge(tag)
            found += 1
            if wanted is not None and found == len(wanted):
                break
    return found


class _DeadQueue:
    """The queue of dead letters over one link, letter by letter."""

    def __init__(self, link: Link, names: Names) -> None:
        self._link = link
        self._names = names
        self._channel = link.channel()
        self._in_hand: set[int] = set()
        self._answers: list[tuple[DeadLetter, int, int] | None] = []
        self._channel.add_callback(lambda _: self._answers.append(None), [Basic.GetEmpty], one_shot=False)
        self._publishing = ConfirmedChannel(link)
        declare(link, self._channel, names)

    def walk(self) -> Iterator[tuple[DeadLetter, int]]:
        """Take the letters that are there now in hand, each with its delivery tag; those that come meanwhile not."""
        left = LOOKED_AT_MAX
        while left > 0 and (got := self._get()) is not None:
            letter, tag, behind = got
            left = min(left - 1, behind)
            self._in_hand.add(tag)
            yield letter, tag

    def acknowledge(self, tag: int) -> None:
        """Remove a letter in hand for good."""
        self._channel.basic_ack(tag)
        self._in_hand.discard(tag)

    def put_back(self) -> None:
        """Put all letters in hand back, to the queue's tail in the order in which they came."""
        if self._in_hand:
            self._channel.basic_nack(max(self._in_hand), multiple=True, requeue=True)

    def send_back(self, letter: DeadLetter) -> None:
        """Publish a letter to where it came from, confirmed."""
        address = to_orders if letter.kind is MessageKind.ORDER_IDS else to_commands
        if not self._publishing.send([address(self._names, letter.body)]):
            raise unavailable("no queue takes the message")

    def _get(self) -> tuple[DeadLetter, int, int] | None:
        """Take one letter in hand, and tell its tag and how many are behind it; None when there is none."""
        self._channel.basic_get(self._names.dead, self._take_in)
        self._link.wait(lambda: bool(self._answers))
        return self._answers.pop()

    def _take_in(self, _: Channel, method: Basic.GetOk, properties: BasicProperties, body: bytes) -> None:
        self._answers.append((read_letter(properties, body), method.delivery_tag or 0, method.message_count or 0))
