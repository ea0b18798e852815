"""Settling queued orders: take those still queued, decide, write, and do it over with more locks where need be."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Generic, Protocol, TypeAlias
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.commands import OrderLine
from oms_core.domain.limits import ORDER_LINES_MAX, TRANSACTION_LINES_MAX
from oms_core.domain.orders.placement import PlacementView, Refuse, Reserve
from oms_core.domain.orders.queueing import QueuedOrder, Settlement, fitting, settled_status
from oms_core.domain.stamps import Stamp
from oms_core.ports.queue_storage import DecideSettlement, WaitForTurn
from oms_peewee.database import Attempt, Database
from oms_peewee.event_queries import settled_by
from oms_peewee.faults import Fault
from oms_peewee.session import AnySession, Session_contra

# Enough to see the first order that the transaction has no room for.
ROWS_MAX = TRANSACTION_LINES_MAX + ORDER_LINES_MAX + 1

Decided: TypeAlias = tuple[QueuedOrder, Reserve | Refuse]


class SettlingTables(Protocol[Session_contra]):
    """What settling reads and writes."""

    @property
    def reads_before_turn(self) -> bool:
        """Whether what is read holds up no earlier settlement, so that its end is waited for afterwards."""
        ...

    def take(
        self, session: Session_contra, order_ids: Sequence[UUID], claimed: Sequence[bool]
    ) -> Iterable[tuple[int, int, str, int]]:
        """Lock the orders that may be settled; give their lines by queue number and line.

        A line is (the order's index in `order_ids`, its version, sku, quantity); no more than ROWS_MAX of them.
        """
        ...

    def lock(self, session: Session_contra, orders: Sequence[QueuedOrder]) -> None:
        """Lock all levels of the products ordered, by (sku, location)."""
        ...

    def read(self, session: Session_contra, orders: Sequence[QueuedOrder]) -> PlacementView:
        """Read the products ordered."""
        ...

    def write(self, session: Session_contra, decided: Sequence[Decided], wanted: Wanted, view: PlacementView) -> None:
        """Write statuses, reservations, levels and events; levels last, when it is this settlement's turn.

        It is the last of the transaction, which it may commit; `view` is what was decided upon. Raises UncoveredError
        if the stock is not there.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be settled, and in whose name."""

    order_ids: Sequence[UUID]
    claimed: Collection[UUID]
    stamp: Stamp
    decide: DecideSettlement
    wait_for_turn: WaitForTurn


class Settling(Generic[AnySession]):
    """See QueueStorage.settle."""

    def __init__(self, database: Database[AnySession], tables: SettlingTables[AnySession]) -> None:
        self._database = database
        self._tables = tables

    def settle(
        self,
        order_ids: Sequence[UUID],
        *,
        claimed: Collection[UUID],
        caller: Caller,
        now: datetime,
        decide: DecideSettlement,
        wait_for_turn: WaitForTurn,
    ) -> Settlement:
        if not order_ids:
            return Settlement(statuses={}, left=())
        wanted = Wanted(
            order_ids=list(dict.fromkeys(order_ids)),
            claimed=claimed,
            stamp=Stamp.of(caller, now),
            decide=decide,
            wait_for_turn=wait_for_turn,
        )
        if not self._tables.reads_before_turn:
            wait_for_turn()
        look_up = {"order_ids": [str(order_id) for order_id in order_ids]}
        settlement = self._database.write_by_ids(lambda attempt: self._settle(attempt, wanted), look_up=look_up)
        if settlement.statuses:
            self._database.wrote()
        return settlement

    def _settle(self, attempt: Attempt[AnySession], wanted: Wanted) -> Settlement:
        if attempt.number == 0:
            try:
                return self._settle_unlocked(attempt.session, wanted)
            except self._database.caught as error:
                if self._database.fault_of(error) is not Fault.UNCOVERED:
                    raise
        return self._settle_locked(attempt, wanted)

    def _settle_unlocked(self, session: AnySession, wanted: Wanted) -> Settlement:
        """Decide on levels that nobody has locked, which others may then change: only their write tells."""
        with session.atomic():
            orders, left = self._take(session, wanted)
            return self._write(session, wanted, orders, left)

    def _settle_locked(self, attempt: Attempt[AnySession], wanted: Wanted) -> Settlement:
        wanted.wait_for_turn()
        session = attempt.session
        with session.atomic():
            orders, left = self._take(session, wanted)
            # Taking has waited for a COMMIT that was still under way. What it settled may be queued again by now.
            own = settled_by(session, wanted.order_ids, wanted.stamp) if attempt.commit_was_lost else {}
            orders = [order for order in orders if order.id not in own]
            left = tuple(order_id for order_id in left if order_id not in own)
            self._tables.lock(session, orders)
            settlement = self._write(session, wanted, orders, left)
        return replace(settlement, statuses={**own, **settlement.statuses})

    def _take(self, session: AnySession, wanted: Wanted) -> tuple[list[QueuedOrder], tuple[UUID, ...]]:
        claimed = [order_id in wanted.claimed for order_id in wanted.order_ids]
        found = _queued_orders(wanted.order_ids, self._tables.take(session, wanted.order_ids, claimed))
        orders = found[: fitting(len(order.lines) for order in found)]
        if len(orders) == len(found):
            return orders, ()
        taken = {order.id for order in orders}
        return orders, tuple(order_id for order_id in wanted.order_ids if order_id not in taken)

    def _write(
        self, session: AnySession, wanted: Wanted, orders: Sequence[QueuedOrder], left: tuple[UUID, ...]
    ) -> Settlement:
        if not orders:
            return Settlement(statuses={}, left=left)
        view = self._tables.read(session, orders)
        verdicts = wanted.decide(orders, view)
        decided = [
            (order, verdict)
            for order, verdict in zip(orders, verdicts, strict=True)
            if isinstance(verdict, Reserve | Refuse)
        ]
        self._tables.write(session, decided, wanted, view)
        return Settlement(statuses={order.id: settled_status(verdict) for order, verdict in decided}, left=left)


def _queued_orders(order_ids: Sequence[UUID], rows: Iterable[tuple[int, int, str, int]]) -> list[QueuedOrder]:
    orders: list[QueuedOrder] = []
    for index, group in groupby(rows, key=itemgetter(0)):
        own = list(group)
        lines = tuple([OrderLine(sku=sku, quantity=quantity) for _, _, sku, quantity in own])
        orders.append(QueuedOrder(id=order_ids[index], version=own[0][1], lines=lines))
    return orders
