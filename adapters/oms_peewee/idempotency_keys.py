"""Idempotency keys of acts on orders and on stock, written in the transaction of the act."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from oms_core.domain.idempotency import IdempotencyKey
from oms_core.errors import OmsError
from oms_peewee.bulk_inserts import BulkInsert
from oms_peewee.models import StockKeyRow
from oms_peewee.order_models import OrderKeyRow
from oms_peewee.session import Session

# A key of the service's own is looked for while a lost COMMIT is, which is seconds.
_OWN_KEYS_KEPT = timedelta(days=1)
_OWN_KEYS_DELETED_MAX = 10
# How HTTP answers to an act on an order: one that makes something, and any other.
_CREATED = MappingProxyType({"ship": 201})
_CHANGED = 200
_INSERT = BulkInsert(
    table="order_keys",
    columns={
        **{"caller": "text", "idempotency_key": "text", "act": "text", "order_id": "uuid", "act_no": "integer"},
        **{"answer_status": "smallint", "fingerprint": "bytea", "created_at": "timestamptz"},
    },
)


@dataclass(frozen=True, slots=True)
class KeptAct:
    """What was done under a key: to which order, and which number the act has among its like, if any."""

    order_id: UUID
    act_no: int | None


def keep_order_keys(session: Session, acts: Iterable[tuple[IdempotencyKey, UUID, int | None]], now: datetime) -> None:
    """Write the keys of acts that have changed orders, each with its order and the number of the act.

    A key collides with a rival's row of it, which is found when the work is done again.
    """
    rows = [
        (key.actor, key.key, key.act, order_id, act_no, _CREATED.get(key.act, _CHANGED), key.fingerprint, now)
        for key, order_id, act_no in acts
    ]
    session.insert_rows(_INSERT, rows)


def kept_acts(session: Session, keys: Collection[IdempotencyKey]) -> dict[IdempotencyKey, KeptAct | OmsError]:
    """Return what was done under these keys of one caller, as far as they were used.

    A key that stands for another command has the error of that, `idempotency_key_reused`.
    """
    if not keys:
        return {}
    by_text = {key.key: key for key in keys}
    columns = (OrderKeyRow.idempotency_key, OrderKeyRow.order_id, OrderKeyRow.act_no, OrderKeyRow.fingerprint)
    found = OrderKeyRow.select(*columns).where(
        OrderKeyRow.idempotency_key.in_(sorted(by_text)), OrderKeyRow.caller == next(iter(keys)).actor
    )
    kept: dict[IdempotencyKey, KeptAct | OmsError] = {}
    for row in found.execute(session):
        key = by_text[row.idempotency_key]
        try:
            key.check(row.fingerprint)
        except OmsError as error:
            kept[key] = error
        else:
            kept[key] = KeptAct(row.order_id, row.act_no)
    return kept


def kept_act(session: Session, key: IdempotencyKey) -> KeptAct | None:
    """Return what was done under a key. Raise `idempotency_key_reused` where it stands for another command."""
    kept = kept_acts(session, [key]).get(key)
    if isinstance(kept, OmsError):
        raise kept
    return kept


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
