"""How new orders come in: placed at once or queued, in transactions that concurrent callers share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from oms_core.domain.limits import TRANSACTION_LINES_MAX, TRANSACTION_ORDERS_MAX
from oms_core.domain.metrics import ORDERS_DECIDED, PLACEMENT_BATCH_ORDERS
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.placement import (
    EnteredAs,
    Placed,
    Placement,
    PlacementOutcome,
    PlacementView,
    Refused,
    Verdict,
    decide_placement,
)
from oms_core.domain.orders.queueing import decide_acceptance
from oms_core.errors import OmsError
from oms_core.ports.broker import Broker
from oms_core.ports.metrics import Metrics
from oms_core.ports.storage import Storage
from oms_core.runtime.announcements import Announcements
from oms_core.runtime.call_batches import PlaceMany, batch_joined
from oms_core.runtime.group_committer import GroupCommitter
from oms_core.runtime.halving import halve_to_fault, is_defect
from oms_core.runtime.outcomes import Outcomes

_log = logging.getLogger(__name__)

PlaceOne = Callable[[Placement], PlacementOutcome]


class Intake:
    """Writes prepared orders; the outcomes are in the order of the orders. Thread-safe.

    It also announces queued orders to workers, and waits for their outcomes. A fault of one order does not affect the
    others. A fault of the storage becomes the refusal of each order.

    If `shares_transactions`, single orders that come at the same time share a transaction: those of calls that share a
    thread are handed in there (call_batches.py), those of other threads are gathered here. At most `waiting_max` orders
    wait for that (None: only the number of threads bounds them), and at most `outcomes_max` wait for a worker, each up
    to `deadline_seconds`. Threads start when they are needed.
    """

    def __init__(
        self,
        *,
        storage: Storage,
        broker: Broker,
        metrics: Metrics,
        location_priority: Sequence[str],
        shares_transactions: bool = False,
        waiting_max: int | None = None,
        outcomes_max: int | None = None,
        deadline_seconds: float = 10.0,
    ) -> None:
        self._storage = storage
        self._metrics = metrics
        self._location_priority = tuple(location_priority)
        self._announcements = Announcements(broker.announcer, metrics)
        self._outcomes = Outcomes(
            lambda order_ids: storage.queue.settled(order_ids),  # noqa: PLW0108  Reading `queue` may connect.
            waiting_max=outcomes_max,
        )
        self._committers: list[GroupCommitter[Placement, PlacementOutcome]] = []
        self.place: PlaceOne = lambda placement: self.place_many([placement])[0]
        self.enqueue: PlaceOne = lambda placement: self.enqueue_many([placement])[0]
        if shares_transactions:
            self.place = self._shared(self.place_many, waiting_max, deadline_seconds)
            self.enqueue = self._shared(self.enqueue_many, waiting_max, deadline_seconds)

    def place_many(self, placements: Sequence[Placement]) -> list[PlacementOutcome]:
        """Place orders in as few transactions as the bounds allow."""
        return self._write(
            placements, lambda batch: self._storage.orders.place(batch, self._decide), EnteredAs.PLACED.value
        )

    def enqueue_many(self, placements: Sequence[Placement]) -> list[PlacementOutcome]:
        """Queue orders for a worker, in as few transactions as the bounds allow, and announce them."""
        outcomes = self._write(
            placements, lambda batch: self._storage.queue.accept(batch, decide_acceptance), EnteredAs.QUEUED.value
        )
        self.announce(
            [outcome.order.id for outcome in outcomes if isinstance(outcome, Placed) and not outcome.replayed]
        )
        return outcomes

    def announce(self, order_ids: Sequence[UUID]) -> None:
        """Announce queued orders to workers, without waiting."""
        if order_ids:
            self._announcements.tell(order_ids)

    def begin_announcing(self) -> None:
        """Start the announcing thread before there are orders to announce, so that an inbox here expects messages.

        Raise `overloaded` when it cannot start.
        """
        self._announcements.begin()

    def wait(self, order_id: UUID, *, timeout_seconds: float) -> Order | None:
        """Return the order once a worker is done with it; None at the timeout, or when too many wait already."""
        return self._outcomes.wait(order_id, timeout_seconds=timeout_seconds)

    def close(self) -> None:
        """Commit and announce the orders that have been gathered."""
        for committer in self._committers:
            committer.close()
        self._announcements.close()

    def _shared(self, commit: PlaceMany, waiting_max: int | None, deadline_seconds: float) -> PlaceOne:
        committer = GroupCommitter(
            commit, batch_max=TRANSACTION_ORDERS_MAX, waiting_max=waiting_max, waiting_seconds_max=deadline_seconds
        )
        self._committers.append(committer)

        def hand_in(placement: Placement) -> PlacementOutcome:
            batch = batch_joined()
            return committer.submit(placement) if batch is None else batch.hand_in(commit, placement)

        return hand_in

    def _write(self, placements: Sequence[Placement], write: PlaceMany, taken_as: str) -> list[PlacementOutcome]:
        outcomes: list[PlacementOutcome] = []
        for batch in _transactions(placements):
            for written in halve_to_fault(
                batch, lambda part: self._commit(part, write), is_of_an_item=is_defect, blame=_refused
            ):
                outcomes.extend(written)
        for outcome in outcomes:
            self._metrics.count(ORDERS_DECIDED, _name_of(outcome, taken_as))
        return outcomes

    def _commit(self, batch: Sequence[Placement], write: PlaceMany) -> list[PlacementOutcome]:
        try:
            outcomes = write(batch)
        except OmsError as error:
            if is_defect(error):
                raise
            return [Refused(error=_own_error(error, placement)) for placement in batch]
        self._metrics.observe(PLACEMENT_BATCH_ORDERS, len(batch))
        return outcomes

    def _decide(self, placements: Sequence[Placement], view: PlacementView) -> list[Verdict]:
        return decide_placement(placements, view, self._location_priority)


def _refused(placement: Placement, error: Exception) -> list[PlacementOutcome]:
    _log.error("order %s cannot be written, request %s", placement.id, placement.request_id, exc_info=error)
    detail = "the order could not be written; the log holds the reason"
    return [Refused(error=OmsError("internal_error", detail, data={"order_id": str(placement.id)}))]


def _name_of(outcome: PlacementOutcome, taken_as: str) -> str:
    if isinstance(outcome, Placed):
        return "replayed" if outcome.replayed else taken_as
    return outcome.error.code


def _own_error(error: OmsError, placement: Placement) -> OmsError:
    """Return the error with this order's id alone, since a caller must not see the others of a shared transaction."""
    if "order_ids" not in error.data:
        return error
    return OmsError(
        error.code,
        error.detail,
        data={**error.data, "order_ids": [str(placement.id)]},
        retry_after_seconds=error.retry_after_seconds,
    )


def _transactions(placements: Sequence[Placement]) -> Iterator[Sequence[Placement]]:
    """Cut into runs of at most 500 orders or 5,000 lines (one order's 2,000 lines always fit)."""
    start = lines = 0
    for index, placement in enumerate(placements):
        lines += len(placement.command.lines)
        if index - start == TRANSACTION_ORDERS_MAX or lines > TRANSACTION_LINES_MAX:
            yield placements[start:index]
            start, lines = index, len(placement.command.lines)
    if start < len(placements):
        yield placements[start:]
