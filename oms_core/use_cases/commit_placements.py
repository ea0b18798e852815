"""Place or queue prepared orders in bounded transactions, so that one order's fault never costs the others."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from oms_core.domain.limits import TRANSACTION_LINES_MAX, TRANSACTION_ORDERS_MAX
from oms_core.domain.metrics import ORDERS_DECIDED, PLACEMENT_BATCH_ORDERS
from oms_core.domain.orders.placement import (
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
from oms_core.ports.metrics import Metrics
from oms_core.ports.storage import Storage
from oms_core.runtime.halving import halve_to_fault, is_defect

_log = logging.getLogger(__name__)


class CommitPlacements:
    """Places prepared orders; one outcome per placement, in order. Thread-safe."""

    taken_as = "placed"

    def __init__(self, *, storage: Storage, metrics: Metrics, location_priority: Sequence[str]) -> None:
        self.storage = storage
        self._metrics = metrics
        self._location_priority = tuple(location_priority)

    def __call__(self, placements: Sequence[Placement]) -> list[PlacementOutcome]:
        """Write in as few transactions as the bounds allow; a fault of the storage becomes each order's refusal."""
        outcomes: list[PlacementOutcome] = []
        for batch in _transactions(placements):
            for written in halve_to_fault(batch, self._commit, is_of_an_item=is_defect, blame=self._refuse):
                outcomes.extend(written)
        for outcome in outcomes:
            self._metrics.count(ORDERS_DECIDED, self._outcome_name(outcome))
        return outcomes

    def write(self, batch: Sequence[Placement]) -> list[PlacementOutcome]:
        """Write one transaction."""
        return self.storage.orders.place(batch, self._decide)

    def _commit(self, batch: Sequence[Placement]) -> list[PlacementOutcome]:
        try:
            outcomes = self.write(batch)
        except OmsError as error:
            if is_defect(error):
                raise
            return [Refused(error=_own_error(error, placement)) for placement in batch]
        self._metrics.observe(PLACEMENT_BATCH_ORDERS, len(batch))
        return outcomes

    def _refuse(self, placement: Placement, error: Exception) -> list[PlacementOutcome]:
        _log.error("order %s cannot be written, request %s", placement.id, placement.request_id, exc_info=error)
        detail = "the order could not be written; the log holds the reason"
        return [Refused(error=OmsError("internal_error", detail, data={"order_id": str(placement.id)}))]

    def _outcome_name(self, outcome: PlacementOutcome) -> str:
        if isinstance(outcome, Placed):
            return "replayed" if outcome.replayed else self.taken_as
        return outcome.error.code

    def _decide(self, placements: Sequence[Placement], view: PlacementView) -> list[Verdict]:
        return decide_placement(placements, view, self._location_priority)


class CommitAcceptances(CommitPlacements):
    """Queues prepared orders, to be placed by a worker; one outcome per placement, in order. Thread-safe."""

    taken_as = "queued"

    def write(self, batch: Sequence[Placement]) -> list[PlacementOutcome]:
        """Write one transaction."""
        return self.storage.queue.accept(batch, decide_acceptance)


def _own_error(error: OmsError, placement: Placement) -> OmsError:
    """Tell each caller of its own order alone: a shared transaction's ids are not theirs to see."""
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
