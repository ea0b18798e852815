"""The stream of messages that could not be read: listing, replaying and discarding them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import islice
from typing import Any, Final

from nats.js.errors import APIError

from oms_core.ports.broker import DeadLetter, MessageKind
from oms_nats.addresses import Address
from oms_nats.confirms import Outgoing
from oms_nats.connections import ANSWER_SECONDS, Connection
from oms_nats.dead_lettering import letter_id, read_headers, read_letter, sequence_of
from oms_nats.links import Line, Link
from oms_nats.publishing import Publisher, to_commands, to_orders
from oms_nats.topology import Names

LOOKED_AT_MAX: Final = 10_000
_AT_A_TIME = 100
_MISSING = frozenset({400, 404})  # To delete what is gone already is answered with 400.


class NatsDeadLetters:
    """DeadLetters in a stream, which keeps them in their order. A call looks at 10,000 at most, from the oldest on."""

    def __init__(self, address: Address, names: Names) -> None:
        self._address = address
        self._names = names

    def list(self, *, limit: int) -> list[DeadLetter]:
        with self._opened() as stream:
            return list(islice(stream.walk(), limit))

    def replay(self, ids: Sequence[str] | None) -> int:
        publisher = Publisher(self._address, self._names, "dead letters")
        with closing(publisher):
            return self._remove(ids, lambda letters: publisher.publish([self._sent_back(each) for each in letters]))

    def discard(self, ids: Sequence[str] | None) -> int:
        return self._remove(ids, lambda _: None)

    def _remove(self, ids: Sequence[str] | None, before: Callable[[Sequence[DeadLetter]], None]) -> int:
        """Remove letters, up to 100 at a time, each time after `before`; return how many there were."""
        found = 0
        with self._opened() as stream:
            chosen = stream.walk() if ids is None else stream.find(ids)
            while letters := tuple(islice(chosen, _AT_A_TIME)):
                before(letters)
                for letter in letters:
                    stream.remove(letter)
                found += len(letters)
        return found

    def _sent_back(self, letter: DeadLetter) -> Outgoing:
        """Return a letter addressed to where it came from. What is sent back twice, after a crash, comes in once."""
        address = to_orders if letter.kind is MessageKind.ORDER_IDS else to_commands
        return address(self._names, letter.body, message_id=f"replayed-{letter.id}")

    @contextmanager
    def _opened(self) -> Iterator[_DeadStream]:
        """Connect for one call."""
        line = Line(self._address, "dead letters", self._names)
        with closing(line):
            yield _DeadStream(line.open(), self._names.stream(self._names.dead), self._names.dead)


class _DeadStream:
    """The stream of dead letters over one link, letter by letter."""

    def __init__(self, link: Link, stream: str, subject: str) -> None:
        self._link = link
        self._stream = stream
        self._subject = subject

    def walk(self) -> Iterator[DeadLetter]:
        """Read the letters that are there now, the oldest first; letters that arrive meanwhile are left."""
        last = self._ask("INFO", {})["state"]["last_seq"]
        sequence = 1
        for _ in range(LOOKED_AT_MAX):
            message = self._read({"seq": sequence, "next_by_subj": self._subject})
            if message is None or message["seq"] > last:
                return
            yield _letter(message)
            sequence = message["seq"] + 1

    def find(self, ids: Sequence[str]) -> Iterator[DeadLetter]:
        """Read the letters of these ids that are there."""
        for wanted in dict.fromkeys(ids):
            sequence = sequence_of(wanted)
            message = self._read({"seq": sequence}) if sequence else None
            if message is not None and (letter := _letter(message)).id == wanted:
                yield letter

    def remove(self, letter: DeadLetter) -> None:
        """Remove a letter for good; one that is gone already is passed over."""
        self._ask("MSG.DELETE", {"seq": sequence_of(letter.id)}, may_be_missing=True)

    def _read(self, which: dict[str, object]) -> dict[str, Any] | None:
        answer = self._ask("MSG.GET", which, may_be_missing=True)
        return answer.get("message")

    def _ask(self, verb: str, request: dict[str, object], *, may_be_missing: bool = False) -> dict[str, Any]:
        subject = f"$JS.API.STREAM.{verb}.{self._stream}"
        return self._link.ask(partial(_ask, subject=subject, request=request, may_be_missing=may_be_missing))


async def _ask(
    connection: Connection, *, subject: str, request: dict[str, object], may_be_missing: bool
) -> dict[str, Any]:
    """Ask JetStream's API; an answer without anything says that the letter is missing."""
    answer = await connection.client.request(subject, json.dumps(request).encode(), timeout=ANSWER_SECONDS)
    document: dict[str, Any] = json.loads(answer.data)
    error = document.get("error")
    if error and not (may_be_missing and error["code"] in _MISSING):
        raise APIError.from_error(error)
    return {} if error else document


def _letter(message: dict[str, Any]) -> DeadLetter:
    return read_letter(
        letter=letter_id(message["seq"], message["time"]),
        stored_at=message["time"],
        headers=read_headers(base64.b64decode(message.get("hdrs", ""))),
        body=base64.b64decode(message.get("data", "")),
    )
