"""Storage of orders: how they are placed, changed and read. What holds for all storage is said in `storage`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Protocol
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.events import Event
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.orders.bulk_changes import Acted, DecideOrderChanges
from oms_core.domain.orders.order import LineAllocation, Order, OrderFilter
from oms_core.domain.orders.order_changes import Changed, OrderChange
from oms_core.domain.orders.placement import Placement, PlacementOutcome, PlacementView, Verdict
from oms_core.domain.orders.returns import Return
from oms_core.domain.orders.shipments import Shipment, Standing

DecidePlacement = Callable[[Sequence[Placement], PlacementView], list[Verdict]]
DecideOrderChange = Callable[[Order, Standing], OrderChange | None]
NO_KEYS: Mapping[UUID, IdempotencyKey] = MappingProxyType({})


class OrderStorage(Protocol):
    """Orders, their lines, and their history."""

    def place(self, placements: Sequence[Placement], decide: DecidePlacement) -> list[PlacementOutcome]:
        """Write what `decide` accepts, as if alone in the database; return one outcome per placement, in order.

        In one transaction: orders (status pending, version 1), lines, reservations (`reservation`), one `order.placed`
        event each (`placed_event`), the levels' `reserved` (+ version, updated_at), and `stock_events` from the figures
        under lock. All levels of the products ordered are locked, so crossings of thresholds are exact. A product's
        stock events and `updated_at` have the caller, request id and time of the last accepted order of that product.
        An order with `hold_seconds` becomes held instead (`held_order`, `held_event`), until so long from now by the
        database's clock. Those that are held are written after the others, as if they stood behind them.

        `decide` may be called again on fresher figures; the last decision is the one that is written. If all are
        refused, nothing is written. A taken id means that an earlier attempt succeeded. A taken key means that a
        concurrent call was first; `decide` is then called again. For a `Replay` its order is returned as it is now,
        or the refusal `order_archived` where the order is gone: a key outlives its order.

        There are at most TRANSACTION_ORDERS_MAX placements. An error that is one order's own fault (a value that the
        database refuses) is raised as `internal_error`; nothing of the call is written. If another transaction still
        writes the first order of a key when the deadline passes, `idempotency_key_in_use` is raised.
        """
        ...

    def change(
        self, order_id: UUID, *, owner: str | None, caller: Caller, now: datetime, decide: DecideOrderChange
    ) -> Order:
        """Lock an order, call `decide` with it and how it stands, write the change, return the order after it.

        It stands at `now`. For a change that raises a count, `counts` has the levels of its products exactly, since
        they are read under lock; those that it moves and that are not there are made. It writes status, version + 1,
        updated_at, the movements with their levels, the events, the shipments (new ones, and what has changed of
        others), new returns with their lines, lines that change or are new, details, and `stock_events`.
        A change with a queue entry also writes attempts, failure, and the due time by the database's clock. An order
        that becomes queued again gets a new queue number, above all that wait, and has no hold. A change with the end
        of a hold writes that. One with a payment reference keeps it for this order, also where the order is gone one
        day, or raises `payment_reference_in_use` where another order has it.

        None from `decide` changes nothing. An error of `decide` rolls back and passes through. `owner` is a customer
        id: the order of another customer is `order_not_found`.
        """
        ...

    def act(
        self,
        order_id: UUID,
        *,
        key: IdempotencyKey | None,
        owner: str | None,
        caller: Caller,
        now: datetime,
        decide: DecideOrderChange,
        skus: Collection[str] | None = None,
    ) -> Changed:
        """Change an order as `change` does, once per key; return the order after it, and the number of the act.

        With `skus`, `decide` sees the products of these and of the order's lines, those that there are; they are locked
        if the order is open, since more of them may be reserved.

        The key is stored with that number in the same transaction, also if `decide` changes nothing; an error of
        `decide` stores none. A key that was stored with the same fingerprint makes the call a replay (nothing is
        decided or written; the number is that of the first call), or raises `order_archived` where its order is gone.
        With another fingerprint it raises `idempotency_key_reused`. The keys are those of `place` too: one namespace a
        caller for all that is done to orders.
        """
        ...

    def change_many(
        self,
        order_ids: Sequence[UUID],
        *,
        owner: str | None,
        caller: Caller,
        now: datetime,
        decide: DecideOrderChanges,
        keys: Mapping[UUID, IdempotencyKey] = NO_KEYS,
    ) -> dict[UUID, Acted]:
        """Change up to 500 orders in one transaction, each as `act` does; return what has become of each.

        Orders are locked by id. `decide` is called with those that are there, may be seen and are no replays, by id,
        and gives a decision for each: a change (which neither queues it nor has a queue entry), an error that is the
        outcome of that order alone, or None. All changes are written, or none. Each level changes once, by the sum. An
        order that is not there is `order_not_found`. What `act` raises of a key is the outcome of its order. No two
        orders have the same key.

        By id, the orders from the one with which 5,000 lines are passed are left out; the first is always done.
        """
        ...

    def get(self, order_id: UUID, *, owner: str | None) -> Order:
        """Return one order with its lines by line_no. Raise `order_not_found`."""
        ...

    def find(self, wanted: OrderFilter, *, after: UUID | None, limit: int, lines_max: int | None = None) -> list[Order]:
        """List orders with their lines, by id descending (newest first) below `after`. An empty list at the end.

        If the filter wants the oldest first, they are listed by id ascending above `after`. With `lines_max` the list
        ends with the order whose lines reach it, and hardly more of them are read.
        """
        ...

    def allocations(self, order_ids: Sequence[UUID], *, owner: str | None) -> dict[UUID, list[LineAllocation]]:
        """Sum by line and location what the ledger rows of up to 500 orders say; by line_no, then location.

        An order that is not there, or of another owner, has none, nor has one of which nothing is reserved or shipped.
        """
        ...

    def shipments(self, order_ids: Sequence[UUID], *, owner: str | None) -> dict[UUID, list[Shipment]]:
        """Return the shipments of up to 500 orders, by number, with what each took of every line, by line_no.

        An order that is not there, or of another owner, has none, nor has one of which none was made.
        """
        ...

    def returns(self, order_ids: Sequence[UUID], *, owner: str | None) -> dict[UUID, list[Return]]:
        """Return the returns of up to 500 orders, by number, with their lines as they were decided.

        An order that is not there, or of another owner, has none, nor has one of which none was made.
        """
        ...

    def events(self, order_id: UUID, *, owner: str | None, after: int | None, limit: int) -> list[Event]:
        """List an order's events by id ascending (oldest first), above `after`. Raise `order_not_found`."""
        ...
