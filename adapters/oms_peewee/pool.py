"""A bounded number of connections per process, each used by one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from oms_core.runtime.forks import begin_in_each_process
from oms_peewee.faults import TooLateError
from oms_peewee.patience import Patience


class Poolable(Protocol):
    """What a pool keeps."""

    def is_usable(self) -> bool:
        """Tell, without asking the server, whether this may be lent again."""
        ...

    def discard(self) -> None:
        """Close it, whatever its state; never raises."""
        ...


Kept = TypeVar("Kept", bound=Poolable)


@dataclass(slots=True)
class _Shelf(Generic[Kept]):
    """The connections of one process: those that nobody uses, the last used one on top.

    `suspicions` counts how often all connections have become suspect.
    """

    free: threading.Semaphore
    idle: list[Kept] = field(default_factory=list)
    suspicions: int = 0


class Pool(Generic[Kept]):
    """Lends connections, at most `size` at a time; opens them when they are first needed.

    A forked child starts with an empty pool: it neither uses nor closes its parent's connections, whose sockets it
    shares.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._shelves: list[_Shelf[Kept]] = []
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        # The parent's stays referenced: a connection that is garbage collected is closed, and the parent uses it.
        self._shelves.append(_Shelf(threading.Semaphore(self.size)))

    @contextmanager
    def lend(self, patience: Patience, connect: Callable[[], Kept]) -> Iterator[Kept]:
        """Lend a connection, waiting for one if all are in use, or made by `connect` if none is there.

        Raises TooLateError when none came free, and what `connect` raises.
        """
        shelf = self._shelves[-1]
        if not shelf.free.acquire(timeout=patience.left_seconds):
            raise TooLateError(f"all {self.size} connections of this process are in use")
        try:
            suspicions = shelf.suspicions
            connection = self._take(shelf, connect)
            try:
                yield connection
            finally:
                self._put_back(shelf, connection, is_suspect=suspicions != shelf.suspicions)
        finally:
            shelf.free.release()

    def discard_idle(self) -> None:
        """Close what nobody uses: after one lost connection the others of the same server are suspect.

        Those that are lent are closed when they come back.
        """
        shelf = self._shelves[-1]
        shelf.suspicions += 1  # Two threads that do so at once mean the same.
        while shelf.idle:
            try:
                shelf.idle.pop().discard()
            except IndexError:  # Another thread took the last one.
                return

    def _take(self, shelf: _Shelf[Kept], connect: Callable[[], Kept]) -> Kept:
        while shelf.idle:
            try:
                connection = shelf.idle.pop()
            except IndexError:  # Another thread took the last one.
                break
            if connection.is_usable():
                return connection
            connection.discard()
        return connect()

    def _put_back(self, shelf: _Shelf[Kept], connection: Kept, *, is_suspect: bool) -> None:
        if not is_suspect and connection.is_usable():
            shelf.idle.append(connection)
        else:
            connection.discard()
