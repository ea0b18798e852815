"""ImportStorage: a batch of a stock import in one transaction, with how far the import has come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import peewee

from oms_core.domain.callers import Caller
from oms_core.domain.stock_imports import BatchResult, Refusal, RefusalCode
from oms_core.ports.imports import (
    BatchOutcome,
    ImportBatch,
    ImportKey,
    ImportState,
    Level,
    check_fingerprint,
    is_committed,
    outcome_of,
)
from oms_peewee.database import Attempt, Database
from oms_peewee.ledger import Origin, origin_of
from oms_peewee.models import ImportRefusalRow, ImportRow
from oms_peewee.session import Session, Session_contra

_REFUSALS_PER_INSERT = 500
_REFUSAL_FIELDS = (
    ImportRefusalRow.actor,
    ImportRefusalRow.idempotency_key,
    ImportRefusalRow.sku,
    ImportRefusalRow.location,
    ImportRefusalRow.code,
    ImportRefusalRow.detail,
)


class ImportTables(Protocol[Session_contra]):
    """Decides and writes batches, inside a transaction that the caller has begun."""

    def write(self, session: Session_contra, batch: ImportBatch, origin: Origin) -> BatchResult:
        """Write what `decide_import` decides on the rows as they are under lock. May raise ChangedMeanwhileError."""
        ...

    def decide(self, session: Session_contra, batch: ImportBatch) -> BatchResult:
        """Give the result that `write` would have; write nothing and lock nothing."""
        ...


class PeeweeImports:
    """See ImportStorage."""

    def __init__(self, database: Database[Any], tables: ImportTables[Any]) -> None:
        self._database = database
        self._tables = tables

    def state(self, key: ImportKey) -> ImportState | None:
        """See ImportStorage."""
        return self._database.read(lambda session: _state(session, key, _of(key)))

    def apply(
        self, batch: ImportBatch, *, since: ImportState, key: ImportKey | None, caller: Caller, now: datetime
    ) -> BatchOutcome:
        """See ImportStorage."""
        origin = origin_of(caller, now)
        return self._database.write(
            lambda attempt: self._apply(attempt, batch, since, key, origin),
            look_up={} if key is None else {"idempotency_key": key.key},
        )

    def rehearse(self, batch: ImportBatch, *, since: ImportState) -> BatchOutcome:
        """See ImportStorage."""
        result = self._database.write(lambda attempt: self._decide(attempt, batch), look_up={})
        return outcome_of(result, since=since, batch=batch)

    def refusals(self, key: ImportKey, *, after: Level | None, to: Level, limit: int) -> list[Refusal]:
        """See ImportStorage."""
        return self._database.read(lambda session: _refusals(session, key, after, to, limit))

    def _apply(
        self, attempt: Attempt[Any], batch: ImportBatch, since: ImportState, key: ImportKey | None, origin: Origin
    ) -> BatchOutcome:
        session = attempt.session
        with session.atomic():
            if key is None:
                return outcome_of(self._tables.write(session, batch, origin), since=since, batch=batch)
            stored = _state(session, key, session.locking(_of(key)))
            if is_committed(stored, since=since, batch=batch):
                refusals = _refusals(session, key, since.after, batch.end, len(batch.entries))
                return BatchOutcome(state=stored or since, refusals=refusals)
            outcome = outcome_of(self._tables.write(session, batch, origin), since=since, batch=batch)
            _keep_state(session, batch, key, outcome.state, origin.at, is_new=stored is None)
            _keep_refusals(session, key, outcome.refusals)
            return outcome

    def _decide(self, attempt: Attempt[Any], batch: ImportBatch) -> BatchResult:
        with attempt.session.atomic():
            return self._tables.decide(attempt.session, batch)


def _of(key: ImportKey) -> peewee.ModelSelect[Any]:
    return ImportRow.select().where(ImportRow.actor == key.actor, ImportRow.idempotency_key == key.key)


def _state(session: Session, key: ImportKey, query: peewee.ModelSelect[Any]) -> ImportState | None:
    row = query.first(session)
    if row is None:
        return None
    check_fingerprint(key, row.fingerprint)
    after = row.after_sku, row.after_location
    return ImportState(applied=row.applied, unchanged=row.unchanged, refused=row.refused, after=after)


def _keep_state(
    session: Session, batch: ImportBatch, key: ImportKey, state: ImportState, now: datetime, *, is_new: bool
) -> None:
    after_sku, after_location = batch.end
    reached = {
        ImportRow.applied: state.applied,
        ImportRow.unchanged: state.unchanged,
        ImportRow.refused: state.refused,
        ImportRow.after_sku: after_sku,
        ImportRow.after_location: after_location,
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


def _refusals(session: Session, key: ImportKey, after: Level | None, to: Level, limit: int) -> list[Refusal]:
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


def _keep_refusals(session: Session, key: ImportKey, refusals: Sequence[Refusal]) -> None:
    rows = [
        (key.actor, key.key, refusal.sku, refusal.location, refusal.code.value, refusal.detail) for refusal in refusals
    ]
    for chunk in peewee.chunked(rows, _REFUSALS_PER_INSERT):
        ImportRefusalRow.insert_many(chunk, fields=_REFUSAL_FIELDS).execute(session)
