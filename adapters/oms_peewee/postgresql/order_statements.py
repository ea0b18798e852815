"""What placing, queueing and settling orders on PostgreSQL have in common: statements that read orders and stock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias
from uuid import UUID

from oms_core.domain.orders.placement import Demand, KeyedOrder, Placement
from oms_core.domain.stock.products import Product
from oms_peewee.fields import entered_as
from oms_peewee.postgresql import arrays
from oms_peewee.postgresql.connections import PostgresqlSession
from oms_peewee.postgresql.statements import Statement
from oms_peewee.rows import products_of

KeyedOrders: TypeAlias = Mapping[tuple[str, str], KeyedOrder]

_PRODUCTS = """SELECT p.sku, p.name, p.low_stock_threshold, p.updated_at,
      l.location, l.on_hand, l.reserved, l.version, l.withheld, l.kept_back, l.updated_at
    FROM unnest($1) AS wanted(sku)
    CROSS JOIN LATERAL (SELECT * FROM products AS p WHERE p.sku = wanted.sku OFFSET 0) AS p
    LEFT JOIN LATERAL (
      SELECT * FROM stock_levels AS l WHERE l.sku = wanted.sku ORDER BY l.location OFFSET 0) AS l ON true"""
# The orders that keys stand for, in three of as many columns as the other half of a UNION has.
_KEYED = """FROM (SELECT unnest($2) AS caller, unnest($3) AS key) AS wanted
    CROSS JOIN LATERAL (
      SELECT * FROM order_keys AS k WHERE k.caller = wanted.caller AND k.idempotency_key = wanted.key LIMIT 1) AS k"""
_READ_PRODUCTS = Statement(name="read_products", types=("text[]",), sql=_PRODUCTS)
# Keys and stock are seen in the same moment, so an order whose key is missed here has not taken its stock either.
_READ_PRODUCTS_AND_KEYS = Statement(
    name="read_products_and_keys",
    types=("text[]", "text[]", "text[]"),
    sql=f"""SELECT read.*, NULL::uuid, NULL::bytea, NULL::smallint FROM ({_PRODUCTS}) AS read
    UNION ALL SELECT wanted.caller, wanted.key, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
      k.order_id, k.fingerprint, k.answer_status {_KEYED}""",  # noqa: S608  Only constants of ours are put in.
)
_READ_SKUS_AND_KEYS = Statement(
    name="read_skus_and_keys",
    types=("text[]", "text[]", "text[]"),
    sql=f"""SELECT wanted.sku, NULL, NULL::uuid, NULL::bytea, NULL::smallint FROM unnest($1) AS wanted(sku)
    CROSS JOIN LATERAL (SELECT 1 FROM products AS p WHERE p.sku = wanted.sku LIMIT 1) AS p
    UNION ALL SELECT wanted.caller, wanted.key, k.order_id, k.fingerprint, k.answer_status {_KEYED}""",  # noqa: S608
)
_READ_IDS = Statement(
    name="read_ids",
    types=("uuid[]",),
    sql="""SELECT o.id FROM unnest($1) AS wanted(id)
    CROSS JOIN LATERAL (SELECT o.id FROM orders AS o WHERE o.id = wanted.id LIMIT 1) AS o""",
)


def units_of(orders: Iterable[Demand]) -> dict[str, int]:
    """Return the units that orders want, by SKU."""
    units: dict[str, int] = {}
    for order in orders:
        for line in order.lines:
            units[line.sku] = units.get(line.sku, 0) + line.quantity
    return units


def skus_of(orders: Iterable[Demand]) -> list[str]:
    """Return the SKUs of orders, sorted."""
    return sorted({line.sku for order in orders for line in order.lines})


def read_products(session: PostgresqlSession, skus: Sequence[str]) -> Mapping[str, Product]:
    """Read products with their levels."""
    rows = session.run([(_READ_PRODUCTS, [arrays.texts(skus)])]).fetchall()
    return {product.sku: product for product in products_of(rows)}


def read_products_and_keys(
    session: PostgresqlSession, skus: Iterable[str], placements: Sequence[Placement]
) -> tuple[Mapping[str, Product], KeyedOrders]:
    """Read products with their levels, and the orders that carry the keys of these, as they are in one moment."""
    params = [arrays.texts(sorted(skus)), *_keys(placements)]
    rows = session.run([(_READ_PRODUCTS_AND_KEYS, params)]).fetchall()
    products = products_of(row[:-3] for row in rows if row[-1] is None)
    return {product.sku: product for product in products}, _keyed_orders(rows)


def read_skus_and_keys(
    session: PostgresqlSession, skus: Iterable[str], placements: Sequence[Placement]
) -> tuple[set[str], KeyedOrders]:
    """Return which of the SKUs exist, and the orders that carry the keys of these."""
    rows = session.run([(_READ_SKUS_AND_KEYS, [arrays.texts(sorted(skus)), *_keys(placements)])]).fetchall()
    return {row[0] for row in rows if row[-1] is None}, _keyed_orders(rows)


def written_ids(session: PostgresqlSession, placements: Sequence[Placement]) -> set[UUID]:
    """Return the ids of the orders that are there."""
    if not placements:
        return set()
    rows = session.run([(_READ_IDS, [arrays.ids([placement.id for placement in placements])])]).fetchall()
    return {order_id for (order_id,) in rows}


def _keys(placements: Sequence[Placement]) -> list[object]:
    keys = [placement.key for placement in placements if placement.key is not None]
    return [arrays.texts([caller for caller, _ in keys]), arrays.texts([key for _, key in keys])]


def _keyed_orders(rows: Iterable[tuple[Any, ...]]) -> KeyedOrders:
    """Read orders from the rows that end in the id, fingerprint and answer of one; those of products have none."""
    return {
        (row[0], row[1]): KeyedOrder(
            order_id=row[-3],
            fingerprint=None if row[-2] is None else bytes(row[-2]),
            entered_as=entered_as(row[-1]),
        )
        for row in rows
        if row[-1] is not None
    }
