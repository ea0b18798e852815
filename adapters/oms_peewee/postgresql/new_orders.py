"""New orders on PostgreSQL, placed or queued: one round trip to read, one to write and commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from oms_core.domain.orders.new_orders import placed_event, placed_order, queued_order
from oms_core.domain.orders.placement import EnteredAs, Placement, PlacementView, Reserve
from oms_core.domain.orders.queueing import AcceptanceView, queued_event
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.ledger import level_moves
from oms_peewee.dialect import AsWritten, NewOrder
from oms_peewee.postgresql import arrays
from oms_peewee.postgresql.connections import PostgresqlSession
from oms_peewee.postgresql.ledger import LOCK_LEVELS, PostgresqlLedger
from oms_peewee.postgresql.order_statements import (
    FirstEvents,
    insert_orders,
    insert_reservations,
    read_keyed_orders,
    read_products,
    skus_of,
    written_ids,
)
from oms_peewee.postgresql.statements import Statement

# The numbers are drawn with it, for a round trip less; those of orders that are refused stay unused.
_READ_SKUS = Statement(
    name="read_skus",
    types=("text[]", "integer"),
    sql="""SELECT wanted.sku, NULL::bigint FROM unnest($1) AS wanted(sku)
    CROSS JOIN LATERAL (SELECT 1 FROM products AS p WHERE p.sku = wanted.sku LIMIT 1) AS p
    UNION ALL SELECT NULL, nextval('queue_no') FROM generate_series(1, $2)""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedView(AcceptanceView):
    """What accepting needs, with a queue number for each order, ascending."""

    numbers: Sequence[int]


class PostgresqlPlacedOrders:
    """Orders that are placed at once."""

    entered_as = EnteredAs.PLACED
    reads_before_locking = True

    def __init__(self, ledger: PostgresqlLedger) -> None:
        self._ledger = ledger
        self._events = FirstEvents(ledger)

    def read(self, session: PostgresqlSession, placements: Sequence[Placement]) -> PlacementView:
        return PlacementView(
            products=read_products(session, skus_of(placements)),
            keyed_orders=read_keyed_orders(session, placements),
        )

    def lock(self, session: PostgresqlSession, placements: Sequence[Placement]) -> None:
        session.run([(LOCK_LEVELS, [arrays.texts(skus_of(placements))])])

    def written(self, session: PostgresqlSession, placements: Sequence[Placement]) -> set[UUID]:
        return written_ids(session, placements)

    def write(self, session: PostgresqlSession, new_orders: Sequence[NewOrder], view: PlacementView) -> AsWritten:
        reserved = [
            (placement.id, stamp, allocation)
            for placement, verdict in new_orders
            for stamp in [placement.stamp]
            if isinstance(verdict, Reserve)
            for allocation in verdict.allocations
        ]
        placements = [placement for placement, _ in new_orders]
        calls = [
            *insert_orders(placements, status=OrderStatus.PENDING, entered_as=self.entered_as),
            insert_reservations(reserved),
            self._events.insert(placements, placed_event(placements[0])),
        ]
        moves = (
            ((allocation.sku, allocation.location), 0, allocation.quantity, stamp) for _, stamp, allocation in reserved
        )
        self._ledger.reserve(session, calls, level_moves(moves), view.products)
        return placed_order


class PostgresqlQueuedOrders:
    """Orders that are queued, without a look at stock."""

    entered_as = EnteredAs.QUEUED
    reads_before_locking = True

    def __init__(self, ledger: PostgresqlLedger) -> None:
        self._events = FirstEvents(ledger)

    def read(self, session: PostgresqlSession, placements: Sequence[Placement]) -> NumberedView:
        rows = session.run([(_READ_SKUS, [arrays.texts(skus_of(placements)), len(placements)])]).fetchall()
        return NumberedView(
            known_skus={sku for sku, number in rows if number is None},
            keyed_orders=read_keyed_orders(session, placements),
            numbers=sorted(number for _, number in rows if number is not None),
        )

    def lock(self, session: PostgresqlSession, placements: Sequence[Placement]) -> None:
        """Lock nothing: no stock is taken."""

    def written(self, session: PostgresqlSession, placements: Sequence[Placement]) -> set[UUID]:
        return written_ids(session, placements)

    def write(
        self,
        session: PostgresqlSession,
        new_orders: Sequence[NewOrder],
        view: NumberedView,
    ) -> AsWritten:
        placements = [placement for placement, _ in new_orders]
        numbers = view.numbers[: len(placements)]
        calls = insert_orders(placements, status=OrderStatus.QUEUED, entered_as=self.entered_as, numbers=numbers)
        session.run_and_commit([*calls, self._events.insert(placements, queued_event(placements[0]))])
        number_of = {placement.id: number for placement, number in zip(placements, numbers, strict=True)}
        return lambda placement: queued_order(placement, number_of[placement.id])
