"""New orders on PostgreSQL, placed or queued: one round trip, and one more for what has to be read before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from oms_core.domain.orders.new_orders import as_placed, held_event, placed_event, placed_order, queued_order
from oms_core.domain.orders.placement import EnteredAs, Placement, PlacementView, Reserve
from oms_core.domain.orders.queueing import AcceptanceView, queued_event
from oms_core.domain.orders.unpromised import Allocation
from oms_core.domain.stock.ledger import level_moves
from oms_peewee.dialect import AsWritten, NewOrder
from oms_peewee.postgresql import arrays
from oms_peewee.postgresql.connections import PostgresqlSession
from oms_peewee.postgresql.ledger import LOCK_LEVELS, PostgresqlLedger
from oms_peewee.postgresql.order_rows import OrderRows, serve_from
from oms_peewee.postgresql.order_statements import (
    read_products,
    read_products_and_keys,
    read_skus_and_keys,
    skus_of,
    units_of,
    written_ids,
)
from oms_peewee.postgresql.plenty import Doubt, Plenty
from oms_peewee.postgresql.statements import Call

_SKUS_MAX = 100_000

_Allocated: TypeAlias = tuple[Placement, Sequence[Allocation]]


class PostgresqlPlacedOrders:
    """Orders that are placed at once.

    Products of which there is plenty are not read for each batch, nor are keys: what is written says whether a key was
    taken, a level is missing in what was known, or too little left.
    """

    entered_as = EnteredAs.PLACED
    reads_before_locking = True

    def __init__(self, ledger: PostgresqlLedger) -> None:
        self._ledger = ledger
        self._rows = OrderRows(keeps_outbox=ledger.keeps_outbox)
        self._doubt = Doubt()
        self._plenty = Plenty()

    def recall(self, session: PostgresqlSession, placements: Sequence[Placement]) -> PlacementView | None:
        if self._doubt.lasts():
            return None
        units = units_of(placements)
        products = self._plenty.take(units)
        if len(products) < len(units):
            read = read_products(session, sorted(units.keys() - products.keys()))
            self._plenty.remember(read.values())
            products.update(read)
        return PlacementView(products=products, keyed_orders={})

    def read(self, session: PostgresqlSession, placements: Sequence[Placement]) -> PlacementView:
        self._doubt.begin()
        products, keyed_orders = read_products_and_keys(session, skus_of(placements), placements)
        self._plenty.remember(products.values())
        return PlacementView(products=products, keyed_orders=keyed_orders)

    def lock(self, session: PostgresqlSession, placements: Sequence[Placement]) -> None:
        session.run([(LOCK_LEVELS, [arrays.texts(skus_of(placements))])])

    def written(self, session: PostgresqlSession, placements: Sequence[Placement]) -> set[UUID]:
        return written_ids(session, placements)

    def write(self, session: PostgresqlSession, new_orders: Sequence[NewOrder], view: PlacementView) -> AsWritten:
        allocated = [
            (placement, verdict.allocations if isinstance(verdict, Reserve) else ())
            for placement, verdict in new_orders
        ]
        moves = (
            ((allocation.sku, allocation.location), 0, allocation.quantity, stamp)
            for placement, allocations in allocated
            for stamp in [placement.stamp]
            for allocation in allocations
        )
        held = [entry for entry in allocated if entry[0].hold_seconds is not None]
        pending = allocated[: len(allocated) - len(held)]
        calls = [self._place(pending)] if pending else []
        ends: dict[UUID, datetime] = {}
        if held:  # A round trip, before the levels are locked.
            ends = dict(session.run([*calls, self._hold(held)]).fetchall())
            calls = []
        calls += serve_from([placement for placement, _ in allocated])
        self._ledger.reserve(session, calls, level_moves(moves), view.products)
        return as_placed(ends) if held else placed_order

    def _place(self, pending: Sequence[_Allocated]) -> Call:
        placements = [placement for placement, _ in pending]
        return self._rows.place(placements, [allocations for _, allocations in pending], placed_event(placements[0]))

    def _hold(self, held: Sequence[_Allocated]) -> Call:
        placements = [placement for placement, _ in held]
        return self._rows.hold(placements, [allocations for _, allocations in held], held_event(placements[0]))


class PostgresqlQueuedOrders:
    """Orders that are queued, without a look at stock.

    A product that an order names is never deleted, so those that earlier orders name are not read, nor are keys:
    writing them says whether one was taken.
    """

    entered_as = EnteredAs.QUEUED
    reads_before_locking = True

    def __init__(self, ledger: PostgresqlLedger) -> None:
        self._rows = OrderRows(keeps_outbox=ledger.keeps_outbox)
        self._doubt = Doubt()
        self._named_skus: set[str] = set()

    def recall(self, session: PostgresqlSession, placements: Sequence[Placement]) -> AcceptanceView | None:
        if self._doubt.lasts():
            return None
        named = self._named_skus
        unnamed = {line.sku for placement in placements for line in placement.lines if line.sku not in named}
        if not unnamed:
            return AcceptanceView(known_skus=named, keyed_orders={})
        known, _ = read_skus_and_keys(session, unnamed, ())
        return AcceptanceView(known_skus={*named.intersection(skus_of(placements)), *known}, keyed_orders={})

    def read(self, session: PostgresqlSession, placements: Sequence[Placement]) -> AcceptanceView:
        self._doubt.begin()
        known, keyed_orders = read_skus_and_keys(session, skus_of(placements), placements)
        return AcceptanceView(known_skus=known, keyed_orders=keyed_orders)

    def lock(self, session: PostgresqlSession, placements: Sequence[Placement]) -> None:
        """Lock nothing: no stock is taken."""

    def written(self, session: PostgresqlSession, placements: Sequence[Placement]) -> set[UUID]:
        return written_ids(session, placements)

    def write(
        self,
        session: PostgresqlSession,
        new_orders: Sequence[NewOrder],
        view: AcceptanceView,
    ) -> AsWritten:
        placements = [placement for placement, _ in new_orders]
        written = self._rows.queue(placements, queued_event(placements[0]))
        if further := serve_from(placements):
            (numbers,) = session.run([written]).fetchone()
            session.run_last(further)
        else:
            (numbers,) = session.run_last([written]).fetchone()
        if session.is_usable() and view.known_skus is not self._named_skus:  # It is committed.
            self._remember(placements)
        number_of = {placement.id: number for placement, number in zip(placements, numbers, strict=True)}
        return lambda placement: queued_order(placement, number_of[placement.id])

    def _remember(self, placements: Sequence[Placement]) -> None:
        if len(self._named_skus) > _SKUS_MAX:
            self._named_skus = set()
        self._named_skus.update(skus_of(placements))
