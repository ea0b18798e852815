"""Storage of the queue: accepted orders, the workers that place them, the events that are to be published.

What `oms_core.ports.storage` says of every method of a storage holds for these too.
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
    """Wait for nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleBatch:
    """Queued orders to settle together, on whose behalf, and whom to wait for first.

    Of the `claimed` a claim has counted the try. `wait_for_turn`: see `QueueStorage.settle`.
    """

    order_ids: Sequence[UUID]
    claimed: Collection[UUID]
    stamp: Stamp
    wait_for_turn: WaitForTurn = at_once


class QueueStorage(Protocol):
    """Orders that were accepted and wait to be placed. An order that somebody else holds is passed over, unless it is
    claimed.
    """

    def accept(self, placements: Sequence[Placement], decide: DecideAcceptance) -> list[PlacementOutcome]:
        """Write what `decide` accepts as queued; one outcome per placement, in order.

        In one transaction: orders (status queued, version 1, entered as queued), numbered in order of arrival above
        all that wait, lines, and one `order.queued` event each (`queued_event`). No stock is looked at or locked.
        Everything else is as for `OrderStorage.place`: repetition, taken keys and ids, bounds, errors.
        """
        ...

    def settle(self, batch: SettleBatch, decide: DecideSettlement) -> Settlement:
        """Place or reject, in one transaction and by queue number, those orders of a batch that are still queued.

        Passed over: what is not queued (any more), not due yet unless `claimed`, or locked by somebody else unless all
        are `claimed`, which are waited for. What `decide` accepts becomes pending with its reservations, what it
        refuses rejected with the refusal as its failure (`settled_order`); one `settled_event` each, `stock_events` as
        for `place`, all with the batch's stamp. A transaction takes at most TRANSACTION_LINES_MAX lines, or one order
        (`fitting`): the rest is `left`. At most TRANSACTION_ORDERS_MAX ids; one that stands twice counts once. After a
        lost COMMIT what had been settled is told as settled, whatever has become of it since. An error that is one
        order's own fault is raised as `internal_error`; nothing of the call is written.

        `wait_for_turn` returns when the call before this one is done, and soon in any case. It is called before stock
        is taken, while nothing is held that the call before may need, and again where the transaction is repeated. So
        what it lets happen beforehand (reading, deciding) may be done while the call before is being written.
        """
        ...

    def claim(self, order_ids: Sequence[UUID], *, lease_seconds: float) -> list[Claim]:
        """Count a try, before it is made, of those of these orders that are still queued and not locked.

        They are not due for anybody else until `lease_seconds` from now. By queue number, and no further than
        `claimed_together` says: what is left is for the next claim. After a lost COMMIT a try is not counted again;
        what is no longer queued is then left out.
        """
        ...

    def sweep(self, *, older_than_seconds: float, limit: int, lease_seconds: float) -> list[Claim]:
        """Claim, likewise, the first queued orders that are due, unchanged for `older_than_seconds`, and not locked."""
        ...

    def unclaim(self, claims: Sequence[Claim]) -> None:
        """Take back the tries of claims that were counted and not made; the orders are then due at once.

        An order that is no longer as its claim has left it, but for the time it is due, stays as it is.
        """
        ...

    def settled(self, order_ids: Sequence[UUID]) -> list[Order]:
        """Return those of these orders that are not queued (any more), in no order."""
        ...

    def sample(self) -> QueueSample:
        """Look at the queue, in bounded time however long it is."""
        ...


class WorkerStorage(Protocol):
    """The workers' signs of life."""

    def beat(self, state: WorkerState) -> None:
        """Write a worker's state, `seen_at` by the database's clock; forget workers silent for a day."""
        ...

    def leave(self, worker_id: str) -> None:
        """Forget a worker that has stopped."""
        ...

    def find(self, *, silent_seconds: float) -> list[WorkerState]:
        """List the workers seen within `silent_seconds`, by id."""
        ...


class OutboxStorage(Protocol):
    """Events that are still to be published. Written only where StorageOptions.keeps_outbox says so."""

    def lease(self, holder: str, *, seconds: float) -> bool:
        """Take or prolong the right to publish, by the database's clock; False while another holder has it."""
        ...

    def release(self, holder: str) -> None:
        """Give the right to publish back, if this holder has it."""
        ...

    def unpublished(self, *, limit: int) -> list[Event]:
        """Return the oldest events that are to be published, by id ascending."""
        ...

    def published(self, event_ids: Sequence[int]) -> None:
        """Forget that these are to be published; the events themselves stay."""
        ...
