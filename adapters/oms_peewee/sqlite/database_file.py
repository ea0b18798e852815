"""The file of an SQLite database: made for its owner alone, and missed when it is taken away."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from oms_peewee.sqlite.error_codes import FileMovedError

# Device and inode: what a path leads to, whoever else has the same name now.
Identity: TypeAlias = tuple[int, int]

_OWNER_ONLY = 0o600


class DatabaseFile:
    """A path, and the file that was first found there. A process works on no other file.

    SQLite goes on writing into a file whose name is gone, and would make a new one for the next connection: whatever
    is committed there is lost (How To Corrupt An SQLite Database File, sqlite.org, 4.3 and 4.4).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log_path = f"{path}-wal"
        self._first: Identity | None = None

    @property
    def is_known(self) -> bool:
        """Whether the file has been opened before."""
        return self._first is not None

    def make(self) -> None:
        """Make an empty file that nobody else may read, unless one is there or was. SQLite's other files follow it."""
        if self._first is None:
            with suppress(FileExistsError, OSError):  # SQLite tells in its words what is wrong with the place.
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OWNER_ONLY))

    def check(self) -> None:
        """Raise FileMovedError unless the path leads to the file that was first found there."""
        if self._first is not None and _identity(self.path) != self._first:
            raise FileMovedError(f"{self.path} was deleted or replaced while it was in use")

    def opened(self) -> Identity | None:
        """Remember what a connection has opened; return the identity of its write-ahead log.

        The log stays the same for as long as the connection is open. Raises FileMovedError.
        """
        if self._first is None:
            self._first = _identity(self.path)
        self.check()
        return _identity(self._log_path)

    def is_in_place(self, log: Identity | None) -> bool:
        """Return whether the file and this log are still where a connection has opened them."""
        return _identity(self.path) == self._first and _identity(self._log_path) == log


def _identity(path: str | Path) -> Identity | None:
    try:
        found = os.stat(path)  # noqa: PTH116  On every transaction; pathlib takes twice as long.
    except OSError:
        return None
    return found.st_dev, found.st_ino
