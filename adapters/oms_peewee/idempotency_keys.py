"""Idempotency keys of commands that leave no row to carry one, written in the transaction of the command."""

from __future__ import annotations

from datetime import datetime

from oms_core.domain.idempotency import IdempotencyKey
from oms_peewee.models import IdempotencyKeyRow
from oms_peewee.session import Session


def keep_key(session: Session, key: IdempotencyKey, now: datetime) -> None:
    """Write a key. It collides with a rival's row of the same key, which is found when the work is done again."""
    IdempotencyKeyRow.insert(
        actor=key.actor, idempotency_key=key.key, fingerprint=key.fingerprint, created_at=now
    ).execute(session)


def is_kept(session: Session, key: IdempotencyKey) -> bool:
    """Return whether a key was kept. Raise `idempotency_key_reused` where it stands for another command."""
    kept = IdempotencyKeyRow.select(IdempotencyKeyRow.fingerprint).where(
        IdempotencyKeyRow.actor == key.actor, IdempotencyKeyRow.idempotency_key == key.key
    )
    row = kept.first(session)
    if row is None:
        return False
    key.check(row.fingerprint)
    return True
