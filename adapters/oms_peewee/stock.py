"""StockStorage: products, levels, the ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from oms_core.domain.callers import Caller
from oms_core.domain.commands import Unset
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.stamps import Stamp
from oms_core.domain.stock.changes import ProductChange, events_between, sku_not_found
from oms_core.domain.stock.products import Movement, Product, ProductFilter
from oms_core.ports.storage import CheckDeletion, DecideProductChange
from oms_peewee.database import Database
from oms_peewee.dialect import Ledger
from oms_peewee.faults import ChangedMeanwhileError
from oms_peewee.idempotency_keys import is_kept, keep_stock_key
from oms_peewee.locations import ensure_locations
from oms_peewee.models import LevelRow, MovementRow, ProductRow
from oms_peewee.order_queries import is_ordered
from oms_peewee.products import find_product, lock_product, product_page
from oms_peewee.rows import MOVEMENT_COLUMNS, movement_of, rows_of
from oms_peewee.session import Session
from oms_peewee.written import Written, nothing_written

_MOVEMENTS = f"SELECT {MOVEMENT_COLUMNS} FROM stock_movements WHERE sku = ?"  # noqa: S608  Only a constant is put in.


class PeeweeStock:
    """StockStorage on both databases."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger

    def change(
        self, sku: str, *, key: IdempotencyKey, caller: Caller, now: datetime, decide: DecideProductChange
    ) -> tuple[Product, bool]:
        stamp = Stamp.of(caller, now)
        return self._database.write(
            lambda session: self._change(session, sku, key, stamp, decide), look_up={"sku": sku}
        )

    def delete(self, sku: str, *, key: IdempotencyKey, now: datetime, check: CheckDeletion) -> None:
        self._database.write(lambda session: _delete(session, sku, key, now, check), look_up={"sku": sku})

    def get(self, sku: str) -> Product:
        return self._database.read(lambda session: _existing(find_product(session, sku), sku))

    def find(self, wanted: ProductFilter, *, after: str | None, limit: int) -> list[Product]:
        return self._database.read(
            lambda session: product_page(session, low_stock=wanted.low_stock, after=after, limit=limit)
        )

    def movements(self, sku: str, *, after: int | None, limit: int) -> list[Movement]:
        return self._database.read(lambda session: _movements(session, sku, after, limit))

    def _change(
        self, session: Session, sku: str, key: IdempotencyKey, stamp: Stamp, decide: DecideProductChange
    ) -> Written[tuple[Product, bool]]:
        product = lock_product(session, sku)
        if is_kept(session, key):
            return nothing_written((_existing(product, sku), True))
        change = decide(product)
        if change is None:
            return nothing_written((_existing(product, sku), False))
        _write_product(session, sku, product, change, stamp.at)
        keep_stock_key(session, key, sku, stamp.at)
        self._ledger.write(
            session,
            movements=[(movement, stamp) for movement in change.movements],
            events=[],
            silent_skus=[sku],  # Its threshold may have changed too.
        )
        written = _existing(find_product(session, sku), sku)
        if events := events_between(product, written):
            self._ledger.write(session, movements=[], events=[(event, stamp) for event in events])
        return Written(
            result=(written, False),
            was_committed=lambda later: _is_done(later, sku, key),
            as_it_is=lambda later: (find_product(later, sku) or written, False),  # It may have been deleted since.
        )


def _delete(session: Session, sku: str, key: IdempotencyKey, now: datetime, check: CheckDeletion) -> Written[None]:
    product = _existing(lock_product(session, sku), sku)
    check(product, _is_used(session, sku))
    LevelRow.delete().where(LevelRow.sku == sku).execute(session)
    ProductRow.delete().where(ProductRow.sku == sku).execute(session)
    keep_stock_key(session, key, sku, now)
    return Written(result=None, was_committed=lambda later: _is_done(later, sku, key))


