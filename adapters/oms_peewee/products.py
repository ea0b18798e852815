"""Queries for products with their levels."""

from __future__ import annotations

from typing import Any

import peewee
from peewee import fn

from oms_core.domain.stock import Product
from oms_peewee.models import LevelRow, ProductRow
from oms_peewee.rows import products_of
from oms_peewee.session import Session


def find_product(session: Session, sku: str) -> Product | None:
    """Read one product."""
    return next(iter(_read(session, ProductRow.sku == sku)), None)


def lock_product(session: Session, sku: str) -> Product | None:
    """Lock a product, then its levels by location, and read them as they then are."""
    if session.locking(ProductRow.select(ProductRow.sku).where(ProductRow.sku == sku)).first(session) is None:
        return None
    levels = LevelRow.select(LevelRow.sku).where(LevelRow.sku == sku).order_by(LevelRow.location)
    session.locking(levels).execute(session)
    return find_product(session, sku)


def product_page(session: Session, *, low_stock: bool, after: str | None, limit: int) -> list[Product]:
    """Read products by SKU, above `after`."""
    page = ProductRow.select(ProductRow.sku).order_by(ProductRow.sku).limit(limit)
    if after is not None:
        page = page.where(ProductRow.sku > after)
    if low_stock:
        page = page.where(ProductRow.low_stock_threshold.is_null(False), _available() <= ProductRow.low_stock_threshold)
    return _read(session, ProductRow.sku.in_(page))


def _read(session: Session, condition: peewee.Expression) -> list[Product]:
    rows = (
        ProductRow.select(
            ProductRow.sku,
            ProductRow.name,
            ProductRow.low_stock_threshold,
            ProductRow.updated_at,
            LevelRow.location,
            LevelRow.on_hand,
            LevelRow.reserved,
            LevelRow.version,
            LevelRow.updated_at,
        )
        .join(LevelRow, peewee.JOIN.LEFT_OUTER, on=(LevelRow.sku == ProductRow.sku))
        .where(condition)
        .order_by(ProductRow.sku, LevelRow.location)
        .tuples()
    )
    return products_of(rows.execute(session))


def _available() -> peewee.ModelSelect[Any]:
    of_product = LevelRow.alias()
    available = fn.COALESCE(fn.SUM(of_product.on_hand - of_product.reserved), 0)
    return of_product.select(available).where(of_product.sku == ProductRow.sku)
