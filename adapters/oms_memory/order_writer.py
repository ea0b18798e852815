"""Writing new orders in memory, placed or queued: decide under the lock, then write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Generic, TypeVar
from uuid import UUID

from oms_core.domain.events import NewEvent
from oms_core.domain.orders.new_orders import (
    held_event,
    held_order,
    placed_event,
    placed_order,
    queued_order,
    reservation,
)
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.placement import (
    Enqueue,
    EnteredAs,
    KeyedOrder,
    Placed,
    Placement,
    PlacementOutcome,
    PlacementView,
    Refuse,
    Refused,
    Repeat,
    Replay,
    Reserve,
    Verdict,
    order_archived,
)
from oms_core.domain.orders.queueing import AcceptanceView, queued_event
from oms_core.domain.stock.products import Product
from oms_memory.tables import Tables

View = TypeVar("View")


class _OrderWriter(Generic[View]):
    """Decides on orders and writes those that are accepted, under the lock."""

    entered_as: EnteredAs

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def write(
        self, placements: Sequence[Placement], decide: Callable[[Sequence[Placement], View], list[Verdict]]
    ) -> list[PlacementOutcome]:
        """Write the orders that `decide` accepts; one outcome per placement, in order."""
        with self._tables.lock:
            unwritten = [placement for placement in placements if placement.id not in self._tables.orders]
            verdicts = decide(unwritten, self.view(unwritten)) if unwritten else []
            decided = list(zip(unwritten, verdicts, strict=True))
            self._write(
                [(placement, verdict) for placement, verdict in decided if isinstance(verdict, Reserve | Enqueue)]
            )
            outcomes = {placement.id: self._outcome(placement, verdict, unwritten) for placement, verdict in decided}
            return [outcomes.get(placement.id) or self._placed(placement, replayed=False) for placement in placements]

    def view(self, placements: Sequence[Placement]) -> View:
        """Look at what the decision needs."""
        raise NotImplementedError

    def new_order(self, placement: Placement) -> tuple[Order, NewEvent]:
        """Return an order as it is written, and its event."""
        raise NotImplementedError

    def products(self, placements: Sequence[Placement]) -> Mapping[str, Product]:
        """Return the products ordered, as far as there are any."""
        skus = {line.sku for placement in placements for line in placement.lines}
        return {sku: self._tables.products[sku] for sku in skus if sku in self._tables.products}

    def keyed_orders(self, placements: Sequence[Placement]) -> Mapping[tuple[str, str], KeyedOrder]:
        """Return the orders that carry the keys of these."""
        keys = [placement.key for placement in placements if placement.key is not None]
        return {key: self._tables.order_keys[key] for key in keys if key in self._tables.order_keys}

    def _write(self, new_orders: list[tuple[Placement, Reserve | Enqueue]]) -> None:
        """Write orders, those that are held after the others."""
        if self.entered_as is EnteredAs.PLACED:
            new_orders.sort(key=lambda entry: entry[0].hold_seconds is not None)
        entries = [
            (reservation(placement.id, allocation), placement.stamp)
            for placement, verdict in new_orders
            if isinstance(verdict, Reserve)
            for allocation in verdict.allocations
        ]
        self._tables.check(entries)
        for placement, _ in new_orders:
            self._write_order(placement)
        self._tables.move(entries)

    def _write_order(self, placement: Placement) -> None:
        order, event = self.new_order(placement)
        self._tables.orders[placement.id] = order
        self._tables.entered_as[placement.id] = self.entered_as
        if placement.key is not None and placement.fingerprint is not None:
            self._tables.order_keys[placement.key] = KeyedOrder(
                order_id=placement.id, fingerprint=placement.fingerprint, entered_as=self.entered_as
            )
        self._tables.record(event, placement.stamp)

    def _outcome(self, placement: Placement, verdict: Verdict, placements: Sequence[Placement]) -> PlacementOutcome:
        match verdict:
            case Reserve() | Enqueue():
                return self._placed(placement, replayed=False)
            case Refuse(error):
                return Refused(error=error)
            case Replay(order_id, entered_as):
                return self._replayed(order_id, entered_as)
            case Repeat(index):
                return self._placed(placements[index], replayed=True)

    def _replayed(self, order_id: UUID, entered_as: EnteredAs) -> PlacementOutcome:
        if order_id not in self._tables.orders:
            return Refused(error=order_archived(order_id))
        return Placed(order=self._tables.orders[order_id], replayed=True, entered_as=entered_as)

    def _placed(self, placement: Placement, *, replayed: bool) -> Placed:
        order_id = placement.id
        return Placed(
            order=self._tables.orders[order_id],
            replayed=replayed,
            entered_as=self._tables.entered_as[order_id],
        )


class PlacedOrderWriter(_OrderWriter[PlacementView]):
    """Writes orders that are placed at once."""

    entered_as = EnteredAs.PLACED

    def view(self, placements: Sequence[Placement]) -> PlacementView:
        """Look at stock and keys."""
        return PlacementView(products=self.products(placements), keyed_orders=self.keyed_orders(placements))

    def new_order(self, placement: Placement) -> tuple[Order, NewEvent]:
        """Place it at once, or hold it."""
        if placement.hold_seconds is not None:
            hold_until = self._tables.now() + timedelta(seconds=placement.hold_seconds)
            return held_order(placement, hold_until), held_event(placement)
        return placed_order(placement), placed_event(placement)


class QueuedOrderWriter(_OrderWriter[AcceptanceView]):
    """Writes orders that are queued."""

    entered_as = EnteredAs.QUEUED

    def view(self, placements: Sequence[Placement]) -> AcceptanceView:
        """Look at SKUs and keys."""
        return AcceptanceView(known_skus=self.products(placements).keys(), keyed_orders=self.keyed_orders(placements))

    def new_order(self, placement: Placement) -> tuple[Order, NewEvent]:
        """Queue it."""
        return queued_order(placement, self._tables.next_number()), queued_event(placement)
