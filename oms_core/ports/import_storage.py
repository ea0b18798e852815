"""Storage of imported stock: batches of a file, one transaction each, and how far an import has come.

What `oms_core.ports.storage` says of every method (retries, lost COMMITs, errors, threads, forks) is true of these too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from oms_core.domain.callers import Caller
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.import_commands import ImportMode
from oms_core.domain.stock.import_decisions import BatchResult, Refusal, StockEntry
from oms_core.domain.stock.ledger import LevelId
from oms_core.errors import OmsError


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRun:
    """The key that makes an import resumable: unique per actor; `fingerprint` is the SHA-256 of its content and
    options.

    `rows` is the number of rows of the file in all its entries.
    """

    actor: str
    key: str
    fingerprint: bytes
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportState:
    """How far an import has come: the rows of the file that are decided and committed, up to the level `after`.

    `created` counts the products that the import has made. `after` is the (sku, location) of the last entry; None
    before the first batch.
    """

    applied: int = 0
    unchanged: int = 0
    refused: int = 0
    created: int = 0
    after: LevelId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportBatch:
    """Consecutive entries of an import: by (sku, location) in code point order, each level once, not empty.

    The batches of an import are applied in that order; no level is in two of them.
    """

    mode: ImportMode
    entries: Sequence[StockEntry]
    existing_only: bool = False

    @property
    def end(self) -> LevelId:
        """The level of the last entry."""
        return self.entries[-1].sku, self.entries[-1].location


class ImportStorage(Protocol):
    """Imports of stock."""

    def state(self, key: ImportRun) -> ImportState:
        """Return how far the import with this key has come; ImportState() when none of it is committed.

        Raise `idempotency_key_reused` when the key was used with another fingerprint.
        """
        ...

    def apply(
        self, batch: ImportBatch, *, key: ImportRun, since: ImportState, caller: Caller, now: datetime
    ) -> BatchResult:
        """Write what `decide_import` decides on the batch, as if alone in the database, in one transaction.

        It writes products to create, changed names, levels, one ledger row per level that moves (kind count or adjust,
        with the entry's reason and reference), and `stock_events` from the figures under lock for products that existed
        before. A level's version is 1 when it is created, and grows by 1 when it moves. Locks: first the products that
        are created, renamed or get a new level, by sku; then all levels of the products, by (sku, location).

        The state after the batch (`state_after`) and its refusals are written in the same transaction. First
        `is_committed` compares the stored state with `since`, the state before the batch. A batch may have been
        committed already, by an earlier attempt whose answer was lost or by another run with the same key. It is then
        not applied again, and its result is `result_since`. Raise what `is_committed` and `state` raise.
        """
        ...

    def apply_once(self, batch: ImportBatch, *, key: IdempotencyKey, caller: Caller, now: datetime) -> BatchResult:
        """Write a batch of an import that cannot be resumed, as `apply` does, and store the batch's own key with it.

        The key is random and unique. If the batch's COMMIT is lost, the key shows that the batch was written, so it is
        not applied to levels that others have changed since. Several threads may apply such batches at the same time,
        in any order.
        """
        ...

    def rehearse(self, batch: ImportBatch) -> BatchResult:
        """Return the result that `apply` would have now, without writes or locks."""
        ...

    def locations(self, limit: int) -> frozenset[str]:
        """Return the names of up to `limit` locations."""
        ...

    def refusals(self, key: ImportRun, *, after: LevelId | None, to: LevelId, limit: int) -> list[Refusal]:
        """Return the refusals of the import with this key, by (sku, location), above `after` and up to `to`."""
        ...


def is_committed(stored: ImportState, *, since: ImportState, batch: ImportBatch) -> bool:
    """Return whether the stored state is the one after this batch, rather than the one before it.

    Raise `idempotency_key_in_use` when it is neither: another import with the same key is running.
    """
    if stored == since:
        return False
    if stored.after == batch.end:
        return True
    raise OmsError("idempotency_key_in_use", "another import with this idempotency key is under way")


def check_fingerprint(key: ImportRun, stored: bytes) -> None:
    """Raise `idempotency_key_reused` unless the stored fingerprint is that of this import."""
    if stored != key.fingerprint:
        raise OmsError("idempotency_key_reused", "this idempotency key was used for another import")


def state_after(since: ImportState, batch: ImportBatch, result: BatchResult) -> ImportState:
    """Return the state after a batch, from the state before it."""
    return ImportState(
        applied=since.applied + result.applied,
        unchanged=since.unchanged + result.unchanged,
        refused=since.refused + result.refused,
        created=since.created + result.created,
        after=batch.end,
    )


def result_since(since: ImportState, stored: ImportState, refusals: Sequence[Refusal]) -> BatchResult:
    """Return the result of a batch that was committed already, from the states before and after it."""
    return BatchResult(
        applied=stored.applied - since.applied,
        unchanged=stored.unchanged - since.unchanged,
        refused=stored.refused - since.refused,
        created=stored.created - since.created,
        refusals=tuple(refusals),
    )
