"""Idempotency keys of acts on orders and on stock, written in the transaction of the act."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from oms_core.domain.idempotency import IdempotencyKey
from oms_peewee.models import OrderKeyRow, StockKeyRow
from oms_peewee.session import Session

# A key of the service's own is looked for while a lost COMMIT is, which is seconds.
_OWN_KEYS_KEPT = timedelta(days=1)
_OWN_KEYS_DELETED_MAX = 10
# How HTTP answers to a change of an order.
_CHANGED = 200


def keep_order_key(session: Session, key: IdempotencyKey, order_id: UUID, now: datetime) -> None:
    """Write the key of an act that has changed an order.

    It collides with a rival's row of the same key, which is found when the work is done again.
    """
    OrderKeyRow.insert(
        caller=key.actor,
        idempotency_key=key.key,
        act=key.act,
        order_id=order_id,
        answer_status=_CHANGED,
        fingerprint=key.fingerprint,
        created_at=now,
    ).execute(session)


def order_of_key(session: Session, key: IdempotencyKey) -> UUID | None:
    """Return the order that a key was used for. Raise `idempotency_key_reused` where it stands for another command."""
    kept = OrderKeyRow.select(OrderKeyRow.order_id, OrderKeyRow.fingerprint).where(
        OrderKeyRow.idempotency_key == key.key, OrderKeyRow.caller == key.actor
    )
    row = kept.first(session)
    if row is None:
        return None
    key.check(row.fingerprint)
    found: UUID = row.order_id
    return found


def keep_stock_key(session: Session, key: IdempotencyKey, sku: str | None, now: datetime) -> None:
    """Write the key of an act on stock, of one product or (None) of several; it collides as `keep_order_key` does.

    A key of the service's own makes room for itself: some old ones are deleted with it.
    """
    StockKeyRow.insert(
        actor=key.actor,
        idempotency_key=key.key,
        act=key.act,
        sku=sku,
        fingerprint=key.fingerprint,
        created_at=now,
    ).execute(session)
    if key.fingerprint is None:
        _delete_old_own_keys(session, now - _OWN_KEYS_KEPT)


def is_kept(session: Session, key: IdempotencyKey) -> bool:
    """Return whether a key of stock was kept. Raise `idempotency_key_reused` where it stands for another command."""
    kept = StockKeyRow.select(StockKeyRow.fingerprint).where(
        StockKeyRow.idempotency_key == key.key, StockKeyRow.actor == key.actor
    )
    row = kept.first(session)
    if row is None:
        return False
    key.check(row.fingerprint)
    return True


def _delete_old_own_keys(session: Session, before: datetime) -> None:
    """Delete some of the keys that nobody looks for any more, the oldest first, as whoever does so meanwhile."""
    old = StockKeyRow.select(StockKeyRow.idempotency_key).where(
        StockKeyRow.fingerprint.is_null(), StockKeyRow.created_at < before
    )
    old = old.order_by(StockKeyRow.created_at).limit(_OWN_KEYS_DELETED_MAX)
    keys = sorted(row.idempotency_key for row in old.execute(session))
    if keys:
        # Random keys: nobody else has the same.
        StockKeyRow.delete().where(StockKeyRow.idempotency_key.in_(keys)).execute(session)
