"""ImportStorage: a batch of a stock import in one transaction, with how far the import has come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import peewee

from oms_core.domain.callers import Caller
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.stamps import Stamp
from oms_core.domain.stock.import_decisions import BatchResult, Refusal, RefusalCode
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
from oms_peewee.database import Database
from oms_peewee.dialect import ImportTables
from oms_peewee.idempotency_keys import is_kept, keep_stock_key
from oms_peewee.models import ImportRefusalRow, ImportRow, LocationRow
from oms_peewee.session import Session
from oms_peewee.written import Written, nothing_written

_REFUSALS_PER_INSERT = 500
_REFUSAL_FIELDS = (
    ImportRefusalRow.actor,
    ImportRefusalRow.idempotency_key,
    ImportRefusalRow.sku,
    ImportRefusalRow.location,
    ImportRefusalRow.code,
    ImportRefusalRow.detail,
)


class PeeweeImports:
    """ImportStorage on both databases."""

    def __init__(self, database: Database, tables: ImportTables) -> None:
        self._database = database
        self._tables = tables

    def state(self, key: ImportRun) -> ImportState:
        return self._database.read(lambda session: _state(session, key, _of(key)) or ImportState())

    def apply(
        self, batch: ImportBatch, *, key: ImportRun, since: ImportState, caller: Caller, now: datetime
    ) -> BatchResult:
        stamp = Stamp.of(caller, now)
        return self._database.write(
            lambda session: self._apply(session, batch, key, since, stamp), look_up={"idempotency_key": key.key}
        )

    def apply_once(self, batch: ImportBatch, *, key: IdempotencyKey, caller: Caller, now: datetime) -> BatchResult:
        stamp = Stamp.of(caller, now)
        return self._database.write(lambda session: self._apply_once(session, batch, key, stamp), look_up={})

    def rehearse(self, batch: ImportBatch) -> BatchResult:
        return self._database.write(lambda session: nothing_written(self._tables.decide(session, batch)), look_up={})

    def locations(self, limit: int) -> frozenset[str]:
        found = LocationRow.select(LocationRow.name).limit(limit).tuples()
        return self._database.read(lambda session: frozenset(name for (name,) in found.execute(session)))

    def refusals(self, key: ImportRun, *, after: LevelId | None, to: LevelId, limit: int) -> list[Refusal]:
        return self._database.read(lambda session: _refusals(session, key, after, to, limit))

    def _apply(
        self, session: Session, batch: ImportBatch, key: ImportRun, since: ImportState, stamp: Stamp
    ) -> Written[BatchResult]:
        stored = _state(session, key, session.locking(_of(key)))
        if is_committed(stored or ImportState(), since=since, batch=batch):
            refusals = _refusals(session, key, since.after, batch.end, len(batch.entries))
            return nothing_written(result_since(since, stored or since, refusals))
        result = self._tables.write(session, batch, stamp)
        _keep_state(session, batch, key, state_after(since, batch, result), stamp.at, is_new=stored is None)
        _keep_refusals(session, key, result.refusals)
        return Written(result=result, was_committed=lambda _: False)  # It compares the state with `since` first.

    def _apply_once(
        self, session: Session, batch: ImportBatch, key: IdempotencyKey, stamp: Stamp
    ) -> Written[BatchResult]:
        result = self._tables.write(session, batch, stamp)
        keep_stock_key(session, key, None, stamp.at)  # Where the lost COMMIT is still under way, this waits for it.
        return Written(result=result, was_committed=lambda later: is_kept(later, key))


def _of(key: ImportRun) -> peewee.ModelSelect[Any]:
    return ImportRow.select().where(ImportRow.actor == key.actor, ImportRow.idempotency_key == key.key)


def _state(session: Session, key: ImportRun, query: peewee.ModelSelect[Any]) -> ImportState | None:
    row = query.first(session)
    if row is None:
        return None
    check_fingerprint(key, row.fingerprint)
    after_sku, after_location = row.after
    figures = {"applied": row.applied, "unchanged": row.unchanged, "refused": row.refused, "created": row.created}
    return ImportState(**figures, after=(after_sku, after_location))


def _keep_state(
    session: Session, batch: ImportBatch, key: ImportRun, state: ImportState, now: datetime, *, is_new: bool
) -> None:
    reached = {
        ImportRow.applied: state.applied,
        ImportRow.unchanged: state.unchanged,
        ImportRow.refused: state.refused,
        ImportRow.created: state.created,
        ImportRow.after: list(batch.end),
        ImportRow.updated_at: now,
    }
    if not is_new:
        mine = (ImportRow.actor == key.actor) & (ImportRow.idempotency_key == key.key)
        ImportRow.update(reached).where(mine).execute(session)
        return
    what = {
        ImportRow.actor: key.actor,
        ImportRow.idempotency_key: key.key,
        ImportRow.fingerprint: key.fingerprint,
        ImportRow.mode: batch.mode.value,
        ImportRow.rows: key.rows,
        ImportRow.created_at: now,
    }
    # A rival's row with the same key is met here, and found when the work is done again.
    ImportRow.insert({**what, **reached}).execute(session)


def _refusals(session: Session, key: ImportRun, after: LevelId | None, to: LevelId, limit: int) -> list[Refusal]:
    level = peewee.Tuple(ImportRefusalRow.sku, ImportRefusalRow.location)
    rows = (
        ImportRefusalRow.select()
        .where(
            ImportRefusalRow.actor == key.actor,
            ImportRefusalRow.idempotency_key == key.key,
            level > peewee.Tuple(*(after or ("", ""))),
            level <= peewee.Tuple(*to),
        )
        .order_by(ImportRefusalRow.sku, ImportRefusalRow.location)
        .limit(limit)
    )
    return [
        Refusal(sku=row.sku, location=row.location, code=RefusalCode(row.code), detail=row.detail)
        for row in rows.execute(session)
    ]


def _keep_refusals(session: Session, key: ImportRun, refusals: Sequence[Refusal]) -> None:
    rows = [
        (key.actor, key.key, refusal.sku, refusal.location, refusal.code.value, refusal.detail) for refusal in refusals
    ]
    for chunk in peewee.chunked(rows, _REFUSALS_PER_INSERT):
        ImportRefusalRow.insert_many(chunk, fields=_REFUSAL_FIELDS).execute(session)
