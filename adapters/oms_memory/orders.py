"""Orders in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.events import Event
from oms_core.domain.orders import Order, OrderFilter
from oms_core.domain.placed_orders import placed_event, placed_order, reservation
from oms_core.domain.placement import (
    Accept,
    KeyedOrder,
    Placement,
    PlacementView,
    Refuse,
    Repeat,
    Replay,
    Verdict,
)
from oms_core.ports.storage import DecideOrderChange, DecidePlacement, Placed, PlacementOutcome, Refused
from oms_memory.tables import Entry, Tables

_PLACED_AT_ONCE = 201


class MemoryOrders:
    """OrderStorage over dictionaries: one lock makes every method a transaction."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def place(self, placements: Sequence[Placement], decide: DecidePlacement) -> list[PlacementOutcome]:
        """See OrderStorage."""
        with self._tables.lock:
            unwritten = [placement for placement in placements if placement.id not in self._tables.orders]
            verdicts = decide(unwritten, self._view(unwritten)) if unwritten else []
            decided = list(zip(unwritten, verdicts, strict=True))
            self._write([(placement, verdict) for placement, verdict in decided if isinstance(verdict, Accept)])
            outcomes = {placement.id: self._outcome(placement, verdict, unwritten) for placement, verdict in decided}
            return [
                outcomes.get(placement.id) or self._placed(placement.id, replayed=False) for placement in placements
            ]

    def change(
        self, order_id: UUID, *, owner: str | None, caller: Caller, now: datetime, decide: DecideOrderChange
    ) -> Order:
        """See OrderStorage."""
        with self._tables.lock:
            order = self._tables.order(order_id, owner)
            change = decide(order, self._tables.holdings(order_id))
            if change is None:
                return order
            entries = [Entry(row=row, caller=caller, now=now) for row in change.movements]
            self._tables.check(entries)
            self._tables.record(change.event, caller, now)
            self._tables.move(entries)
            changed = replace(order, status=change.status, version=order.version + 1, updated_at=now)
            self._tables.orders[order_id] = changed
            return changed

    def get(self, order_id: UUID, *, owner: str | None) -> Order:
        """See OrderStorage."""
        with self._tables.lock:
            return self._tables.order(order_id, owner)

    def find(self, wanted: OrderFilter, *, after: UUID | None, limit: int) -> list[Order]:
        """See OrderStorage."""
        with self._tables.lock:
            orders = sorted(self._tables.orders.values(), key=lambda order: order.id, reverse=True)
        found = (order for order in orders if (after is None or order.id < after) and _matches(order, wanted))
        return [order for order, _ in zip(found, range(limit), strict=False)]

    def events(self, order_id: UUID, *, owner: str | None, after: int | None, limit: int) -> list[Event]:
        """See OrderStorage."""
        with self._tables.lock:
            self._tables.order(order_id, owner)
            found = [
                entry for entry in self._tables.events if entry.event.order_id == order_id and entry.id > (after or 0)
            ]
        return found[:limit]

    def _view(self, placements: Sequence[Placement]) -> PlacementView:
        skus = {line.sku for placement in placements for line in placement.command.lines}
        keys = [placement.key for placement in placements if placement.key is not None]
        return PlacementView(
            products={sku: self._tables.products[sku] for sku in skus if sku in self._tables.products},
            keyed_orders={key: self._tables.order_keys[key] for key in keys if key in self._tables.order_keys},
        )

    def _write(self, accepted: Sequence[tuple[Placement, Accept]]) -> None:
        entries = [
            Entry(row=reservation(placement, allocation), caller=_caller(placement), now=placement.created_at)
            for placement, verdict in accepted
            for allocation in verdict.allocations
        ]
        self._tables.check(entries)
        for placement, _ in accepted:
            self._write_order(placement)
        self._tables.move(entries)

    def _write_order(self, placement: Placement) -> None:
        self._tables.orders[placement.id] = placed_order(placement)
        self._tables.accepted_statuses[placement.id] = _PLACED_AT_ONCE
        if placement.key is not None and placement.fingerprint is not None:
            self._tables.order_keys[placement.key] = KeyedOrder(
                order_id=placement.id, fingerprint=placement.fingerprint, accepted_status=_PLACED_AT_ONCE
            )
        self._tables.record(placed_event(placement), _caller(placement), placement.created_at)

    def _outcome(self, placement: Placement, verdict: Verdict, placements: Sequence[Placement]) -> PlacementOutcome:
        match verdict:
            case Accept():
                return self._placed(placement.id, replayed=False)
            case Refuse(error):
                return Refused(error=error)
            case Replay(order_id):
                return self._placed(order_id, replayed=True)
            case Repeat(index):
                return self._placed(placements[index].id, replayed=True)

    def _placed(self, order_id: UUID, *, replayed: bool) -> Placed:
        return Placed(
            order=self._tables.orders[order_id],
            replayed=replayed,
            accepted_status=self._tables.accepted_statuses[order_id],
        )


def _caller(placement: Placement) -> Caller:
    return Caller(name=placement.caller_name, scopes=frozenset(), request_id=placement.request_id)


def _matches(order: Order, wanted: OrderFilter) -> bool:
    return (
        (not wanted.statuses or order.status in wanted.statuses)
        and wanted.customer_id in {None, order.customer_id}
        and wanted.reference in {None, order.reference}
        and (wanted.sku is None or any(line.sku == wanted.sku for line in order.lines))
        and (wanted.created_from is None or order.created_at >= wanted.created_from)
        and (wanted.created_to is None or order.created_at < wanted.created_to)
    )
