"""Changing many orders in one transaction: locked by id, decided together, each level moved once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TypeAlias
from uuid import UUID

from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.orders.bulk_changes import Acted, DecideOrderChanges, order_not_found
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.order_changes import Changed, OrderChange, order_after
from oms_core.domain.orders.placement import order_archived
from oms_core.domain.orders.queueing import fitting
from oms_core.domain.orders.statuses import WAITING
from oms_core.domain.stamps import Stamp
from oms_core.errors import OmsError
from oms_peewee.database import Database
from oms_peewee.dialect import Ledger
from oms_peewee.event_queries import has_event
from oms_peewee.idempotency_keys import KeptAct, keep_order_keys, kept_acts
from oms_peewee.order_models import WaitingRow
from oms_peewee.order_queries import orders_of, row_locked_orders, standing_of
from oms_peewee.raised_levels import ready_levels
from oms_peewee.return_rows import write_returns
from oms_peewee.rows import rows_of
from oms_peewee.session import Session
from oms_peewee.shipment_rows import write_shipments
from oms_peewee.waiting_orders import lock_order, lock_waiting
from oms_peewee.written import Written, nothing_written

_LINES = """SELECT CAST(order_id AS text), count(*) FROM order_lines WHERE order_id {among} GROUP BY order_id"""
_MOVE = "UPDATE orders SET status = ?, attempts = ?, version = version + 1, updated_at = ? WHERE id {among}"

Outcomes: TypeAlias = dict[UUID, Acted]
Changes: TypeAlias = Sequence[tuple[Order, OrderChange]]
Keys: TypeAlias = Mapping[UUID, IdempotencyKey]


class BulkChanges:
    """Changes orders as OrderStorage.change_many promises."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger

    def change(
        self, order_ids: Sequence[UUID], *, owner: str | None, stamp: Stamp, decide: DecideOrderChanges, keys: Keys
    ) -> Outcomes:
        """Change the first of these orders that one transaction takes."""
        return self._database.write(
            lambda session: self._change(session, sorted(order_ids), owner, stamp, decide, keys=keys),
            look_up={"order_ids": [str(order_id) for order_id in order_ids]},
        )

    def _change(
        self,
        session: Session,
        order_ids: Sequence[UUID],
        owner: str | None,
        stamp: Stamp,
        decide: DecideOrderChanges,
        *,
        keys: Keys,
    ) -> Written[Outcomes]:
        order_ids = order_ids[: _fitting(session, order_ids)]
        waiting = lock_waiting(session, order_ids)
        orders = row_locked_orders(session, order_ids, owner)
        waiting.check(orders.values())
        outcomes: Outcomes = {order_id: order_not_found(order_id) for order_id in order_ids if order_id not in orders}
        outcomes |= _known(session, order_ids, orders, keys, is_all_seen=owner is None)
        changes = _decided(
            session, [each for each in orders.values() if each.id not in outcomes], stamp, decide, outcomes
        )
        outcomes |= {
            order.id: Changed(order=order_after(order, change, stamp.at), act_no=change.act_no)
            for order, change in changes
        }
        self._write(session, changes, stamp)
        new_keys = _new_keys(outcomes, keys)
        keep_order_keys(session, new_keys, stamp.at)
        if not changes and not new_keys:
            return nothing_written(outcomes)
        first_key = new_keys[0][0] if new_keys else None
        return Written(
            result=outcomes,
            was_committed=lambda later: _is_written(later, outcomes, changes, stamp, first_key),
            as_it_is=lambda later: _as_they_are(later, outcomes),
        )

    def _write(self, session: Session, changes: Changes, stamp: Stamp) -> None:
        for (status, attempts), group in groupby(sorted(changes, key=_columns), key=_columns):
            among, ids = session.among([str(order.id) for order, _ in group])
            sql = _MOVE.format(among=among).replace("?", session.param)
            session.execute_sql(sql, [status, attempts, stamp.at, ids])
        waited = [order.id for order, _ in changes if order.status in WAITING]
        if waited:
            WaitingRow.delete().where(WaitingRow.order_id.in_(waited)).execute(session)
        write_shipments(session, [change for _, change in changes])
        write_returns(session, [change for _, change in changes])
        if changes:
            self._ledger.write(
                session,
                movements=[(movement, stamp) for _, change in changes for movement in change.movements],
                events=[(event, stamp) for _, change in changes for event in change.events],
            )


