"""Imports of stock, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from oms_core.domain.callers import Caller
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.stamps import Stamp
from oms_core.domain.stock.import_decisions import (
    BatchDecision,
    BatchResult,
    EntryChange,
    Refusal,
    decide_import,
    movement_of,
)
from oms_core.domain.stock.ledger import LevelId
from oms_core.ports.import_storage import (
    ImportBatch,
    ImportRun,
    ImportState,
    check_fingerprint,
    is_committed,
    result_since,
    state_after,
)
from oms_memory.tables import Tables, new_product


@dataclass(slots=True)
class _Import:
    """What is kept of an import under a key."""

    fingerprint: bytes
    state: ImportState
    refusals: list[Refusal] = field(default_factory=list)


class MemoryImports:
    """ImportStorage over dictionaries."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._imports: dict[tuple[str, str], _Import] = {}

    def state(self, key: ImportRun) -> ImportState:
        with self._tables.lock:
            stored = self._imports.get((key.actor, key.key))
            if stored is None:
                return ImportState()
            check_fingerprint(key, stored.fingerprint)
            return stored.state

    def apply(
        self, batch: ImportBatch, *, key: ImportRun, since: ImportState, caller: Caller, now: datetime
    ) -> BatchResult:
        with self._tables.lock:
            stored = self.state(key)
            if is_committed(stored, since=since, batch=batch):
                refusals = self.refusals(key, after=since.after, to=batch.end, limit=len(batch.entries))
                return result_since(since, stored, refusals)
            result = self._apply(batch, Stamp.of(caller, now))
            known = self._imports.setdefault((key.actor, key.key), _Import(key.fingerprint, since))
            known.state = state_after(since, batch, result)
            known.refusals.extend(result.refusals)
            return result

    def apply_once(
        self,
        batch: ImportBatch,
        *,
        key: IdempotencyKey,  # noqa: ARG002  There is no COMMIT whose answer could be lost.
        caller: Caller,
        now: datetime,
    ) -> BatchResult:
        with self._tables.lock:
            return self._apply(batch, Stamp.of(caller, now))

    def rehearse(self, batch: ImportBatch) -> BatchResult:
        with self._tables.lock:
            return self._decide(batch).result

    def locations(self, limit: int) -> frozenset[str]:
        with self._tables.lock:
            return frozenset(sorted(self._tables.locations)[:limit])

    def refusals(self, key: ImportRun, *, after: LevelId | None, to: LevelId, limit: int) -> list[Refusal]:
        with self._tables.lock:
            found = [
                refusal
                for refusal in self._imports[key.actor, key.key].refusals
                if (after is None or (refusal.sku, refusal.location) > after) and (refusal.sku, refusal.location) <= to
            ]
        return found[:limit]

    def _apply(self, batch: ImportBatch, stamp: Stamp) -> BatchResult:
        decision = self._decide(batch)
        self._write(batch, decision, stamp)
        return decision.result

    def _decide(self, batch: ImportBatch) -> BatchDecision:
        return decide_import(batch.mode, batch.entries, self._tables.products, existing_only=batch.existing_only)

    def _write(self, batch: ImportBatch, decision: BatchDecision, stamp: Stamp) -> None:
        rows = [(change, movement_of(batch.mode, change)) for change in decision.changes]
        moves = [(change, (row, stamp)) for change, row in rows if row is not None]
        for entry in batch.entries:
            self._tables.ensure_location(entry.location, stamp.at)
        for change in decision.changes:
            self._write_product(change, stamp.at)
        self._tables.move_silently([entry for change, entry in moves if change.creates_product])
        self._tables.move([entry for change, entry in moves if not change.creates_product])
        for change in decision.changes:
            if change.creates_level:
                self._tables.ensure_level(change.entry.sku, change.entry.location, stamp.at)

    def _write_product(self, change: EntryChange, now: datetime) -> None:
        sku = change.entry.sku
        product = self._tables.products.get(sku) or new_product(sku, now)
        name = product.name if change.name is None else change.name
        self._tables.products[sku] = replace(product, name=name, updated_at=now)
