"""Which deliveries of a channel can be acknowledged together, to send as few frames as is safe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """One frame with a delivery tag; `multiple` means this delivery and all outstanding ones before it."""

    tag: int
    multiple: bool


class Finished:
    """The finished deliveries of one channel, whose tags count up from 1."""

    def __init__(self) -> None:
        self._first_open = 1
        self._beyond: set[int] = set()  # Finished, while one before them is not.

    def add(self, tags: Iterable[int]) -> list[Acknowledgement]:
        """Add finished tags and return their acknowledgements; a tag that was added before gets none.

        `multiple` covers the unbroken row from the first tag on. Its tag is always a new one: to acknowledge a tag
        twice would close the channel.
        """
        new = sorted({tag for tag in tags if tag >= self._first_open} - self._beyond)
        self._beyond.update(new)
        while self._first_open in self._beyond:
            self._beyond.discard(self._first_open)
            self._first_open += 1
        row = [tag for tag in new if tag < self._first_open]
        covering = [Acknowledgement(tag=row[-1], multiple=True)] if row else []
        return covering + [Acknowledgement(tag=tag, multiple=False) for tag in new[len(row) :]]
