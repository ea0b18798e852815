"""Counts the rooms of a walk: the files of the product that a piece of work enters, in the order it enters them."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

WALKS_OF_A_KIND = 3
PRODUCT = re.compile(r"/(oms_(?!ddl/|contracts/)\w+/.+\.py)$")
# Values, pure decisions and null objects are what rooms speak of to each other: shown, and no rooms.
VOCABULARY = re.compile(r"oms_core/(domain|ports)/")
# A room in which nothing but this happens is made, perhaps closed, and never used.
UPKEEP = re.compile(r"__(init|post_init|new|set_name|exit)__|(open|make|close)(_\w+)?")
MODULE = "<module>"


@dataclass(slots=True)
class Room:
    """A file that was entered, first at the function `first`.

    `entries` counts the calls from other files, the calls that go on in a generator among them; `calls` every call, by
    function. `uses` counts those that no opening, making or closing led to.
    """

    path: str
    first: str
    entries: int = 1
    uses: int = 0
    calls: dict[str, int] = field(default_factory=dict)

    @property
    def is_vocabulary(self) -> bool:
        return VOCABULARY.match(self.path) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """What was entered, and how many files of the product the process had loaded by then."""

    entered: Sequence[Room]
    files_loaded: int

    @property
    def rooms(self) -> list[Room]:
        return [room for room in self.entered if not room.is_vocabulary]

    @property
    def unused(self) -> list[Room]:
        """The rooms that were made, and perhaps closed, and served no other purpose."""
        return [room for room in self.rooms if not room.uses]

    def shown(self, *, entries: bool = False) -> str:
        """Show a walk, a line a file; with `entries`, every function, and what was made without being used."""
        lines = [f"{len(self.rooms)} rooms, {_plus(self)}, {self.files_loaded} files loaded; entries, first function:"]
        number = 0
        for room in self.entered:
            number += not room.is_vocabulary
            numeral = " " * 3 + "." if room.is_vocabulary else f"{number:4}"
            lines.append(f"{numeral} {room.path:<48} {room.entries:4}  {room.first}")
            if entries:
                lines.extend(f"{'':60}{count:4}  {name}" for name, count in room.calls.items())
        if entries:
            lines.append(f"{len(self.unused)} of them are only made or closed:")
            lines.extend(f"     {room.path}" for room in self.unused)
        return "\n".join(lines)


class Recorder:
    """Records what all threads enter, those that start while it listens; what runs while a module loads is no entry."""

    def __init__(self) -> None:
        self._rooms: dict[str, Room] | None = None
        self._loading = threading.local()
        self._paths: dict[str, str | None] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear of calls, in this thread and in those that start meanwhile."""
        threading.setprofile(self._hear)
        sys.setprofile(self._hear)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def walk(self, work: Callable[[], object]) -> Walk:
        """Record one piece of work."""
        self._rooms = rooms = {}
        try:
            work()
        finally:
            self._rooms = None
        return Walk(entered=list(rooms.values()), files_loaded=len(files_loaded()))

    def shortest(self, work: Callable[[], object]) -> Walk:
        """Record some work several times, and return the shortest walk: what happens now and then is not part of it."""
        return min((self.walk(work) for _ in range(WALKS_OF_A_KIND)), key=lambda walk: len(walk.rooms))

    def _hear(self, frame: FrameType, event: str, _: Any) -> None:
        if frame.f_code.co_name == MODULE:
            depth = getattr(self._loading, "depth", 0)
            self._loading.depth = depth + (event == "call") - (event == "return")
        elif event == "call" and self._rooms is not None and not getattr(self._loading, "depth", 0):
            self._note(frame, self._rooms)

    def _note(self, frame: FrameType, rooms: dict[str, Room]) -> None:
        path = self._path(frame)
        if path is None:
            return
        name = frame.f_code.co_qualname
        room = rooms.get(path)
        if room is None:
            room = rooms[path] = Room(path, name)
        elif next(filter(None, map(self._path, _callers(frame))), None) != path:
            room.entries += 1
        room.calls[name] = room.calls.get(name, 0) + 1
        room.uses += not any(map(self._is_upkeep, (frame, *_callers(frame))))

    def _is_upkeep(self, frame: FrameType) -> bool:
        return UPKEEP.fullmatch(frame.f_code.co_name) is not None and self._path(frame) is not None

    def _path(self, frame: FrameType) -> str | None:
        file = frame.f_code.co_filename
        if file not in self._paths:
            self._paths[file] = path_of(file)
        return self._paths[file]


def path_of(file: str) -> str | None:
    """Return a file's path from its package on; None unless it is the product's."""
    found = PRODUCT.search(file)
    return found and found[1]


def files_loaded() -> set[str]:
    """Return the files of the product that are loaded in this process."""
    files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
    return {path for path in map(path_of, files) if path is not None}


def _callers(frame: FrameType) -> Iterator[FrameType]:
    caller = frame.f_back
    while caller is not None:
        yield caller
        caller = caller.f_back


def _plus(walk: Walk) -> str:
    return f"{len(walk.entered) - len(walk.rooms)} files of vocabulary"