def _known(
    session: Session, order_ids: Collection[UUID], orders: Mapping[UUID, Order], keys: Keys, *, is_all_seen: bool
) -> Outcomes:
    """Return what is known of orders by their keys: replays, and what a key is refused for."""
    kept = kept_acts(session, [keys[order_id] for order_id in order_ids if order_id in keys])
    known: Outcomes = {}
    for order_id in order_ids:
        match kept.get(keys[order_id]) if order_id in keys else None:
            case OmsError() as error:
                known[order_id] = error
            case KeptAct(act_no=act_no) if order_id in orders:
                known[order_id] = Changed(order=orders[order_id], act_no=act_no, replayed=True)
            case KeptAct(order_id=of_key) if is_all_seen:
                known[order_id] = order_archived(of_key)
    return known


def _decided(
    session: Session, orders: Sequence[Order], stamp: Stamp, decide: DecideOrderChanges, outcomes: Outcomes
) -> Changes:
    """Decide on orders that are locked; note what becomes of those that do not change. Return the changes."""
    standing = standing_of(session, orders, stamp.at)
    decisions = decide(standing)
    if raised := {level for each in decisions if isinstance(each, OrderChange) for level in each.raised}:
        counts = ready_levels(session, raised, stamp.at)
        decisions = decide([(order, replace(stands, counts=counts)) for order, stands in standing])
    changes = []
    for order, decision in zip(orders, decisions, strict=True):
        if isinstance(decision, OrderChange):
            changes.append((order, decision))
        else:
            outcomes[order.id] = Changed(order=order) if decision is None else decision
    return changes


def _new_keys(outcomes: Outcomes, keys: Keys) -> list[tuple[IdempotencyKey, UUID, int | None]]:
    """Return the keys under which something was done just now, also where it changed nothing."""
    return [
        (keys[order_id], order_id, outcome.act_no)
        for order_id, outcome in outcomes.items()
        if order_id in keys and isinstance(outcome, Changed) and not outcome.replayed
    ]


def _columns(changed: tuple[Order, OrderChange]) -> tuple[str, int]:
    """Give what is written of an order: of one that was queued, its tries are known to its waiting row alone."""
    order, change = changed
    return change.status.value, order.attempts


def _fitting(session: Session, order_ids: Sequence[UUID]) -> int:
    """Return how many of the first orders have no more lines together than one transaction takes."""
    among, ids = session.among([str(order_id) for order_id in order_ids])
    lines = {UUID(order_id): count for order_id, count in rows_of(session, _LINES.format(among=among), [ids])}
    return fitting(lines.get(order_id, 0) for order_id in order_ids)


def _is_written(
    session: Session, outcomes: Outcomes, changes: Changes, stamp: Stamp, key: IdempotencyKey | None
) -> bool:
    """Return whether the transaction of these changes was committed, waiting for whoever has its orders locked.

    One order that is there tells of all. Its event, or its key, is nobody else's, whatever has become of it since.
    """
    if key is not None:
        for order_id in outcomes:
            lock_order(session, order_id, None)
        return bool(kept_acts(session, [key]))
    for order, change in changes:
        present = lock_order(session, order.id, None)
        if present is not None:
            return (
                present.version > order.version and bool(change.events) and has_event(session, change.events[0], stamp)
            )
    return False


def _as_they_are(session: Session, outcomes: Outcomes) -> Outcomes:
    done = {order_id: outcome for order_id, outcome in outcomes.items() if isinstance(outcome, Changed)}
    present = orders_of(session, list(done))
    return outcomes | {
        order_id: replace(changed, order=present[order_id]) if order_id in present else order_not_found(order_id)
        for order_id, changed in done.items()
    }
