"""Changing many orders in one transaction: locked by id, decided together, each level moved once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TypeAlias
from uuid import UUID

import peewee

from oms_core.domain.orders.bulk_changes import DecideOrderChanges, Moved, order_not_found
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.queueing import fitting
from oms_core.domain.orders.status_changes import OrderChange, order_after
from oms_core.domain.orders.statuses import WAITING
from oms_core.domain.stamps import Stamp
from oms_core.errors import OmsError
from oms_peewee.database import Database
from oms_peewee.dialect import Ledger
from oms_peewee.event_queries import has_event
from oms_peewee.models import LineRow, OrderRow, WaitingRow
from oms_peewee.order_queries import holdings_of, holdings_of_all, lock_levels_of, orders_of, row_locked_orders
from oms_peewee.session import Session
from oms_peewee.waiting_orders import lock_order, lock_waiting
from oms_peewee.written import Written, nothing_written

Outcomes: TypeAlias = dict[UUID, Moved]
Changes: TypeAlias = Sequence[tuple[Order, OrderChange]]


class BulkChanges:
    """Changes orders as OrderStorage.change_many promises."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger

    def change(
        self, order_ids: Sequence[UUID], *, owner: str | None, stamp: Stamp, decide: DecideOrderChanges
    ) -> Outcomes:
        """Change the first of these orders that one transaction takes."""
        return self._database.write(
            lambda session: self._change(session, sorted(order_ids), owner, stamp, decide),
            look_up={"order_ids": [str(order_id) for order_id in order_ids]},
        )

    def _change(
        self,
        session: Session,
        order_ids: Sequence[UUID],
        owner: str | None,
        stamp: Stamp,
        decide: DecideOrderChanges,
    ) -> Written[Outcomes]:
        order_ids = order_ids[: _fitting(session, order_ids)]
        waiting = lock_waiting(session, order_ids)
        orders = row_locked_orders(session, order_ids, owner)
        waiting.check(orders.values())
        outcomes: Outcomes = {order_id: order_not_found(order_id) for order_id in order_ids if order_id not in orders}
        changes = _decided(session, list(orders.values()), decide, outcomes)
        if not changes:
            return nothing_written(outcomes)
        self._write(session, changes, stamp)
        outcomes |= {order.id: order_after(order, change, stamp.at) for order, change in changes}
        return Written(
            result=outcomes,
            was_committed=lambda later: _is_written(later, changes, stamp),
            as_it_is=lambda later: _as_they_are(later, outcomes),
        )

    def _write(self, session: Session, changes: Changes, stamp: Stamp) -> None:
        for (status, attempts), group in groupby(sorted(changes, key=_columns), key=_columns):
            moved = OrderRow.update(status=status, attempts=attempts, version=OrderRow.version + 1, updated_at=stamp.at)
            moved.where(OrderRow.id.in_([order.id for order, _ in group])).execute(session)
        waited = [order.id for order, _ in changes if order.status in WAITING]
        if waited:
            WaitingRow.delete().where(WaitingRow.order_id.in_(waited)).execute(session)
        self._ledger.write(
            session,
            movements=[(movement, stamp) for _, change in changes for movement in change.movements],
            events=[(change.event, stamp) for _, change in changes if change.event is not None],
        )


def _decided(session: Session, orders: Sequence[Order], decide: DecideOrderChanges, outcomes: Outcomes) -> Changes:
    """Decide on orders that are locked; note what becomes of those that do not change. Return the changes."""
    order_ids = [order.id for order in orders]
    held = holdings_of_all(session, order_ids) if orders else {}
    decisions = decide([(order, held[order.id]) for order in orders])
    if any(isinstance(each, OrderChange) and _raises_a_count(each) for each in decisions):
        # The count has a bound, and may have come nearer to it since it was read.
        lock_levels_of(session, order_ids)
        decisions = decide([(order, holdings_of(session, order.id)) for order in orders])
    changes = []
    for order, decision in zip(orders, decisions, strict=True):
        if isinstance(decision, OrderChange):
            changes.append((order, decision))
        else:
            outcomes[order.id] = order if decision is None else decision
    return changes


def _raises_a_count(change: OrderChange) -> bool:
    return any(movement.on_hand_delta > 0 for movement in change.movements)


def _columns(changed: tuple[Order, OrderChange]) -> tuple[str, int]:
    """Give what is written of an order: of one that was queued, its tries are known to its waiting row alone."""
    order, change = changed
    return change.status.value, order.attempts


def _fitting(session: Session, order_ids: Sequence[UUID]) -> int:
    """Return how many of the first orders have no more lines together than one transaction takes."""
    counted = (
        LineRow.select(LineRow.order_id, peewee.fn.COUNT(LineRow.line_no))
        .where(LineRow.order_id.in_(list(order_ids)))
        .group_by(LineRow.order_id)
        .tuples()
    )
    lines = dict(counted.execute(session))
    return fitting(lines.get(order_id, 0) for order_id in order_ids)


def _is_written(session: Session, changes: Changes, stamp: Stamp) -> bool:
    """Return whether the transaction of these changes was committed, waiting for whoever has its orders locked.

    One order that is there tells of all. Its event is nobody else's, whatever has become of it since.
    """
    for order, change in changes:
        present = lock_order(session, order.id, None)
        if present is not None:
            return (
                present.version > order.version and change.event is not None and has_event(session, change.event, stamp)
            )
    return False


def _as_they_are(session: Session, outcomes: Outcomes) -> Outcomes:
    present = orders_of(
        session, [order_id for order_id, outcome in outcomes.items() if not isinstance(outcome, OmsError)]
    )
    return {
        order_id: outcome if isinstance(outcome, OmsError) else present.get(order_id) or order_not_found(order_id)
        for order_id, outcome in outcomes.items()
    }
