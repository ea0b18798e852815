"""New orders on SQLite, placed or queued: one round under the writer's lock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from oms_core.domain.money import to_ten_thousandths
from oms_core.domain.orders.new_orders import (
    as_placed,
    held_event,
    placed_event,
    placed_order,
    queued_order,
    reservation,
)
from oms_core.domain.orders.placement import EnteredAs, KeyedOrder, Placement, PlacementView, Reserve
from oms_core.domain.orders.queueing import AcceptanceView, queued_event
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.ledger import EventEntry, MovementEntry
from oms_peewee.dialect import AsWritten, NewOrder
from oms_peewee.fields import ENTRY_CODES, entered_as, to_microseconds
from oms_peewee.sqlite.connections import SqliteSession
from oms_peewee.sqlite.ledger import SqliteLedger, read_products

_READ_KEY = """SELECT order_id, fingerprint, answer_status FROM order_keys
WHERE caller = ? AND idempotency_key = ?"""
_READ_IDS = "SELECT id FROM orders WHERE id IN (SELECT value FROM json_each(?))"
_INSERT_KEY = """INSERT INTO order_keys (created_at, order_id, answer_status, act, caller, idempotency_key, fingerprint)
VALUES (?, ?, ?, 'place', ?, ?, ?)"""
_INSERT_ORDER = """INSERT INTO orders (id, customer_id, reference, currency, total_e4, metadata, caller, created_at,
  updated_at, status)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_INSERT_ORDER_TO_HOLD = """INSERT INTO orders (id, customer_id, reference, currency, total_e4, metadata, caller,
  created_at, updated_at, status, hold_seconds, hold_until)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_INSERT_HELD = "INSERT INTO waiting_orders (order_id, due_at, since, waits_for) VALUES (?, ?, ?, 'confirm')"
_INSERT_WAITING = "INSERT INTO waiting_orders (order_id, queue_no, since, waits_for) VALUES (?, ?, ?, 'place')"
_INSERT_LINE = """INSERT INTO order_lines (order_id, line_no, sku, quantity, unit_price_e4)
VALUES (?, ?, ?, ?, ?)"""
_SERVE_FROM = "UPDATE orders SET locations = ? WHERE id = ?"
_READ_SKUS = "SELECT sku FROM products WHERE sku IN (SELECT value FROM json_each(?))"


class SqlitePlacedOrders:
    """Orders that are placed at once."""

    entered_as = EnteredAs.PLACED
    reads_before_locking = False

    def __init__(self, ledger: SqliteLedger) -> None:
        self._ledger = ledger

    def recall(self, session: SqliteSession, placements: Sequence[Placement]) -> None:
        """Remember nothing: reading costs no round trip."""

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
        held = [placement for placement in placements if placement.hold_seconds is not None]
        pending = [placement for placement in placements if placement.hold_seconds is None]
        _insert_orders(session, pending, status=OrderStatus.PENDING, entered_as=self.entered_as)
        ends = self._hold(session, held) if held else {}
        movements, events = _entries(new_orders)
        self._ledger.write(session, movements=movements, events=events)
        return as_placed(ends) if held else placed_order

    def _hold(self, session: SqliteSession, held: Sequence[Placement]) -> dict[UUID, datetime]:
        """Write held orders; return when their holds end."""
        now = session.clock()
        ends = {placement.id: now + timedelta(seconds=placement.hold_seconds or 0) for placement in held}
        _insert_orders(session, held, status=OrderStatus.HELD, entered_as=self.entered_as, ends=ends)
        rows = [
            (str(placement.id), to_microseconds(ends[placement.id]), to_microseconds(placement.created_at))
            for placement in held
        ]
        session.execute_many(_INSERT_HELD, rows)
        return ends


class SqliteQueuedOrders:
    """Orders that are queued, without a look at stock."""

    entered_as = EnteredAs.QUEUED
    reads_before_locking = False

    def __init__(self, ledger: SqliteLedger) -> None:
        self._ledger = ledger

    def recall(self, session: SqliteSession, placements: Sequence[Placement]) -> None:
        """Remember nothing: reading costs no round trip."""

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
        _insert_orders(session, placements, status=OrderStatus.QUEUED, entered_as=self.entered_as)
        session.execute_many(
            _INSERT_WAITING,
            [
                (str(placement.id), number, to_microseconds(placement.created_at))
                for placement, number in zip(placements, numbers, strict=True)
            ],
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
        event = placed_event(placement) if placement.hold_seconds is None else held_event(placement)
        events.append((event, stamp))
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
    ends: Mapping[UUID, datetime] = MappingProxyType({}),
) -> None:
    """Write keys, orders and lines; `ends` has the ends of the holds of those that are held."""
    keyed = [placement for placement in placements if placement.key is not None]
    session.execute_many(_INSERT_KEY, [_key_row(placement, entered_as) for placement in keyed])
    unheld = [_order_row(placement, status) for placement in placements if placement.hold_seconds is None]
    session.execute_many(_INSERT_ORDER, unheld)
    if len(unheld) < len(placements):
        held = [placement for placement in placements if placement.hold_seconds is not None]
        rows = [(*_order_row(each, status), each.hold_seconds, _end(ends.get(each.id))) for each in held]
        session.execute_many(_INSERT_ORDER_TO_HOLD, rows)
    session.execute_many(
        _SERVE_FROM, [(json.dumps(each.locations), str(each.id)) for each in placements if each.locations is not None]
    )
    session.execute_many(_INSERT_LINE, [row for placement in placements for row in _line_rows(placement)])


def _end(hold_until: datetime | None) -> int | None:
    return None if hold_until is None else to_microseconds(hold_until)


def _keyed_order(session: SqliteSession, key: tuple[str, str]) -> KeyedOrder | None:
    row = session.execute_sql(_READ_KEY, key).fetchone()
    if row is None:
        return None
    order_id, fingerprint, code = row
    return KeyedOrder(order_id=UUID(order_id), fingerprint=fingerprint, entered_as=entered_as(code))


def _key_row(placement: Placement, entered_as: EnteredAs) -> tuple[object, ...]:
    created_at, key = to_microseconds(placement.created_at), placement.command.idempotency_key
    return created_at, str(placement.id), ENTRY_CODES[entered_as], placement.caller_name, key, placement.fingerprint


def _order_row(placement: Placement, status: OrderStatus) -> tuple[object, ...]:
    command, created_at = placement.command, to_microseconds(placement.created_at)
    total = None if placement.total is None else to_ten_thousandths(placement.total)
    what = (str(placement.id), command.customer_id, command.reference, placement.currency, total)
    metadata = json.dumps(dict(command.metadata))
    return (*what, metadata, placement.caller_name, created_at, created_at, status.value)


def _line_rows(placement: Placement) -> list[tuple[object, ...]]:
    order_id = str(placement.id)
    rows: list[tuple[object, ...]] = []
    for line_no, line in enumerate(placement.command.lines, start=1):
        unit_price = None if line.unit_price is None else to_ten_thousandths(line.unit_price)
        rows.append((order_id, line_no, line.sku, line.quantity, unit_price))
    return rows
