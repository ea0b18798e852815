"""Placing or rejecting queued orders, so that a fault of one order does not affect the others."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.metrics import ORDERS_DECIDED, PLACEMENT_BATCH_ORDERS
from oms_core.domain.orders.placement import PlacementView, Verdict, decide_placement
from oms_core.domain.orders.queueing import QueuedOrder, Settlement, decide_failed_attempt, is_worn_out
from oms_core.domain.orders.statuses import OPEN, OrderStatus
from oms_core.domain.stamps import Stamp
from oms_core.errors import OmsError
from oms_core.ports.clock import Clock
from oms_core.ports.metrics import Metrics
from oms_core.ports.queue_storage import SettleBatch, WaitForTurn, at_once
from oms_core.ports.storage import Storage
from oms_core.runtime.halving import halve_to_fault, is_defect

_log = logging.getLogger(__name__)

_JITTER_BITS = 53


class SettleOrders:
    """Settles batches of queued orders in the name of `caller`. Thread-safe."""

    def __init__(
        self,
        *,
        storage: Storage,
        clock: Clock,
        metrics: Metrics,
        caller: Caller,
        location_priority: Sequence[str],
        attempts_max: int,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._metrics = metrics
        self._caller = caller
        self._location_priority = tuple(location_priority)
        self._attempts_max = attempts_max

    def __call__(
        self, order_ids: Sequence[UUID], attempts: Mapping[UUID, int], wait_for_turn: WaitForTurn = at_once
    ) -> int:
        """Settle those orders that are still queued; return how many they were. At most 500 ids; one may be repeated.

        `attempts` has the number of attempts at each claimed order, this one included. An order that cannot be written
        is attempted again later, and becomes failed after the last attempt. An order whose attempts all began and never
        ended becomes failed without another. For `wait_for_turn` see QueueStorage.settle.

        Raise `storage_unavailable` or `outcome_unknown`, which are no order's fault; the same call may then be
        repeated.
        """
        waiting: Sequence[UUID] = self._without_worn_out(list(dict.fromkeys(order_ids)), attempts)
        settled = 0
        while waiting:
            settlements = self._settle(waiting, attempts, wait_for_turn)
            settled += sum(len(settlement.statuses) for settlement in settlements)
            waiting = [order_id for settlement in settlements for order_id in settlement.left]
        return settled

    def _without_worn_out(self, order_ids: Sequence[UUID], attempts: Mapping[UUID, int]) -> Sequence[UUID]:
        """Fail the orders whose attempts all ended the worker's process; return the others."""
        worn_out = {each for each in order_ids if is_worn_out(attempts.get(each, 0), self._attempts_max)}
        for order_id in worn_out:
            error = OmsError("internal_error", "each try ended the worker's process before it was done")
            self.put_off(order_id, {order_id: attempts[order_id] - 1}, error)  # This attempt is not made.
        return [each for each in order_ids if each not in worn_out]

    def _settle(
        self, order_ids: Sequence[UUID], attempts: Mapping[UUID, int], wait_for_turn: WaitForTurn
    ) -> list[Settlement]:
        """Settle what one transaction takes. At a defect, settle each half of the orders by itself."""

        def attempt(order_ids: Sequence[UUID]) -> Settlement:
            stamp = Stamp.of(self._caller, self._clock.now())
            batch = SettleBatch(order_ids=order_ids, claimed=attempts.keys(), stamp=stamp, wait_for_turn=wait_for_turn)
            settlement = self._storage.queue.settle(batch, self._decide)
            self._count(settlement.statuses)
            return settlement

        def blame(order_id: UUID, error: Exception) -> Settlement:
            wait_for_turn()
            self.put_off(order_id, attempts, error)
            return Settlement(statuses={}, left=())

        return halve_to_fault(order_ids, attempt, is_of_an_item=is_defect, blame=blame)

    def put_off(self, order_id: UUID, attempts: Mapping[UUID, int], error: Exception) -> None:
        """Count the attempt, unless its claim has, and set when the next one is due; after the last one the order
        fails.
        """
        _log.error("order %s cannot be placed", order_id, exc_info=error)
        known = error if isinstance(error, OmsError) else OmsError("internal_error", "the order could not be placed")
        counted = attempts.get(order_id)
        jitter = self._clock.random_bits(_JITTER_BITS) / (1 << _JITTER_BITS)
        order = self._storage.orders.change(
            order_id,
            owner=None,
            caller=self._caller,
            now=self._clock.now(),
            decide=lambda order, _: decide_failed_attempt(
                order,
                known,
                attempts=order.attempts + 1 if counted is None else counted,
                attempts_max=self._attempts_max,
                jitter=jitter,
            ),
        )
        if order.status is OrderStatus.FAILED:
            self._metrics.count(ORDERS_DECIDED, OrderStatus.FAILED.value)

    def _count(self, statuses: Mapping[UUID, OrderStatus]) -> None:
        if statuses:
            self._metrics.observe(PLACEMENT_BATCH_ORDERS, len(statuses))
        placed = sum(status in OPEN for status in statuses.values())
        for name, amount in (("placed", placed), ("rejected", len(statuses) - placed)):
            if amount:
                self._metrics.count(ORDERS_DECIDED, name, amount=amount)

    def _decide(self, orders: Sequence[QueuedOrder], view: PlacementView) -> list[Verdict]:
        return decide_placement(orders, view, self._location_priority)
