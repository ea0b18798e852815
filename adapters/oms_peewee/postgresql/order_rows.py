"""The rows of new orders on PostgreSQL: one statement for all tables, to which each column of a batch goes once.

A statement for each table costs as much again where an order comes alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

from oms_core.domain.commands import OrderLine
from oms_core.domain.events import NewEvent
from oms_core.domain.money import to_ten_thousandths
from oms_core.domain.orders.placement import EnteredAs, Placement
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.orders.unpromised import Allocation
from oms_peewee.fields import ENTRY_CODES
from oms_peewee.postgresql import arrays
from oms_peewee.postgresql.statements import Call, Statement

_TYPES = (
    *("uuid[]", "text[]", "text[]", "text[]", "bigint[]", "jsonb[]", "text[]", "text[]", "timestamptz[]", "text[]"),
    *("text[]", "smallint[]", "text", "smallint", "text", "integer", "jsonb"),
    *("smallint[]", "smallint[]", "text[]", "integer[]", "bigint[]"),
)
# The parameters, each named once. Orders have the number of their caller, rows of lines that of their order. Not
# materialized: arrays are read where they are.
_BATCH = """WITH batch AS NOT MATERIALIZED (SELECT $1 AS ids, $2 AS customers, $3 AS refs, $4 AS currencies,
      $5 AS totals, $6 AS documents, $7 AS keys, $8 AS fingerprints, $9 AS times, $10 AS requests, $11 AS callers,
      $12 AS caller_nos, $13 AS status, $14 AS answer_status, $15 AS event, $16 AS event_version, $17 AS event_data,
      $18 AS order_nos, $19 AS line_nos, $20 AS skus, $21 AS quantities, $22 AS prices{more})"""
# Two batches with the same keys wait for each other in the same order.
_KEYS = """new_keys AS (
      INSERT INTO order_keys (created_at, order_id, answer_status, act, caller, idempotency_key, fingerprint)
      SELECT created_at, id, answer_status, 'place', callers[caller_no], key, decode(fingerprint, 'hex')
      FROM (SELECT unnest(ids) AS id, callers, unnest(caller_nos) AS caller_no, unnest(keys) AS key,
        unnest(fingerprints) AS fingerprint, unnest(times) AS created_at, answer_status FROM batch) AS k
      WHERE key IS NOT NULL ORDER BY key COLLATE "C", caller_no)"""
_ORDERS = """new_orders AS (
      INSERT INTO orders (id, customer_id, reference, currency, total_e4, metadata, caller, created_at, updated_at,
        status)
      SELECT id, customer_id, reference, currency, total_e4, metadata, callers[caller_no], created_at, created_at,
        status
      FROM (SELECT unnest(ids) AS id, unnest(customers) AS customer_id, unnest(refs) AS reference,
        unnest(currencies) AS currency, unnest(totals) AS total_e4, unnest(documents) AS metadata,
        callers, unnest(caller_nos) AS caller_no, unnest(times) AS created_at, status FROM batch) AS o)"""
_WAITING = """new_waiting AS (
      INSERT INTO waiting_orders (order_id, queue_no, since, waits_for)
      SELECT unnest(ids), unnest(numbers), unnest(times), 'place' FROM batch, numbered)"""
# A line that is served from several locations has a quantity in the first of its rows alone.
_LINES = """new_lines AS (
      INSERT INTO order_lines (order_id, line_no, sku, quantity, unit_price_e4)
      SELECT ids[order_no], line_no, sku, quantity, unit_price_e4
      FROM (SELECT ids, unnest(order_nos) AS order_no, unnest(line_nos) AS line_no, unnest(skus) AS sku,
        unnest(quantities) AS quantity, unnest(prices) AS unit_price_e4 FROM batch) AS l
      WHERE quantity IS NOT NULL)"""
# The ledger row of `oms_core.domain.orders.new_orders.reservation`.
_RESERVATIONS = """new_movements AS (
      INSERT INTO stock_movements (sku, location, kind, on_hand_delta, reserved_delta, order_id, line_no, actor,
        created_at)
      SELECT sku, location, 'reserve', 0, reserved, ids[order_no], line_no, callers[caller_nos[order_no]],
        times[order_no]
      FROM (SELECT ids, times, callers, caller_nos, unnest(order_nos) AS order_no, unnest(line_nos) AS line_no,
        unnest(skus) AS sku, unnest(reserved) AS reserved, unnest(locations) AS location FROM batch) AS m)"""
# The events of a batch have type, version and data in common.
_EVENTS = """INSERT INTO events (type, order_id, order_version, data, actor, request_id, created_at)
    SELECT event, id, event_version, event_data, callers[caller_no], request_id, created_at
    FROM (SELECT event, unnest(ids) AS id, event_version, event_data, callers, unnest(caller_nos) AS caller_no,
      unnest(requests) AS request_id, unnest(times) AS created_at FROM batch) AS e"""
_MARKED_EVENTS = f"new_events AS ({_EVENTS} RETURNING id)"
_MARKS = "INSERT INTO outbox (event_id) SELECT id FROM new_events"
# One array, so that the client gets the numbers in one row, and each order its own by its place in the batch.
_NUMBERS = """numbered AS MATERIALIZED (
      SELECT array_agg(nextval('queue_no')) AS numbers FROM batch, generate_series(1, cardinality(ids)))"""


# Orders that are held, or are to be once they are placed: `{until}` is when a hold ends.
_ORDERS_WITH_HOLD = """new_orders AS (
      INSERT INTO orders (id, customer_id, reference, currency, total_e4, metadata, caller, created_at, updated_at,
        status, hold_seconds, hold_until)
      SELECT id, customer_id, reference, currency, total_e4, metadata, callers[caller_no], created_at, created_at,
        status, hold_seconds, {until}
      FROM (SELECT unnest(ids) AS id, unnest(customers) AS customer_id, unnest(refs) AS reference,
        unnest(currencies) AS currency, unnest(totals) AS total_e4, unnest(documents) AS metadata,
        callers, unnest(caller_nos) AS caller_no, unnest(times) AS created_at, status,
        unnest(holds) AS hold_seconds FROM batch) AS o
      RETURNING id, created_at, hold_until)"""
_HELD = _ORDERS_WITH_HOLD.format(until="now() + make_interval(secs => hold_seconds)")
_TO_HOLD = _ORDERS_WITH_HOLD.format(until="NULL::timestamptz")
_HELD_WAITING = """new_waiting AS (
      INSERT INTO waiting_orders (order_id, due_at, since, waits_for)
      SELECT id, hold_until, created_at, 'confirm' FROM new_orders)"""
_HELD_EVENTS = """INSERT INTO events (type, order_id, order_version, data, actor, request_id, created_at)
    SELECT event, id, event_version, event_data || jsonb_build_object('hold_seconds', hold_seconds),
      callers[caller_no], request_id, created_at
    FROM (SELECT event, unnest(ids) AS id, event_version, event_data, callers, unnest(caller_nos) AS caller_no,
      unnest(requests) AS request_id, unnest(times) AS created_at, unnest(holds) AS hold_seconds FROM batch) AS e"""

_QUEUED = (_NUMBERS, _KEYS, _ORDERS, _WAITING, _LINES)
_QUEUED_TO_HOLD = (_NUMBERS, _KEYS, _TO_HOLD, _WAITING, _LINES)


def _placing(*last: str) -> Statement:
    batch = _BATCH.format(more=", $23 AS reserved, $24 AS locations")
    *parts, end = last
    return Statement(
        name="place_orders",
        types=(*_TYPES, "bigint[]", "text[]"),
        sql=f"{', '.join([batch, _KEYS, _ORDERS, _LINES, _RESERVATIONS, *parts])} {end}",
    )


def _holding(*parts: str) -> Statement:
    batch = _BATCH.format(more=", $23 AS reserved, $24 AS locations, $25 AS holds")
    written = [batch, _KEYS, _HELD, _HELD_WAITING, _LINES, _RESERVATIONS, *parts]
    return Statement(
        name="hold_orders",
        types=(*_TYPES, "bigint[]", "text[]", "integer[]"),
        sql=f"{', '.join(written)} SELECT id, hold_until FROM new_orders",  # noqa: S608
    )


def _queueing_to_hold(*parts: str) -> Statement:
    batch = _BATCH.format(more=", $23 AS holds")
    return Statement(
        name="queue_orders_to_hold",
        types=(*_TYPES, "integer[]"),
        sql=f"{', '.join([batch, *_QUEUED_TO_HOLD, *parts])} SELECT numbers FROM numbered",  # noqa: S608
    )


def _queueing(*parts: str) -> Statement:
    batch = _BATCH.format(more="")
    return Statement(
        name="queue_orders",
        types=_TYPES,
        sql=f"{', '.join([batch, *_QUEUED, *parts])} SELECT numbers FROM numbered",  # noqa: S608
    )


_PLACE = _placing(_EVENTS)
_PLACE_AND_MARK = _placing(_MARKED_EVENTS, _MARKS)
_QUEUE = _queueing(f"new_events AS ({_EVENTS})")
_QUEUE_AND_MARK = _queueing(_MARKED_EVENTS, f"marks AS ({_MARKS})")
_QUEUE_TO_HOLD = _queueing_to_hold(f"new_events AS ({_EVENTS})")
_QUEUE_TO_HOLD_AND_MARK = _queueing_to_hold(_MARKED_EVENTS, f"marks AS ({_MARKS})")
_HOLD = _holding(f"new_events AS ({_HELD_EVENTS})")
_HOLD_AND_MARK = _holding(f"new_events AS ({_HELD_EVENTS} RETURNING id)", f"marks AS ({_MARKS})")


# Few orders say where they are to be served from, so the others do not pay for a column of that.
_SERVE_FROM = Statement(
    name="serve_from",
    types=("uuid[]", "jsonb[]", "uuid[]"),
    sql="""UPDATE orders AS o SET locations = s.locations
    FROM (SELECT unnest($1) AS id, unnest($2) AS locations) AS s WHERE o.id = s.id AND o.id = ANY ($3)""",
)


def serve_from(placements: Sequence[Placement]) -> list[Call]:
    """Return the call that writes where new orders are served from; none where no order says it."""
    told = [placement for placement in placements if placement.locations is not None]
    if not told:
        return []
    locations = arrays.texts([json.dumps(placement.locations) for placement in told])
    ids = arrays.ids([placement.id for placement in told])
    return [(_SERVE_FROM, [ids, locations, ids])]


class OrderRows:
    """Writes orders with their lines, their first events and, where they are placed, their reservations."""

    def __init__(self, *, keeps_outbox: bool) -> None:
        self._place = _PLACE_AND_MARK if keeps_outbox else _PLACE
        self._queue = _QUEUE_AND_MARK if keeps_outbox else _QUEUE
        self._queue_to_hold = _QUEUE_TO_HOLD_AND_MARK if keeps_outbox else _QUEUE_TO_HOLD
        self._hold = _HOLD_AND_MARK if keeps_outbox else _HOLD

    def place(
        self, placements: Sequence[Placement], allocated: Sequence[Sequence[Allocation]], event: NewEvent
    ) -> Call:
        """Return the call that writes orders placed with these allocations, each order's in the order of its lines.

        `event` is that of the first order; the others differ from it in the order id alone.
        """
        return self._place, _placed(placements, allocated, OrderStatus.PENDING, event)

    def hold(self, placements: Sequence[Placement], allocated: Sequence[Sequence[Allocation]], event: NewEvent) -> Call:
        """Return the call that writes orders held with these allocations; its rows have their ids and ends.

        `event` is that of the first order; the others differ from it in the order id and `hold_seconds`.
        """
        return self._hold, [
            *_placed(placements, allocated, OrderStatus.HELD, event),
            arrays.numbers([placement.hold_seconds for placement in placements]),
        ]

    def queue(self, placements: Sequence[Placement], event: NewEvent) -> Call:
        """Return the call that writes queued orders; its row has the list of their numbers, ascending."""
        rows = [
            (number, line_no, line)
            for number, placement in enumerate(placements, start=1)
            for line_no, line in enumerate(placement.lines, start=1)
        ]
        columns = [
            *_orders(placements, OrderStatus.QUEUED, EnteredAs.QUEUED, event),
            arrays.numbers([number for number, _, _ in rows]),
            arrays.numbers([line_no for _, line_no, _ in rows]),
            arrays.texts([line.sku for _, _, line in rows]),
            arrays.numbers([line.quantity for _, _, line in rows]),
            _amounts([line.unit_price for _, _, line in rows]),
        ]
        holds = [placement.hold_seconds for placement in placements]
        if any(hold is not None for hold in holds):
            return self._queue_to_hold, [*columns, arrays.numbers(holds)]
        return self._queue, columns


def _placed(
    placements: Sequence[Placement], allocated: Sequence[Sequence[Allocation]], status: OrderStatus, event: NewEvent
) -> list[object]:
    rows: list[tuple[int, Allocation, OrderLine | None]] = []
    for number, (placement, allocations) in enumerate(zip(placements, allocated, strict=True), start=1):
        line_no = 0
        for allocation in allocations:
            is_first = allocation.line_no != line_no
            line_no = allocation.line_no
            rows.append((number, allocation, placement.lines[line_no - 1] if is_first else None))
    return [
        *_orders(placements, status, EnteredAs.PLACED, event),
        arrays.numbers([number for number, _, _ in rows]),
        arrays.numbers([allocation.line_no for _, allocation, _ in rows]),
        arrays.texts([allocation.sku for _, allocation, _ in rows]),
        arrays.numbers([None if line is None else line.quantity for _, _, line in rows]),
        _amounts([None if line is None else line.unit_price for _, _, line in rows]),
        arrays.numbers([allocation.quantity for _, allocation, _ in rows]),
        arrays.texts([allocation.location for _, allocation, _ in rows]),
    ]


def _orders(
    placements: Sequence[Placement], status: OrderStatus, entered_as: EnteredAs, event: NewEvent
) -> list[object]:
    commands = [placement.command for placement in placements]
    callers = sorted({placement.caller_name for placement in placements})
    number_of = {name: number for number, name in enumerate(callers, start=1)}
    fingerprints = [placement.fingerprint for placement in placements]
    return [
        arrays.ids([placement.id for placement in placements]),
        arrays.texts([command.customer_id for command in commands]),
        arrays.texts([command.reference for command in commands]),
        arrays.texts([placement.currency for placement in placements]),
        _amounts([placement.total for placement in placements]),
        arrays.documents([command.metadata for command in commands]),
        arrays.texts([command.idempotency_key for command in commands]),
        arrays.texts([None if fingerprint is None else fingerprint.hex() for fingerprint in fingerprints]),
        arrays.times([placement.created_at for placement in placements]),
        arrays.texts([placement.request_id for placement in placements]),
        arrays.texts(callers),
        arrays.numbers([number_of[placement.caller_name] for placement in placements]),
        status.value,
        ENTRY_CODES[entered_as],
        event.type.value,
        event.order_version,
        json.dumps(dict(event.data)),
    ]


def _amounts(amounts: Sequence[Decimal | None]) -> str:
    return arrays.numbers([None if amount is None else to_ten_thousandths(amount) for amount in amounts])
