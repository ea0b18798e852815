"""Settling queued orders: take those still queued, decide, write, and repeat with more locks where stock changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from oms_core.domain.commands import OrderLine
from oms_core.domain.limits import ORDER_LINES_MAX, TRANSACTION_LINES_MAX
from oms_core.domain.orders.placement import Refuse, Reserve
from oms_core.domain.orders.queueing import QueuedOrder, Settlement, fitting
from oms_core.domain.orders.settled_orders import settled_status
from oms_core.ports.queue_storage import DecideSettlement, SettleBatch
from oms_peewee.database import Attempt, Database
from oms_peewee.dialect import QueuedLine, SettlingTables
from oms_peewee.event_queries import settled_by
from oms_peewee.faults import Fault
from oms_peewee.fields import read_locations
from oms_peewee.session import Session

# Enough to see the first order that the transaction has no room for.
ROWS_MAX = TRANSACTION_LINES_MAX + ORDER_LINES_MAX + 1


class QueueSettler:
    """Settles queued orders as QueueStorage.settle promises."""

    def __init__(self, database: Database, tables: SettlingTables) -> None:
        self._database = database
        self._tables = tables

    def settle(self, batch: SettleBatch, decide: DecideSettlement) -> Settlement:
        """Place or reject queued orders in one transaction."""
        if not batch.order_ids:
            return Settlement(statuses={}, left=())
        if not self._tables.reads_before_turn:
            batch.wait_for_turn()
        look_up = {"order_ids": [str(order_id) for order_id in batch.order_ids]}
        settlement = self._database.write_by_ids(lambda attempt: self._settle(attempt, batch, decide), look_up=look_up)
        if settlement.statuses:
            self._database.wrote()
        return settlement

    def _settle(self, attempt: Attempt, batch: SettleBatch, decide: DecideSettlement) -> Settlement:
        if attempt.number == 0:
            try:
                return self._settle_unlocked(attempt.session, batch, decide)
            except self._database.caught as error:
                if self._database.fault_of(error) is not Fault.UNCOVERED:
                    raise
        return self._settle_locked(attempt, batch, decide)

    def _settle_unlocked(self, session: Session, batch: SettleBatch, decide: DecideSettlement) -> Settlement:
        """Decide on levels that are not locked. Others may change them meanwhile, which the write finds out."""
        with session.atomic():
            orders, left = self._take(session, batch)
            return self._write(session, batch, orders, left, decide)

    def _settle_locked(self, attempt: Attempt, batch: SettleBatch, decide: DecideSettlement) -> Settlement:
        batch.wait_for_turn()
        session = attempt.session
        with session.atomic():
            orders, left = self._take(session, batch)
            # Taking has waited for a COMMIT that was still under way. What it settled may be queued again by now.
            own = settled_by(session, batch.order_ids, batch.stamp) if attempt.commit_was_lost else {}
            orders = [order for order in orders if order.id not in own]
            left = tuple(order_id for order_id in left if order_id not in own)
            if orders:
                self._tables.lock(session, orders)
            settlement = self._write(session, batch, orders, left, decide)
        return replace(settlement, statuses={**own, **settlement.statuses})

    def _take(self, session: Session, batch: SettleBatch) -> tuple[list[QueuedOrder], tuple[UUID, ...]]:
        order_ids = list(dict.fromkeys(batch.order_ids))
        # All who lock several orders do so by id. Only the decision goes by queue number.
        in_order = sorted(order_ids)
        claimed = [order_id in batch.claimed for order_id in in_order]
        found = _queued_orders(in_order, self._tables.take(session, in_order, claimed))
        orders = found[: fitting(len(order.lines) for order in found)]
        if len(orders) == len(found):
            return orders, ()
        taken = {order.id for order in orders}
        return orders, tuple(order_id for order_id in order_ids if order_id not in taken)

    def _write(
        self,
        session: Session,
        batch: SettleBatch,
        orders: Sequence[QueuedOrder],
        left: tuple[UUID, ...],
        decide: DecideSettlement,
    ) -> Settlement:
        if not orders:
            return Settlement(statuses={}, left=left)
        view = self._tables.read(session, orders)
        settled = [
            (order, verdict)
            for order, verdict in zip(orders, decide(orders, view), strict=True)
            if isinstance(verdict, Reserve | Refuse)
        ]
        self._tables.write(session, settled, batch, view)
        statuses = {order.id: settled_status(order.hold_seconds, verdict) for order, verdict in settled}
        return Settlement(statuses=statuses, left=left)


def _queued_orders(order_ids: Sequence[UUID], lines: Iterable[QueuedLine]) -> list[QueuedOrder]:
    orders: list[QueuedOrder] = []
    for index, group in groupby(lines, key=itemgetter(0)):
        own = list(group)
        ordered = tuple([OrderLine(sku=sku, quantity=quantity) for *_, sku, quantity in own])
        _, version, hold_seconds, locations, *_ = own[0]
        orders.append(
            QueuedOrder(
                id=order_ids[index],
                version=version,
                lines=ordered,
                hold_seconds=hold_seconds,
                locations=None if locations is None else read_locations(locations),
            )
        )
    return orders
