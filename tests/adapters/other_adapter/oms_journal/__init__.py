"""A storage of somebody else's: a journal of changes in a file, and in memory what they add up to.

Every call locks the file, makes the changes that others have appended, and then its own. What was decided stands in
the journal, so that nobody decides anew. It borrows oms_memory for everything else.
"""

from __future__ import annotations

import fcntl
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast
from urllib.parse import urlsplit

from oms_memory import MemoryStorage
from oms_memory.storage import MemorySchema
from oms_memory.tables import machine_time

from oms_core.errors import OmsError
from oms_core.ports.queue_storage import at_once
from oms_core.ports.storage import Storage, StorageOptions

_DECIDING = frozenset({"place", "change", "act", "change_many", "accept", "settle", "set"})
_CHANGING = _DECIDING | set("apply apply_once claim unclaim sweep expire beat leave lease release published".split())
_CHANGING |= {"create", "rotate", "revoke", "used", "remove", "withhold"}


class Entry(NamedTuple):
    """One change: a call of a part of the port, when, and what its decision was, if it made one."""

    part: str
    method: str
    arguments: Sequence[Any]
    given: Mapping[str, Any]
    at: datetime
    keeps_outbox: bool
    decided: Any = None

    def make(self, memory: MemoryStorage, decide: Callable[..., Any] | None) -> Any:
        """Make the change, at the time when it was made first."""
        memory.tables.now = lambda: self.at
        memory.tables.keeps_outbox = self.keeps_outbox
        decision = {} if decide is None else {"decide": decide}
        return getattr(getattr(memory, self.part), self.method)(*self.arguments, **self.given, **decision)


class JournalStorage:
    """Storage in the journal at `path`; any number of them may be open on one journal, in any number of processes."""

    def __init__(self, path: Path, *, keeps_outbox: bool) -> None:
        self.keeps_outbox = keeps_outbox
        self.memory = MemoryStorage()
        self.orders, self.stock = _Part(self, "orders"), _Part(self, "stock")
        self.queue, self.workers, self.outbox = (_Part(self, name) for name in ("queue", "workers", "outbox"))
        self.imports, self.audits = _Part(self, "imports"), _Part(self, "audits")
        self.locations = _Part(self, "locations")
        self.archive, self.holds = _Part(self, "archive"), _Holds(self, "holds")
        self.keys, self.schema = _Part(self, "keys"), MemorySchema()
        self._path = path
        self._read_bytes = 0

    def describe(self) -> str:
        """See Storage."""
        return f"the journal {self._path.absolute()}"

    def close(self) -> None:
        """See Storage; nothing stays open between calls."""

    @contextmanager
    def up_to_date(self) -> Iterator[BinaryIO]:
        """Lock the journal and bring the memory up to it; what is appended meanwhile is counted as read."""
        try:
            with self._path.open("a+b") as journal:
                fcntl.flock(journal, fcntl.LOCK_EX)
                journal.seek(self._read_bytes)
                self._catch_up(journal)
                yield journal
                journal.flush()
                self._read_bytes = journal.tell()
        except OSError as error:
            self.memory, self._read_bytes = MemoryStorage(), 0  # It may be ahead of the journal: read that again.
            raise OmsError("storage_unavailable", f"{self.describe()}: {error}") from error

    def _catch_up(self, journal: BinaryIO) -> None:
        while True:
            try:
                entry = pickle.load(journal)
            except (EOFError, pickle.UnpicklingError):
                journal.seek(self._read_bytes)
                journal.truncate()  # Half an entry, of somebody who was killed.
                return
            entry.make(self.memory, partial(_as_decided, entry) if entry.method in _DECIDING else None)
            self._read_bytes = journal.tell()


class _Part:
    """One part of the port: its methods are oms_memory's, and those that change something are written down."""

    def __init__(self, storage: JournalStorage, part: str) -> None:
        self._storage = storage
        self._part = part

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return partial(self._change if method in _CHANGING else self._read, method)

    def _read(self, method: str, *arguments: Any, **given: Any) -> Any:
        with self._storage.up_to_date():
            self._storage.memory.tables.now = machine_time
            return getattr(getattr(self._storage.memory, self._part), method)(*arguments, **given)

    def _change(self, method: str, *arguments: Any, **given: Any) -> Any:
        first = arguments[:1]
        if method == "settle":
            arguments[0].wait_for_turn()  # Before the journal is locked.
            first = (replace(arguments[0], wait_for_turn=at_once),)
        decide = arguments[1] if method in {"place", "accept", "settle"} else given.pop("decide", None)
        decisions: list[Any] = [None]

        def remember(*known: Any) -> Any:
            decisions.append(decide(*known))
            return decisions[-1]

        with self._storage.up_to_date() as journal:
            entry = Entry(self._part, method, first, given, machine_time(), self._storage.keeps_outbox)
            result = entry.make(self._storage.memory, remember if decide else None)
            pickle.dump(entry._replace(decided=decisions[-1]), journal)
            return result


class _Holds(_Part):
    """The part whose port has a number beside its methods."""

    expire_orders_max = 100


def _as_decided(entry: Entry, *_: Any) -> Any:
    return entry.decided


def open_storage(url: str, options: StorageOptions) -> Storage:
    """Open `journal:///path`; the file comes into being with the first call."""
    return cast("Storage", JournalStorage(Path(urlsplit(url).path), keeps_outbox=options.keeps_outbox))
