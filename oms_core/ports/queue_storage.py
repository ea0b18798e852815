"""Storage of the queue: accepted orders, the workers that place them, and the events to publish.

What `oms_core.ports.storage` says of every method of a storage is true of these too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from oms_core.domain.events import Event
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.placement import Placement, PlacementOutcome, PlacementView, Verdict
from oms_core.domain.orders.queueing import Claim, DecideAcceptance, QueuedOrder, QueueSample, Settlement, WorkerState
from oms_core.domain.stamps import Stamp

DecideSettlement = Callable[[Sequence[QueuedOrder], PlacementView], list[Verdict]]
WaitForTurn = Callable[[], object]


def at_once() -> None:
    """Return without waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleBatch:
    """Queued orders to settle together, with the stamp of what is written.

    The attempts at the `claimed` orders were counted by a claim. For `wait_for_turn` see `QueueStorage.settle`.
    """

    order_ids: Sequence[UUID]
    claimed: Collection[UUID]
    stamp: Stamp
    wait_for_turn: WaitForTurn = at_once


class QueueStorage(Protocol):
    """Accepted orders that wait to be placed.

    An order that is locked by somebody else is skipped, unless it is claimed.
    """

    def accept(self, placements: Sequence[Placement], decide: DecideAcceptance) -> list[PlacementOutcome]:
        """Write what `decide` accepts as queued; return one outcome per placement, in order.

        In one transaction: orders (status queued, version 1, entered as queued), numbered in the order given above all
        that wait, lines, and one `order.queued` event each (`queued_event`). No stock is read or locked. Everything
        else is as for `OrderStorage.place`: repetition, taken keys and ids, bounds, errors.
        """
        ...

    def settle(self, batch: SettleBatch, decide: DecideSettlement) -> Settlement:
        """Place or reject, in one transaction and by queue number, those orders of a batch that are still queued.

        An order is skipped when it is not queued (any more), when it is not due yet unless `claimed`, or when somebody
        else has locked it. If all are `claimed`, locked ones are waited for instead. An order that `decide` accepts
        becomes pending with its reservations, or held from now on where it has `hold_seconds`; one that it refuses
        becomes rejected with the refusal as its failure (`settled_order`). Each gets one `settled_event`, and
        `stock_events` are as for `place`, all with the batch's stamp.

        A transaction takes at most TRANSACTION_LINES_MAX lines, or one order (`fitting`): the rest is `left`. There are
        at most TRANSACTION_ORDERS_MAX ids; a repeated one counts once. After a lost COMMIT the orders that had been
        settled are returned as settled, even if they have changed since. An error that is one order's own fault is
        raised as `internal_error`; nothing of the call is written.

        `wait_for_turn` waits, for a bounded time, until the previous call is done. It is called before stock is locked,
        while nothing is locked that the previous call may need, and again when the transaction is repeated. So this
        call can read and decide while the previous one is being written.
        """
        ...

    def claim(self, order_ids: Sequence[UUID], *, lease_seconds: float) -> list[Claim]:
        """Count an attempt, before it is made, for those of these orders that are still queued and not locked.

        Nobody else can take them until `lease_seconds` from now. They are claimed by queue number, and no more than
        `claimed_together` allows; the rest is for the next claim. After a lost COMMIT an attempt is not counted again,
        and orders that are no longer queued are then left out.
        """
        ...

    def sweep(self, *, older_than_seconds: float, limit: int, lease_seconds: float) -> list[Claim]:
        """Claim, as `claim` does, the first queued orders that are due, unchanged for `older_than_seconds`, and not
        locked.
        """
        ...

    def unclaim(self, claims: Sequence[Claim]) -> None:
        """Take back claims whose attempts were counted but not made; the orders are then due at once.

        An order that has changed since its claim, other than in its due time, stays as it is.
        """
        ...

    def settled(self, order_ids: Sequence[UUID]) -> list[Order]:
        """Return those of these orders that are not queued (any more), in no order."""
        ...

    def sample(self) -> QueueSample:
        """Return the figures of the queue, in bounded time however long it is."""
        ...


class WorkerStorage(Protocol):
    """The workers' heartbeats."""

    def beat(self, state: WorkerState) -> None:
        """Write a worker's state, with `seen_at` by the database's clock; delete workers not seen for a day."""
        ...

    def leave(self, worker_id: str) -> None:
        """Delete a worker that has stopped."""
        ...

    def find(self, *, silent_seconds: float) -> list[WorkerState]:
        """List the workers seen within `silent_seconds`, by id."""
        ...


class OutboxStorage(Protocol):
    """Events that are still to be published. They are written only if StorageOptions.keeps_outbox is set."""

    def lease(self, holder: str, *, seconds: float) -> bool:
        """Take or prolong the right to publish, by the database's clock; False while another holder has it."""
        ...

    def release(self, holder: str) -> None:
        """Give up the right to publish, if this holder has it."""
        ...

    def unpublished(self, *, limit: int) -> list[Event]:
        """Return the oldest events that are to be published, by id ascending."""
        ...

    def published(self, event_ids: Sequence[int]) -> None:
        """Remove events from those to publish; the events themselves stay."""
        ...
