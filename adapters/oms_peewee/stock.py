"""StockStorage: products, levels, the ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from oms_core.domain.callers import Caller
from oms_core.domain.commands import Unset
from oms_core.domain.stock import Movement, Product, ProductFilter, StockKey
from oms_core.domain.stock_changes import ProductChange, sku_not_found
from oms_core.errors import OmsError
from oms_core.ports.storage import DecideProductChange
from oms_peewee.database import Attempt, Database
from oms_peewee.faults import ChangedMeanwhileError
from oms_peewee.ledger import Ledger, Origin, origin_of
from oms_peewee.models import LevelRow, MovementRow, ProductRow
from oms_peewee.products import find_product, lock_product, product_page
from oms_peewee.rows import movement_of
from oms_peewee.session import Session


class PeeweeStock:
    """See StockStorage."""

    def __init__(self, database: Database[Any], ledger: Ledger[Any]) -> None:
        self._database = database
        self._ledger = ledger

    def change(
        self, sku: str, *, key: StockKey, caller: Caller, now: datetime, decide: DecideProductChange
    ) -> tuple[Product, bool]:
        """See StockStorage."""
        origin = origin_of(caller, now)
        return self._database.write(
            lambda attempt: self._change(attempt, sku, key, origin, decide), look_up={"sku": sku}
        )

    def get(self, sku: str) -> Product:
        """See StockStorage."""
        return self._database.read(lambda session: _existing(find_product(session, sku), sku))

    def find(self, wanted: ProductFilter, *, after: str | None, limit: int) -> list[Product]:
        """See StockStorage."""
        return self._database.read(
            lambda session: product_page(session, low_stock=wanted.low_stock, after=after, limit=limit)
        )

    def movements(self, sku: str, *, after: int | None, limit: int) -> list[Movement]:
        """See StockStorage."""
        return self._database.read(lambda session: _movements(session, sku, after, limit))

    def _change(
        self, attempt: Attempt[Any], sku: str, key: StockKey, origin: Origin, decide: DecideProductChange
    ) -> tuple[Product, bool]:
        session = attempt.session
        with session.atomic():
            product = lock_product(session, sku)
            if _is_known(session, key):
                return _existing(product, sku), not attempt.commit_was_lost
            change = decide(product)
            if change is None:
                return _existing(product, sku), False
            _write_product(session, sku, product, change, origin.at)
            if change.movement is not None:
                self._ledger.write(
                    session,
                    movements=[(change.movement, origin)],
                    events=[],
                    key=key,
                    new_skus=[sku] if product is None else [],
                )
            return _existing(find_product(session, sku), sku), False


def _write_product(session: Session, sku: str, product: Product | None, change: ProductChange, now: datetime) -> None:
    if product is None:
        _create(session, sku, change, now)
    else:
        _update(session, sku, change, now)
    if change.location is not None and (product is None or product.level(change.location) is None):
        _create_level(session, sku, change, now)


def _existing(product: Product | None, sku: str) -> Product:
    if product is None:
        raise sku_not_found(sku)
    return product


def _is_known(session: Session, key: StockKey) -> bool:
    written = MovementRow.select(MovementRow.fingerprint).where(
        MovementRow.actor == key.actor, MovementRow.idempotency_key == key.key
    )
    row = written.first(session)
    if row is not None and row.fingerprint != key.fingerprint:
        raise OmsError("idempotency_key_reused", "this idempotency key was used for another command")
    return row is not None


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


def _create_level(session: Session, sku: str, change: ProductChange, now: datetime) -> None:
    LevelRow.insert(
        {
            LevelRow.sku: sku,
            LevelRow.location: change.location,
            LevelRow.on_hand: 0,
            LevelRow.reserved: 0,
            LevelRow.version: 0 if change.movement else 1,  # The movement makes it 1.
            LevelRow.updated_at: now,
        }
    ).execute(session)


def _movements(session: Session, sku: str, after: int | None, limit: int) -> list[Movement]:
    page = MovementRow.select().where(MovementRow.sku == sku).order_by(MovementRow.id.desc()).limit(limit)
    if after is not None:
        page = page.where(MovementRow.id < after)
    found = [movement_of(row) for row in page.execute(session)]
    if not found:
        _existing(find_product(session, sku), sku)
    return found
