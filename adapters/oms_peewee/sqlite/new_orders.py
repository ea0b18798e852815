"""New orders on SQLite, placed or queued: one round under the writer's lock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from oms_core.domain.money import to_ten_thousandths
from oms_core.domain.orders.new_orders import placed_event, placed_order, queued_order, reservation
from oms_core.domain.orders.placement import EnteredAs, KeyedOrder, Placement, PlacementView, Reserve
from oms_core.domain.orders.queueing import AcceptanceView, queued_event
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.ledger import EventEntry, MovementEntry
from oms_peewee.dialect import AsWritten, NewOrder
from oms_peewee.fields import ENTERED_AS, ENTRY_CODES, to_microseconds
from oms_peewee.sqlite.connections import SqliteSession
from oms_peewee.sqlite.ledger import SqliteLedger, read_products

_READ_KEY = """SELECT id, fingerprint, accepted_status FROM orders
WHERE caller = ? AND idempotency_key = ?"""
_READ_IDS = "SELECT id FROM orders WHERE id IN (SELECT value FROM json_each(?))"
_INSERT_ORDER = """INSERT INTO orders (id, customer_id, reference, currency, total_e4, metadata,
  caller, idempotency_key, fingerprint, created_at, updated_at, queue_no, status, accepted_status)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_INSERT_LINE = """INSERT INTO order_lines (order_id, line_no, sku, quantity, unit_price_e4)
VALUES (?, ?, ?, ?, ?)"""
_READ_SKUS = "SELECT sku FROM products WHERE sku IN (SELECT value FROM json_each(?))"


class SqlitePlacedOrders:
    """Orders that are placed at once."""

    entered_as = EnteredAs.PLACED
    reads_before_locking = False

    def __init__(self, ledger: SqliteLedger) -> None:
        self._ledger = ledger

    def read(self, session: SqliteSession, placements: Sequence[Placement]) -> PlacementView:
        return PlacementView(
            products=read_products(session, _skus_of(placements)), keyed_orders=_read_keyed_orders(session, placements)
        )

    def lock(self, session: SqliteSession, placements: Sequence[Placement]) -> None:
        """Lock nothing more: the transaction has begun by taking the lock of the file."""

    def written(self, session: SqliteSession, placements: Sequence[Placement]) -> set[UUID]:
        return _written_ids(session, placements)

    def write(
        self,
        session: SqliteSession,
        new_orders: Sequence[NewOrder],
        view: PlacementView,  # noqa: ARG002
    ) -> AsWritten:
        placements = [placement for placement, _ in new_orders]
        _insert_orders(session, placements, status=OrderStatus.PENDING, entered_as=self.entered_as)
        movements, events = _entries(new_orders)
        self._ledger.write(session, movements=movements, events=events)
        return placed_order


class SqliteQueuedOrders:
    """Orders that are queued, without a look at stock."""

    entered_as = EnteredAs.QUEUED
    reads_before_locking = False

    def __init__(self, ledger: SqliteLedger) -> None:
        self._ledger = ledger

    def read(self, session: SqliteSession, placements: Sequence[Placement]) -> AcceptanceView:
        skus = json.dumps(sorted(_skus_of(placements)))
        known = {sku for (sku,) in session.execute_sql(_READ_SKUS, (skus,))}
        return AcceptanceView(known_skus=known, keyed_orders=_read_keyed_orders(session, placements))

    def lock(self, session: SqliteSession, placements: Sequence[Placement]) -> None:
        """Lock nothing more: the transaction has begun by taking the lock of the file."""

    def written(self, session: SqliteSession, placements: Sequence[Placement]) -> set[UUID]:
        return _written_ids(session, placements)

    def write(
        self,
        session: SqliteSession,
        new_orders: Sequence[NewOrder],
        view: AcceptanceView,  # noqa: ARG002
    ) -> AsWritten:
        placements = [placement for placement, _ in new_orders]
        first = session.next_queue_number()
        numbers = range(first, first + len(placements))
        _insert_orders(
            session,
            placements,
            status=OrderStatus.QUEUED,
            entered_as=self.entered_as,
            numbers=numbers,
        )
        self._ledger.write_events(session, [(queued_event(placement), placement.stamp) for placement in placements])
        number_of = {placement.id: number for placement, number in zip(placements, numbers, strict=True)}
        return lambda placement: queued_order(placement, number_of[placement.id])


def _skus_of(placements: Sequence[Placement]) -> set[str]:
    return {line.sku for placement in placements for line in placement.lines}


def _entries(new_orders: Sequence[NewOrder]) -> tuple[list[MovementEntry], list[EventEntry]]:
    movements: list[MovementEntry] = []
    events: list[EventEntry] = []
    for placement, verdict in new_orders:
        stamp = placement.stamp
        if isinstance(verdict, Reserve):
            movements.extend([(reservation(placement.id, allocation), stamp) for allocation in verdict.allocations])
        events.append((placed_event(placement), stamp))
    return movements, events


def _read_keyed_orders(session: SqliteSession, placements: Sequence[Placement]) -> Mapping[tuple[str, str], KeyedOrder]:
    """Read the orders that carry the keys of these."""
    keys = [placement.key for placement in placements if placement.key is not None]
    return {key: found for key in keys if (found := _keyed_order(session, key)) is not None}


def _written_ids(session: SqliteSession, placements: Sequence[Placement]) -> set[UUID]:
    """Return the ids of the orders that are there."""
    ids = json.dumps([str(placement.id) for placement in placements])
    return {UUID(order_id) for (order_id,) in session.execute_sql(_READ_IDS, (ids,))}


def _insert_orders(
    session: SqliteSession,
    placements: Sequence[Placement],
    *,
    status: OrderStatus,
    entered_as: EnteredAs,
    numbers: Sequence[int | None] = (),
) -> None:
    """Write orders and lines; `numbers` are their queue numbers, in this order."""
    numbers = numbers or [None] * len(placements)
    rows = [
        _order_row(placement, status, entered_as, queue_no)
        for placement, queue_no in zip(placements, numbers, strict=True)
    ]
    session.execute_many(_INSERT_ORDER, rows)
    session.execute_many(_INSERT_LINE, [row for placement in placements for row in _line_rows(placement)])


def _keyed_order(session: SqliteSession, key: tuple[str, str]) -> KeyedOrder | None:
    row = session.execute_sql(_READ_KEY, key).fetchone()
    if row is None:
        return None
    order_id, fingerprint, code = row
    return KeyedOrder(order_id=UUID(order_id), fingerprint=fingerprint, entered_as=ENTERED_AS[code])


def _order_row(
    placement: Placement, status: OrderStatus, entered_as: EnteredAs, queue_no: int | None
) -> tuple[object, ...]:
    command, created_at = placement.command, to_microseconds(placement.created_at)
    total = None if placement.total is None else to_ten_thousandths(placement.total)
    what = (str(placement.id), command.customer_id, command.reference, placement.currency, total)
    who = (json.dumps(dict(command.metadata)), placement.caller_name, command.idempotency_key, placement.fingerprint)
    return (*what, *who, created_at, created_at, queue_no, status.value, ENTRY_CODES[entered_as])


def _line_rows(placement: Placement) -> list[tuple[object, ...]]:
    order_id = str(placement.id)
    rows: list[tuple[object, ...]] = []
    for line_no, line in enumerate(placement.command.lines, start=1):
        unit_price = None if line.unit_price is None else to_ten_thousandths(line.unit_price)
        rows.append((order_id, line_no, line.sku, line.quantity, unit_price))
    return rows
