"""Storage of imported stock: batches of a file, a transaction each, and how far an import has come.

What `ports.storage` says of every method (retries, lost COMMITs, errors, threads, forks) holds here too.
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
    """What makes an import resumable: unique per actor; `fingerprint` is the SHA-256 of what is imported and how.

    `rows` counts the rows of the file that all its entries stand for.
    """

    actor: str
    key: str
    fingerprint: bytes
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportState:
    """How far an import has come: rows of the file that are decided and committed, up to the level `after`.

    `created` counts the products that it has made.

    `after` is the (sku, location) of the last entry; None before the first batch.
    """

    applied: int = 0
    unchanged: int = 0
    refused: int = 0
    created: int = 0
    after: LevelId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportBatch:
    """Entries that follow each other in an import: by (sku, location) in code point order, each level once, not empty.

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
        """Tell how far the import with this key has come; ImportState() when none of it is committed.

        Raises `idempotency_key_reused` when the key was used with another fingerprint.
        """
        ...

    def apply(
        self, batch: ImportBatch, *, key: ImportRun, since: ImportState, caller: Caller, now: datetime
    ) -> BatchResult:
        """Write what `decide_import` decides on the batch, as if alone in the database, in one transaction.

        Writes products to create, changed names, levels, one ledger row per level that moves (kind count or adjust,
        with the entry's reason and reference), and `stock_events` from the figures under lock for products that had
        been there before. A level's version is 1 when it is created, and grows by 1 when it moves. Locks: the products
        that are created, renamed or get a new level, by sku; then all levels of the products, by (sku, location).

        The state after the batch (`state_after`) and its refusals are written in the same transaction,
        and the stored state is compared first with `since`, the state before the batch (`is_committed`): a batch that
        was committed already, by an earlier attempt whose answer was lost or by a rival with the same key, is not
        applied again; its result is `result_since`. Raises what `is_committed` and `state` raise.
        """
        ...

    def apply_once(self, batch: ImportBatch, *, key: IdempotencyKey, caller: Caller, now: datetime) -> BatchResult:
        """Write a batch of an import that is not to be resumed, as `apply` does, and keep the batch's own key with it.

        The key is random and nobody else's: by it a batch whose COMMIT was lost is known, and not applied again to what
        others have made of its levels since. Such batches may be applied at the same time by several threads, in any
        order.
        """
        ...

    def rehearse(self, batch: ImportBatch) -> BatchResult:
        """Return the result that `apply` would have now; writes nothing and locks nothing."""
        ...

    def locations(self, limit: int) -> frozenset[str]:
        """Return the names of up to `limit` locations that products have levels at."""
        ...

    def refusals(self, key: ImportRun, *, after: LevelId | None, to: LevelId, limit: int) -> list[Refusal]:
        """List what the import with this key was refused, by (sku, location), above `after` and up to `to`."""
        ...


def is_committed(stored: ImportState, *, since: ImportState, batch: ImportBatch) -> bool:
    """Tell whether the stored state is the one after this batch, or the one before it.

    Raises `idempotency_key_in_use` when it is neither: another import with the same key is under way.
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
    """Return the state after a batch, from the one before it."""
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
