"""Messages that could not be read, for a person: listed, replayed, discarded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from pika.channel import Channel
from pika.spec import Basic, BasicProperties

from oms_core.ports.queue import DeadLetter, MessageKind
from oms_rabbitmq.addresses import Address
from oms_rabbitmq.burying import read_letter
from oms_rabbitmq.confirms import ConfirmedChannel
from oms_rabbitmq.faults import translated, unavailable
from oms_rabbitmq.links import Link, open_link
from oms_rabbitmq.publishing import to_commands, to_orders
from oms_rabbitmq.topology import Names, declare

LOOKED_AT_MAX: Final = 10_000
LISTED_BYTES_MAX: Final = 64 * 1_048_576


class RabbitmqDeadLetters:
    """DeadLetters: the queue is walked from its head, at most 10,000 letters far; what is kept goes back in place."""

    def __init__(self, address: Address, names: Names) -> None:
        self._address = address
        self._names = names

    def list(self, *, limit: int) -> list[DeadLetter]:
        """See DeadLetters; it stops early when it has 64 MiB."""
        letters: list[DeadLetter] = []
        held_bytes = 0
        with self._opened() as queue:
            for letter, _ in queue.walk(limit):
                letters.append(letter)
                held_bytes += len(letter.body)
                if held_bytes >= LISTED_BYTES_MAX:
                    break
        return letters

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


def _remove(queue: _DeadQueue, ids: Sequence[str] | None, before: Callable[[DeadLetter], None]) -> int:
    wanted = None if ids is None else set(ids)
    found = 0
    for letter, tag in queue.walk(LOOKED_AT_MAX):
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
        self._answers: list[tuple[DeadLetter, int, int] | None] = []
        self._channel.add_callback(lambda _: self._answers.append(None), [Basic.GetEmpty], one_shot=False)
        self._publishing = ConfirmedChannel(link)
        declare(link, self._channel, names)

    def walk(self, limit: int) -> Iterator[tuple[DeadLetter, int]]:
        """Take the letters that are there now in hand, each with its delivery tag; those that come meanwhile not."""
        left = min(limit, LOOKED_AT_MAX)
        while left > 0 and (got := self._get()) is not None:
            letter, tag, behind = got
            left = min(left - 1, behind)
            yield letter, tag

    def acknowledge(self, tag: int) -> None:
        """Remove a letter in hand for good."""
        self._channel.basic_ack(tag)

    def put_back(self) -> None:
        """Put all letters in hand back in place."""
        self._channel.basic_nack(0, multiple=True, requeue=True)

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
