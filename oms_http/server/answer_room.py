"""How much of the large answers a process holds until their readers have taken them, and whose they are."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass

# One caller may hold half of it, so that a slow reader leaves the others some.
_OWNERS_PART = 2


class NoRoomError(Exception):
    """There was no room for an answer in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerShare:
    """What one answer takes of a room."""

    owner: str | None
    size: int
    room: AnswerRoom


class AnswerRoom:
    """Room for `places` answers of `bytes_max` together, of one owner for half of each; thread-safe.

    A larger answer has room where there is no other. Who finds none waits `wait_seconds` for it.
    """

    def __init__(self, *, places: int, bytes_max: int, wait_seconds: float) -> None:
        self._places = places
        self._bytes_max = bytes_max
        self._wait_seconds = wait_seconds
        self._changed = threading.Condition()
        self._answers: Counter[str | None] = Counter()
        self._bytes: Counter[str | None] = Counter()

    def take(self, share: AnswerShare) -> None:
        """Take it. Raise NoRoomError: not within the time."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._fits(share), self._wait_seconds):
                raise NoRoomError
            self._answers[share.owner] += 1
            self._bytes[share.owner] += share.size

    def give_back(self, share: AnswerShare) -> None:
        """Give back what was taken; called once, when the reader has the answer or has gone."""
        with self._changed:
            for held, size in ((self._answers, 1), (self._bytes, share.size)):
                held[share.owner] -= size
                if not held[share.owner]:
                    del held[share.owner]
            self._changed.notify_all()

    def _fits(self, share: AnswerShare) -> bool:
        answers, held = self._answers.total(), self._bytes.total()
        if answers and (answers >= self._places or held + share.size > self._bytes_max):
            return False
        if share.owner is None:
            return True
        own, own_held = self._answers[share.owner], self._bytes[share.owner]
        return not own or (
            own < self._places // _OWNERS_PART and own_held + share.size <= self._bytes_max // _OWNERS_PART
        )
