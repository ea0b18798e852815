"""What placing, queueing and settling orders on PostgreSQL have in common: statements that read and write orders."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from oms_core.domain.events import NewEvent
from oms_core.domain.money import to_ten_thousandths
from oms_core.domain.orders.placement import Allocation, Demand, EnteredAs, KeyedOrder, Placement
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stamps import Stamp
from oms_core.domain.stock.products import Product
from oms_peewee.fields import ENTERED_AS, ENTRY_CODES
from oms_peewee.postgresql import arrays
from oms_peewee.postgresql.connections import PostgresqlSession
from oms_peewee.postgresql.ledger import PostgresqlLedger
from oms_peewee.postgresql.statements import Call, Statement
from oms_peewee.rows import products_of

_READ_PRODUCTS = Statement(
    name="read_products",
    types=("text[]",),
    sql="""SELECT p.sku, p.name, p.low_stock_threshold, p.updated_at,
      l.location, l.on_hand, l.reserved, l.version, l.updated_at
    FROM unnest($1) AS wanted(sku)
    CROSS JOIN LATERAL (SELECT * FROM products AS p WHERE p.sku = wanted.sku OFFSET 0) AS p
    LEFT JOIN LATERAL (
      SELECT * FROM stock_levels AS l WHERE l.sku = wanted.sku ORDER BY l.location OFFSET 0) AS l ON true""",
)
_READ_KEYS = Statement(
    name="read_keys",
    types=("text[]", "text[]"),
    sql="""SELECT wanted.caller, wanted.key, o.id, o.fingerprint, o.accepted_status
    FROM unnest($1, $2) AS wanted(caller, key)
    CROSS JOIN LATERAL (
      SELECT * FROM orders AS o WHERE o.caller = wanted.caller AND o.idempotency_key = wanted.key LIMIT 1) AS o""",
)
_READ_IDS = Statement(
    name="read_ids",
    types=("uuid[]",),
    sql="""SELECT o.id FROM unnest($1) AS wanted(id)
    CROSS JOIN LATERAL (SELECT o.id FROM orders AS o WHERE o.id = wanted.id LIMIT 1) AS o""",
)
_INSERT_ORDERS = Statement(
    name="insert_orders",
    types=(
        *("uuid[]", "text[]", "text[]", "text[]", "bigint[]", "jsonb[]"),
        *("text[]", "text[]", "bytea[]", "timestamptz[]", "bigint[]", "text", "smallint"),
    ),
    sql="""INSERT INTO orders (id, customer_id, reference, currency, total_e4, metadata,
      caller, idempotency_key, fingerprint, created_at, updated_at, queue_no, status, accepted_status)
    SELECT id, customer_id, reference, currency, total_e4, metadata,
      caller, key, fingerprint, created_at, created_at, queue_no, status, accepted_status
    FROM (SELECT unnest($1) AS id, unnest($2) AS customer_id, unnest($3) AS reference, unnest($4) AS currency,
      unnest($5) AS total_e4, unnest($6) AS metadata, unnest($7) AS caller, unnest($8) AS key,
      unnest($9) AS fingerprint, unnest($10) AS created_at, unnest($11) AS queue_no,
      $12 AS status, $13 AS accepted_status) AS o""",
)
_INSERT_LINES = Statement(
    name="insert_lines",
    types=("uuid[]", "smallint[]", "text[]", "integer[]", "bigint[]"),
    sql="""INSERT INTO order_lines (order_id, line_no, sku, quantity, unit_price_e4)
    SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5)""",
)
# The ledger row of `oms_core.domain.orders.new_orders.reservation`.
_INSERT_RESERVATIONS = Statement(
    name="insert_reservations",
    types=("text[]", "text[]", "bigint[]", "uuid[]", "smallint[]", "text[]", "timestamptz[]"),
    sql="""INSERT INTO stock_movements (sku, location, kind, on_hand_delta, reserved_delta, order_id, line_no, actor,
      created_at)
    SELECT unnest($1), unnest($2), 'reserve', 0, unnest($3), unnest($4), unnest($5), unnest($6), unnest($7)""",
)
# The events of a batch have type, version and data in common.
_INSERT_FIRST_EVENTS = Statement(
    name="insert_first_events",
    types=("text", "uuid[]", "integer", "jsonb", "text[]", "text[]", "timestamptz[]"),
    sql="""INSERT INTO events (type, order_id, order_version, data, actor, request_id, created_at)
    SELECT $1, unnest($2), $3, $4, unnest($5), unnest($6), unnest($7)""",
)


class FirstEvents:
    """Writes the first event of each order of a batch."""

    def __init__(self, ledger: PostgresqlLedger) -> None:
        self._statement = ledger.of_events(_INSERT_FIRST_EVENTS)

    def insert(self, placements: Sequence[Placement], event: NewEvent) -> Call:
        """Return the call. `event` is that of the first order; the others differ from it in the order id alone."""
        return self._statement, [
            event.type.value,
            arrays.ids([placement.id for placement in placements]),
            event.order_version,
            json.dumps(dict(event.data)),
            arrays.texts([placement.caller_name for placement in placements]),
            arrays.texts([placement.request_id for placement in placements]),
            arrays.times([placement.created_at for placement in placements]),
        ]


def skus_of(orders: Iterable[Demand]) -> list[str]:
    """Return the SKUs of orders, sorted."""
    return sorted({line.sku for order in orders for line in order.lines})


def read_products(session: PostgresqlSession, skus: Sequence[str]) -> Mapping[str, Product]:
    """Read products with their levels."""
    rows = session.run([(_READ_PRODUCTS, [arrays.texts(skus)])]).fetchall()
    return {product.sku: product for product in products_of(rows)}


def read_keyed_orders(
    session: PostgresqlSession, placements: Sequence[Placement]
) -> Mapping[tuple[str, str], KeyedOrder]:
    """Read the orders that carry the keys of these."""
    keys = [placement.key for placement in placements if placement.key is not None]
    found = session.run([_read_keys(keys)]).fetchall() if keys else []
    return {
        (caller, key): KeyedOrder(order_id=order_id, fingerprint=bytes(fingerprint), entered_as=ENTERED_AS[code])
        for caller, key, order_id, fingerprint, code in found
    }


def written_ids(session: PostgresqlSession, placements: Sequence[Placement]) -> set[UUID]:
    """Return the ids of the orders that are there."""
    if not placements:
        return set()
    rows = session.run([(_READ_IDS, [arrays.ids([placement.id for placement in placements])])]).fetchall()
    return {order_id for (order_id,) in rows}


def insert_orders(
    placements: Sequence[Placement], *, status: OrderStatus, entered_as: EnteredAs, numbers: Sequence[int] = ()
) -> list[Call]:
    """Return the calls that write orders and lines; `numbers` are their queue numbers, in this order."""
    # Two batches with the same keys wait for each other in the same order.
    by_key = sorted(range(len(placements)), key=lambda index: placements[index].key or ("", ""))
    ordered = [placements[index] for index in by_key]
    return [
        _insert_orders(ordered, status, entered_as, [numbers[index] for index in by_key] if numbers else ()),
        _insert_lines(ordered),
    ]


def insert_reservations(reserved: Sequence[tuple[UUID, Stamp, Allocation]]) -> Call:
    """Return the call that writes the ledger rows of orders."""
    return _INSERT_RESERVATIONS, [
        arrays.texts([allocation.sku for _, _, allocation in reserved]),
        arrays.texts([allocation.location for _, _, allocation in reserved]),
        arrays.numbers([allocation.quantity for _, _, allocation in reserved]),
        arrays.ids([order_id for order_id, _, _ in reserved]),
        arrays.numbers([allocation.line_no for _, _, allocation in reserved]),
        arrays.texts([stamp.actor for _, stamp, _ in reserved]),
        arrays.times([stamp.at for _, stamp, _ in reserved]),
    ]


def _read_keys(keys: Sequence[tuple[str, str]]) -> Call:
    return _READ_KEYS, [arrays.texts([caller for caller, _ in keys]), arrays.texts([key for _, key in keys])]


def _insert_orders(
    placements: Sequence[Placement], status: OrderStatus, entered_as: EnteredAs, numbers: Sequence[int]
) -> Call:
    commands = [placement.command for placement in placements]
    totals = [placement.total for placement in placements]
    return _INSERT_ORDERS, [
        arrays.ids([placement.id for placement in placements]),
        arrays.texts([command.customer_id for command in commands]),
        arrays.texts([command.reference for command in commands]),
        arrays.texts([placement.currency for placement in placements]),
        arrays.numbers([None if total is None else to_ten_thousandths(total) for total in totals]),
        arrays.documents([command.metadata for command in commands]),
        arrays.texts([placement.caller_name for placement in placements]),
        arrays.texts([command.idempotency_key for command in commands]),
        arrays.digests([placement.fingerprint for placement in placements]),
        arrays.times([placement.created_at for placement in placements]),
        arrays.numbers(numbers),
        status.value,
        ENTRY_CODES[entered_as],
    ]


def _insert_lines(placements: Sequence[Placement]) -> Call:
    numbered = [
        (placement.id, line_no, line)
        for placement in placements
        for line_no, line in enumerate(placement.command.lines, start=1)
    ]
    prices = [line.unit_price for _, _, line in numbered]
    return _INSERT_LINES, [
        arrays.ids([order_id for order_id, _, _ in numbered]),
        arrays.numbers([line_no for _, line_no, _ in numbered]),
        arrays.texts([line.sku for _, _, line in numbered]),
        arrays.numbers([line.quantity for _, _, line in numbered]),
        arrays.numbers([None if price is None else to_ten_thousandths(price) for price in prices]),
    ]