def _is_done(session: Session, sku: str, key: IdempotencyKey) -> bool:
    """Return whether what was done under a key was committed, waiting for whoever has the product locked."""
    lock_product(session, sku)
    return is_kept(session, key)


def _is_used(session: Session, sku: str) -> bool:
    moved = MovementRow.select(MovementRow.sku).where(MovementRow.sku == sku).limit(1)
    return moved.first(session) is not None or is_ordered(session, sku)


def _write_product(session: Session, sku: str, product: Product | None, change: ProductChange, now: datetime) -> None:
    if product is None:
        _create(session, sku, change, now)
    else:
        _update(session, sku, change, now)
    if change.location is None:
        return
    level = None if product is None else product.level(change.location)
    kept_back = change.kept_back if not isinstance(change.kept_back, Unset) else level.kept_back if level else 0
    if level is not None and kept_back == level.kept_back:
        return
    withheld = ensure_locations(session, [change.location], now)[change.location].withheld(kept_back)
    if level is None:
        _create_level(session, sku, change, now, withheld=withheld, kept_back=kept_back)
    else:
        is_moved = any(movement.location == change.location for movement in change.movements)
        _keep_back(session, sku, change.location, now, withheld=withheld, kept_back=kept_back, is_moved=is_moved)


def _existing(product: Product | None, sku: str) -> Product:
    if product is None:
        raise sku_not_found(sku)
    return product


def _create(session: Session, sku: str, change: ProductChange, now: datetime) -> None:
    threshold = change.low_stock_threshold
    row = {
        ProductRow.sku: sku,
        ProductRow.name: change.name or "",
        ProductRow.low_stock_threshold: None if isinstance(threshold, Unset) else threshold,
        ProductRow.created_at: now,
        ProductRow.updated_at: now,
    }
    if not ProductRow.insert(row).on_conflict_ignore().as_rowcount().execute(session):
        raise ChangedMeanwhileError("another caller has just created this product")


def _update(session: Session, sku: str, change: ProductChange, now: datetime) -> None:
    changed: dict[Any, object] = {}
    if change.name is not None:
        changed[ProductRow.name] = change.name
    if not isinstance(change.low_stock_threshold, Unset):
        changed[ProductRow.low_stock_threshold] = change.low_stock_threshold
    if changed:
        ProductRow.update({**changed, ProductRow.updated_at: now}).where(ProductRow.sku == sku).execute(session)


def _create_level(
    session: Session, sku: str, change: ProductChange, now: datetime, *, withheld: int, kept_back: int
) -> None:
    LevelRow.insert(
        {
            LevelRow.sku: sku,
            LevelRow.location: change.location,
            LevelRow.on_hand: 0,
            LevelRow.reserved: 0,
            LevelRow.version: 0 if change.movements else 1,  # The movement makes it 1.
            LevelRow.updated_at: now,
            LevelRow.withheld: withheld or None,
            LevelRow.kept_back: kept_back or None,
        }
    ).execute(session)


def _keep_back(
    session: Session,
    sku: str,
    location: str,
    now: datetime,
    *,
    withheld: int,
    kept_back: int,
    is_moved: bool,
) -> None:
    """Set the safety stock of a level; its version grows once a transaction."""
    changed = LevelRow.update(
        withheld=withheld or None,
        kept_back=kept_back or None,
        version=LevelRow.version + (0 if is_moved else 1),
        updated_at=now,
    )
    changed.where(LevelRow.sku == sku, LevelRow.location == location).execute(session)


def _movements(session: Session, sku: str, after: int | None, limit: int) -> list[Movement]:
    page = _MOVEMENTS if after is None else f"{_MOVEMENTS} AND id < ?"
    params = [sku, limit] if after is None else [sku, after, limit]
    found = [movement_of(row) for row in rows_of(session, f"{page} ORDER BY id DESC LIMIT ?", params)]
    if not found:
        _existing(find_product(session, sku), sku)
    return found
