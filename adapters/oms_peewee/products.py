"""Queries for products with their levels: one, some, or a page of a list; and locking them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import peewee
from peewee import fn

from oms_core.domain.stock.products import Product
from oms_peewee.models import LevelRow, ProductRow
from oms_peewee.rows import products_of
from oms_peewee.session import Session


def find_product(session: Session, sku: str) -> Product | None:
    """Read one product."""
    return next(iter(_read(session, _products().where(ProductRow.sku == sku))), None)


def lock_product(session: Session, sku: str) -> Product | None:
    """Lock a product, then its levels by location, and read them as they then are."""
    if session.locking(ProductRow.select(ProductRow.sku).where(ProductRow.sku == sku)).first(session) is None:
        return None
    levels = LevelRow.select(LevelRow.sku).where(LevelRow.sku == sku).order_by(LevelRow.location)
    session.locking(levels).execute(session)
    return find_product(session, sku)


def lock_products(session: Session, skus: Sequence[str]) -> None:
    """Lock all levels of products, by (sku, location)."""
    levels = LevelRow.select(LevelRow.sku).where(LevelRow.sku.in_(list(skus))).order_by(LevelRow.sku, LevelRow.location)
    session.locking(levels).execute(session)


def products_by_sku(session: Session, skus: Sequence[str]) -> dict[str, Product]:
    """Read products, by SKU."""
    return {product.sku: product for product in _read(session, _products().where(ProductRow.sku.in_(list(skus))))}


def product_page(session: Session, *, low_stock: bool, after: str | None, limit: int) -> list[Product]:
    """Read products by SKU, above `after`."""
    page = _products().order_by(ProductRow.sku).limit(limit)
    if after is not None:
        page = page.where(ProductRow.sku > after)
    if low_stock:
        page = page.where(ProductRow.low_stock_threshold.is_null(False), _available() <= ProductRow.low_stock_threshold)
    return _read(session, page)


def _products() -> peewee.ModelSelect[Any]:
    return ProductRow.select(
        ProductRow.sku,
        ProductRow.name,
        ProductRow.low_stock_threshold,
        ProductRow.updated_at.alias("product_updated_at"),
    )


def _read(session: Session, products: peewee.ModelSelect[Any]) -> list[Product]:
    """Read products with their levels; the join is made for these products alone, whatever the planner estimates."""
    found = products.c
    rows = (
        peewee.Select(
            (products,),
            (
                found.sku,
                found.name,
                found.low_stock_threshold,
                found.product_updated_at,
                LevelRow.location,
                LevelRow.on_hand,
                LevelRow.reserved,
                LevelRow.version,
                LevelRow.withheld,
                LevelRow.kept_back,
                LevelRow.updated_at,
            ),
        )
        .join(LevelRow, peewee.JOIN.LEFT_OUTER, on=(LevelRow.sku == found.sku))
        .order_by(found.sku, LevelRow.location)
        .tuples()
    )
    return products_of(rows.execute(session))


def _available() -> peewee.ModelSelect[Any]:
    of_product = LevelRow.alias()
    free = of_product.on_hand - of_product.reserved - fn.COALESCE(of_product.withheld, 0)
    available = fn.COALESCE(fn.SUM(peewee.Case(None, ((free > 0, free),), 0)), 0)
    return of_product.select(available).where(of_product.sku == ProductRow.sku)
