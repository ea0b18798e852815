"""Where a large body is kept while it arrives: in memory on a common budget, or in a temporary file."""

from __future__ import annotations

import asyncio
import tempfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import IO, Protocol

from oms_http.server.problems import NO_ROOM, RefusedError

WRITE_BYTES = 256 * 1024


class BodyStore(Protocol):
    """Keeps one body; belongs to the event loop's thread."""

    async def add(self, piece: bytes) -> None:
        """Keep one more piece. Raises RefusedError: there is no room. OSError: the disk refuses."""

    async def finish(self) -> IO[bytes]:
        """Give the whole body, at its start. Raises OSError as above."""

    def close(self) -> None:
        """Free what the body holds; called once."""


class MemoryBudget:
    """How many bytes the bodies of a process may hold together."""

    def __init__(self, bytes_max: int) -> None:
        self._free = bytes_max

    def open_store(self) -> BodyStore:
        """Make a store that takes from this budget."""
        return _MemoryStore(self)

    def take(self, size: int) -> None:
        """Take `size` bytes. Raises RefusedError if there are not as many left."""
        if size > self._free:
            raise RefusedError(NO_ROOM)
        self._free -= size

    def give_back(self, size: int) -> None:
        """Return what was taken."""
        self._free += size


class _MemoryStore:
    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._taken = 0
        self._body = BytesIO()

    async def add(self, piece: bytes) -> None:
        self._budget.take(len(piece))
        self._taken += len(piece)
        self._body.write(piece)

    async def finish(self) -> IO[bytes]:
        self._body.seek(0)
        return self._body

    def close(self) -> None:
        self._budget.give_back(self._taken)


class SpoolDirectory:
    """How many bodies a process may spool at a time, and the thread that touches their files: a disk may stall."""

    def __init__(self, *, places: int, directory: str | None) -> None:
        self._places = places
        self._directory = directory
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="oms-http-spool")

    def open_store(self) -> BodyStore:
        """Make a store in a file without a name, which cannot be left behind. Raises RefusedError: no place is free."""
        if not self._places:
            raise RefusedError(NO_ROOM)
        file = tempfile.TemporaryFile(dir=self._directory)  # noqa: SIM115  # The store closes it.
        store = _SpoolStore(self, file)
        self._places -= 1
        return store

    async def write(self, file: IO[bytes], data: bytes) -> None:
        """Write on the spool thread. Raises OSError: the disk refuses."""
        await asyncio.get_running_loop().run_in_executor(self._thread, file.write, data)

    async def rewind(self, file: IO[bytes]) -> None:
        """Flush and go to the start, on the spool thread. Raises OSError: the disk refuses."""
        await asyncio.get_running_loop().run_in_executor(self._thread, file.seek, 0)

    def dispose(self, file: IO[bytes]) -> None:
        """Close a file on the spool thread: freeing a gigabyte takes a while."""
        self._thread.submit(file.close)

    def leave(self, file: IO[bytes]) -> None:
        """Give a place back."""
        self._places += 1
        self.dispose(file)

    def close(self) -> None:
        """End the spool thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)


class _SpoolStore:
    def __init__(self, spools: SpoolDirectory, file: IO[bytes]) -> None:
        self._spools = spools
        self._file = file
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
        self._spools.leave(self._file)

    async def _write(self) -> None:
        gathered = b"".join(self._pieces)
        self._pieces.clear()
        self._waiting = 0
        await self._spools.write(self._file, gathered)
