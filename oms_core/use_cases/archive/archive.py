"""Archiving: finished orders leave for a file, batch by batch, and are looked up there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from oms_core.documents.archives import ArchivedDocument, show_archived
from oms_core.domain.callers import Caller, Scope
from oms_core.domain.orders.archiving import ARCHIVE_ORDERS_MAX
from oms_core.domain.validation import one_finding
from oms_core.errors import OmsError
from oms_core.ports.clock import Clock
from oms_core.ports.storage import Storage
from oms_core.use_cases.archive.archive_file import appending, documents_of

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveReport:
    """How many orders have left, and how many stay because they changed, hold stock or have events to publish."""

    archived: int
    kept: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Orders that have left. Its methods are for administrators, and raise `forbidden` for others."""

    storage: Storage
    clock: Clock

    def write(
        self,
        path: Path,
        *,
        untouched: timedelta,
        caller: Caller,
        batch_size: int = ARCHIVE_ORDERS_MAX,
        progress: Callable[[int], None] | None = None,
        pause: Callable[[int], None] | None = None,
    ) -> ArchiveReport:
        """Append finished orders that nobody has changed for a while to a file, and remove them from the database.

        A batch is in the file, synchronised and read back, before it leaves the database. So a run that is killed at
        any step is run again, and loses nothing. An order that changed between the two stays, and may so be in the
        file twice: its last line counts. `progress` is told how many have left so far. `pause` is called with the size
        of each batch, and may take its time.

        Raise `validation_error` for a file that is no archive, that another run appends to or that cannot be written,
        for a period that is not longer than nothing, and for a batch of none or of more than 500 orders;
        `storage_unavailable` or `outcome_unknown`.
        """
        _require_admin(caller)
        _check(untouched, batch_size)
        before = self.clock.now() - untouched
        archived = kept = 0
        with appending(path) as file:
            archived += self._removed_of_last_run(file.last, caller)
            after: UUID | None = None
            while found := self.storage.archive.finished(before=before, after=after, limit=batch_size):
                file.append([_encode(show_archived(each)).encode() for each in found])
                removed = self._removed({each.order.id: each.order.version for each in found}, caller)
                archived, kept = archived + removed, kept + len(found) - removed
                after = found[-1].order.id
                if progress is not None:
                    progress(archived)
                if pause is not None:
                    pause(len(found))
        return ArchiveReport(archived=archived, kept=kept)

    def list(self, path: Path, *, caller: Caller) -> Iterator[ArchivedDocument]:
        """Return what is in an archive, in the order in which it has left. Raise `validation_error`."""
        _require_admin(caller)
        return documents_of(path)

    def get(self, path: Path, order_id: UUID, *, caller: Caller) -> ArchivedDocument:
        """Return an archived order. Raise `order_not_found` or `validation_error`."""
        found = None
        for document in self.list(path, caller=caller):
            if document.id == order_id:
                found = document
        if found is None:
            raise OmsError("order_not_found", f"the archive has no order {order_id}")
        return found

    def _removed_of_last_run(self, last: Sequence[ArchivedDocument], caller: Caller) -> int:
        """Remove the last batch of a file, whose run may have been killed; return how many had still been there."""
        versions = {document.id: document.version for document in last}
        there = self.storage.queue.settled([*versions])
        return self._removed({order.id: versions[order.id] for order in there}, caller)

    def _removed(self, versions: Mapping[UUID, int], caller: Caller) -> int:
        """Remove orders of these versions; return how many are gone."""
        return len(self.storage.archive.remove(versions, caller=caller, now=self.clock.now())) if versions else 0


def _check(untouched: timedelta, batch_size: int) -> None:
    if untouched <= timedelta(0):
        raise one_finding("/older_than", "out_of_range", "must be longer than nothing")
    if not 1 <= batch_size <= ARCHIVE_ORDERS_MAX:
        raise one_finding("/batch_size", "out_of_range", f"must be a whole number from 1 to {ARCHIVE_ORDERS_MAX}")


def _require_admin(caller: Caller) -> None:
    caller.require(Scope.ADMIN)
    caller.require_unbound()
