"""Importing stock from a file: counts or differences, a million of them in bounded memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import islice

from oms_core.documents.byte_sources import ByteSource
from oms_core.domain.callers import Caller, Scope
from oms_core.domain.idempotency import OWN_KEY_BITS, own_key
from oms_core.domain.import_commands import (
    ImportFormat,
    ImportMode,
    ImportProgress,
    ImportStage,
    ImportStock,
    StockImportReport,
    TellProgress,
    TellReject,
)
from oms_core.domain.limits import IMPORT_CREATED_SHOWN_MAX
from oms_core.domain.stock.import_decisions import BatchResult, StockEntry
from oms_core.domain.stock.ledger import LevelId
from oms_core.domain.stock.locations import KnownNames
from oms_core.errors import ErrorKind, OmsError
from oms_core.imports.records import Lines
from oms_core.imports.stock_rows import KnownLocations, StockRowReader
from oms_core.imports.stock_spool import StockSpool
from oms_core.ports.clock import Clock
from oms_core.ports.import_storage import ImportBatch, ImportRun, ImportState, ImportStorage, state_after
from oms_core.runtime.overlap import overlapped

_REFUSALS_PER_PAGE = 500
# While one waits for its COMMIT, the other computes. A third would only slow down orders placed during the import.
_BATCHES_AT_ONCE = 2


def import_stock(
    command: ImportStock,
    source: ByteSource,
    *,
    caller: Caller,
    clock: Clock,
    imports: ImportStorage,
    known: KnownNames,
    rejects: TellReject,
    progress: TellProgress,
) -> StockImportReport:
    """Read the whole file, then apply it in order of (sku, location), one transaction for each `batch_size` rows.

    `rejects` is called with every malformed row, by line. If there is one, nothing is changed and `validation_error` is
    raised (`data`: `rows` and `malformed`; `errors`: the first 100, pointing at /line/column), unless the command skips
    bad rows. `rejects` is also called with every row that the present state refuses; the others are applied. A location
    is malformed if it differs only in case or width from one that is `known` (the first of which is for rows that name
    none), one with stock, or one of an earlier row.

    With an idempotency key a rerun continues after the last committed batch, and reports all refusals again. Raise
    `idempotency_key_reused`, `idempotency_key_in_use`, `payload_too_large`, `forbidden`, `storage_unavailable` or
    `outcome_unknown`. `data` of the last two counts the committed rows (`applied`, `unchanged`, `refused`).
    """
    caller.require(Scope.INVENTORY_WRITE)
    caller.require_unbound()
    started, lines = clock.now(), Lines(source)
    existing_only = command.existing_only or known.is_strict
    locations = KnownLocations(known.named, imports.locations, existing_only=existing_only)
    with StockSpool() as spool:
        format = _fill(spool, command, lines, _reader(command, known.named[0], locations), progress)
        malformed = spool.refuse_bad(of="rows", skip=command.skip_bad, rejects=rejects)
        fingerprint = _fingerprint(command, lines.digest, format, known.named[0])
        key = _key(command, caller, fingerprint, spool.count - malformed)
        report = _applied(_Work(command, caller, key, clock, imports, spool), malformed, rejects, progress)
    return replace(
        report,
        blank=lines.blank,
        new_locations=tuple(locations.new[:IMPORT_CREATED_SHOWN_MAX]),
        seconds=(clock.now() - started).total_seconds(),
    )


def _applied(work: _Work, malformed: int, rejects: TellReject, progress: TellProgress) -> StockImportReport:
    """Apply the rest of an import; return the report, without the figures that come from reading the file."""
    created: list[str] = []
    begun = state = ImportState() if work.key is None else work.imports.state(work.key)
    for state, result in work.results(begun):
        created += result.created_skus[: IMPORT_CREATED_SHOWN_MAX - len(created)]
        for refusal in result.refusals:
            for row in work.spool.rows_of(refusal):
                rejects(row)
        done = malformed + state.applied + state.unchanged + state.refused
        progress(ImportProgress(stage=ImportStage.APPLYING, done=done, total=work.spool.count))
    return StockImportReport(
        rows=work.spool.count,
        applied=state.applied,
        unchanged=state.unchanged,
        rejected=malformed + state.refused,
        replayed=begun.applied + begun.unchanged + begun.refused,
        was_done=begun.after is not None and state == begun,
        created=state.created,
        created_skus=tuple(created),
        seconds=0.0,
    )


def _reader(command: ImportStock, default_location: str, known: KnownLocations) -> StockRowReader:
    return StockRowReader(
        mode=command.mode,
        location=default_location,
        reason=command.reason,
        columns=command.columns,
        delimiter=command.delimiter,
        location_fault=known.fault,
        creates_products=command.mode is ImportMode.SET and not command.existing_only,
    )


def _fill(
    spool: StockSpool, command: ImportStock, lines: Lines, reader: StockRowReader, progress: TellProgress
) -> ImportFormat:
    """Read and sort everything; return the format that was read."""
    format = lines.format(command.format)
    spool.fill(
        lines,
        reader.read(lines, format),
        lambda rows: progress(ImportProgress(stage=ImportStage.READING, done=rows, total=None)),
    )
    spool.sort(command.mode)
    return format


def _fingerprint(command: ImportStock, digest: bytes, format: ImportFormat, default_location: str) -> bytes:
    """Return the fingerprint of the content, and of all options that change its meaning."""
    columns = json.dumps(sorted(command.columns.items()))
    given = [command.reason or "", command.delimiter, columns, str(command.existing_only)]
    meaning = "\0".join([command.mode, format, default_location, *given])
    return hashlib.sha256(digest + meaning.encode()).digest()


def _key(command: ImportStock, caller: Caller, fingerprint: bytes, rows: int) -> ImportRun | None:
    if command.idempotency_key is None:
        return None
    return ImportRun(actor=caller.name, key=command.idempotency_key, fingerprint=fingerprint, rows=rows)


@dataclass(frozen=True, slots=True)
class _Work:
    """The rest of an import, once its rows are in the spool."""

    command: ImportStock
    caller: Caller
    key: ImportRun | None
    clock: Clock
    imports: ImportStorage
    spool: StockSpool

    def results(self, begun: ImportState) -> Iterator[tuple[ImportState, BatchResult]]:
        """Continue the import: yield its state with the refusals so far, then the state after each batch."""
        if self.key is not None:
            yield from self._refusals_so_far(self.key, begun)
        batches = self._batches(after=begun.after)
        if self.spool.count > self.command.batch_size:
            yield from self._overlapped(batches, begun)
            return
        for batch in batches:  # At most one, as for most files; a thread would have nothing to overlap with.
            yield _finish(batch, self._applying(batch, begun), begun)

    def _overlapped(
        self, batches: Iterable[ImportBatch], state: ImportState
    ) -> Iterator[tuple[ImportState, BatchResult]]:
        at_once = _BATCHES_AT_ONCE if self.key is None else 1  # Under a key, a batch needs the state after the last.
        begin = lambda batch: self._applying(batch, state)  # noqa: E731
        works = overlapped(batches, begin, at_once=at_once, follows=_continues, name="oms-import")
        with closing(works) as begun:
            for batch, applied in begun:
                state, result = _finish(batch, applied, state)
                yield state, result

    def _refusals_so_far(self, key: ImportRun, state: ImportState) -> Iterator[tuple[ImportState, BatchResult]]:
        after: LevelId | None = None
        while state.after is not None:
            refusals = self.imports.refusals(key, after=after, to=state.after, limit=_REFUSALS_PER_PAGE)
            yield state, BatchResult(applied=0, unchanged=0, refused=0, refusals=tuple(refusals))
            if len(refusals) < _REFUSALS_PER_PAGE:
                return
            after = refusals[-1].sku, refusals[-1].location

    def _batches(self, *, after: LevelId | None) -> Iterator[ImportBatch]:
        """Cut into batches of `batch_size` entries. A SKU stays in one batch unless that would double the batch."""
        entries = self.spool.entries(self.command.mode, after=after)
        batch = list(islice(entries, self.command.batch_size))
        while batch:
            following: list[StockEntry] = []
            for entry in islice(entries, self.command.batch_size):
                if entry.sku != batch[-1].sku:
                    following.append(entry)
                    break
                batch.append(entry)
            yield ImportBatch(mode=self.command.mode, entries=batch, existing_only=self.command.existing_only)
            batch = [*following, *islice(entries, self.command.batch_size - len(following))]

    def _applying(self, batch: ImportBatch, since: ImportState) -> Callable[[], BatchResult]:
        return partial(self._apply, batch, since, self.clock.now())

    def _apply(self, batch: ImportBatch, since: ImportState, now: datetime) -> BatchResult:
        if self.command.dry_run:
            return self.imports.rehearse(batch)
        if self.key is not None:
            return self.imports.apply(batch, key=self.key, since=since, caller=self.caller, now=now)
        key = own_key(self.caller.name, "import", random_bits=self.clock.random_bits(OWN_KEY_BITS))
        return self.imports.apply_once(batch, key=key, caller=self.caller, now=now)


def _continues(batch: ImportBatch, other: ImportBatch) -> bool:
    """Return whether a batch begins with the SKU that the other ends with, so that it must be applied after it."""
    return batch.entries[0].sku == other.entries[-1].sku


def _finish(
    batch: ImportBatch, applied: Callable[[], BatchResult], state: ImportState
) -> tuple[ImportState, BatchResult]:
    """Apply the batch that follows `state`; return the state after it, and its result."""
    try:
        result = applied()
    except OmsError as error:
        if error.kind is not ErrorKind.UNAVAILABLE:
            raise
        raise _stopped(error, state) from error
    return state_after(state, batch, result), result


def _stopped(error: OmsError, state: ImportState) -> OmsError:
    """Return the error of a storage that failed, with the counts of what was imported before."""
    committed = {"applied": state.applied, "unchanged": state.unchanged, "refused": state.refused}
    return OmsError(
        error.code,
        error.detail,
        further=f"{sum(committed.values())} rows at least are committed; run the same import again to go on",
        data={**error.data, **committed},
        retry_after_seconds=error.retry_after_seconds,
    )
