"""Where a large body is kept while it arrives: in memory on a common budget, or in a temporary file."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import IO, Protocol

from oms_http.server.early_refusals import NO_ROOM, TOO_MANY, RefusedError

WRITE_BYTES = 256 * 1024
_OWNERS_PART = 4


class BodyStore(Protocol):
    """Keeps one body; belongs to the event loop's thread."""

    async def add(self, piece: bytes) -> None:
        """Keep one more piece. Raise RefusedError: there is no room. OSError: the disk refuses."""

    async def finish(self) -> IO[bytes]:
        """Return the whole body, at its start. Raise OSError as above."""

    def close(self) -> None:
        """Free what the body holds; called once."""


class MemoryBudget:
    """How many bytes the bodies of a process may hold together, and those of one owner a quarter of it."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._held: Counter[str | None] = Counter()

    def open_store(self, *, owner: str | None, length: int) -> BodyStore:
        """Make a store that has `length` bytes of this budget, as far as they are known. Raise RefusedError."""
        store = _MemoryStore(self, owner)
        store.take(length)
        return store

    def take(self, owner: str | None, size: int) -> None:
        """Take `size` bytes. Raise RefusedError if there are not as many left."""
        if self._held.total() + size > self._bytes_max:
            raise RefusedError(NO_ROOM)
        if owner is not None and self._held[owner] and self._held[owner] + size > self._bytes_max // _OWNERS_PART:
            raise RefusedError(TOO_MANY)
        self._held[owner] += size

    def give_back(self, owner: str | None, size: int) -> None:
        """Give back what was taken."""
        self._held[owner] -= size
        if not self._held[owner]:
            del self._held[owner]


class _MemoryStore:
    def __init__(self, budget: MemoryBudget, owner: str | None) -> None:
        self._budget = budget
        self._owner = owner
        self._taken = 0
        self._size = 0
        self._body = BytesIO()

    def take(self, size: int) -> None:
        self._budget.take(self._owner, size)
        self._taken += size

    async def add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._taken:
            self.take(self._size - self._taken)
        self._body.write(piece)

    async def finish(self) -> IO[bytes]:
        self._body.seek(0)
        return self._body

    def close(self) -> None:
        self._budget.give_back(self._owner, self._taken)


class SpoolDirectory:
    """How many bodies a process may spool at a time, and the thread that touches their files: a disk may stall."""

    def __init__(self, *, places: int, directory: str | None) -> None:
        self._places = places
        self._held: Counter[str | None] = Counter()
        self._directory = directory
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="oms-http-spool")

    def open_store(self, *, owner: str | None) -> BodyStore:
        """Make a store in a file without a name, which cannot be left behind. Raise RefusedError: no place is free.

        One owner may have a quarter of the places.
        """
        if self._held.total() >= self._places:
            raise RefusedError(NO_ROOM)
        if owner is not None and self._held[owner] >= max(1, self._places // _OWNERS_PART):
            raise RefusedError(TOO_MANY)
        file = tempfile.TemporaryFile(dir=self._directory)  # noqa: SIM115  # The store closes it.
        self._held[owner] += 1
        return _SpoolStore(self, file, owner)

    async def write(self, file: IO[bytes], data: bytes) -> None:
        """Write on the spool thread. Raise OSError: the disk refuses."""
        await asyncio.get_running_loop().run_in_executor(self._thread, file.write, data)

    async def rewind(self, file: IO[bytes]) -> None:
        """Flush and go to the start, on the spool thread. Raise OSError: the disk refuses."""
        await asyncio.get_running_loop().run_in_executor(self._thread, file.seek, 0)

    def leave(self, file: IO[bytes], owner: str | None) -> None:
        """Give a place back. The file is closed on the spool thread: freeing a gigabyte takes a while."""
        self._held[owner] -= 1
        if not self._held[owner]:
            del self._held[owner]
        self._thread.submit(file.close)

    def close(self) -> None:
        """End the spool thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)


class _SpoolStore:
    def __init__(self, spools: SpoolDirectory, file: IO[bytes], owner: str | None) -> None:
        self._spools = spools
        self._file = file
        self._owner = owner
        self._pieces: list[bytes] = []
        self._waiting = 0

    async def add(self, piece: bytes) -> None:
        """Gather some pieces before it asks the disk: each asking costs a change of threads."""
        self._pieces.append(piece)
        self._waiting += len(piece)
        if self._waiting >= WRITE_BYTES:
            await self._write()

    async def finish(self) -> IO[bytes]:
        await self._write()
        await self._spools.rewind(self._file)
        return self._file

    def close(self) -> None:
        self._spools.leave(self._file, self._owner)

    async def _write(self) -> None:
        gathered = b"".join(self._pieces)
        self._pieces.clear()
        self._waiting = 0
        await self._spools.write(self._file, gathered)
