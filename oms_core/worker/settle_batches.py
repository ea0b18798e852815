"""Settling orders in batches for a worker: faults that pass are waited out, and one order's fault costs no other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from oms_core.domain.orders.queueing import Claim, by_caution
from oms_core.errors import OmsError
from oms_core.ports.queue_storage import WaitForTurn, at_once
from oms_core.runtime.halving import halve_to_fault
from oms_core.worker.heartbeat import Heartbeat
from oms_core.worker.retrying import Retrying, StoppedError, StuckError

_log = logging.getLogger(__name__)

_TRIES = 3

Settle = Callable[[Sequence[UUID], Mapping[UUID, int], WaitForTurn], int]
PutOff = Callable[[UUID, Mapping[UUID, int], Exception], None]


class _HeldClaims:
    """The claims of one worker whose tries are counted and not made yet.

    The tries of those that the worker gives up are taken back. Otherwise an order would fail because its worker was
    stopped before it came to the order, or because the database had no room.
    """

    def __init__(self, claims: Iterable[Claim], unclaim: Callable[[Sequence[Claim]], None]) -> None:
        self._held = {claim.order_id: claim for claim in claims}
        self._unclaim = unclaim

    def attempts(self, order_ids: Iterable[UUID]) -> Mapping[UUID, int]:
        """Return the tries of those of these orders that are held."""
        return {order_id: self._held[order_id].attempts for order_id in order_ids if order_id in self._held}

    def are_tried(self, order_ids: Iterable[UUID]) -> None:
        """Note that the tries of these were made: they stay counted, unless settling the order took them back."""
        for order_id in order_ids:
            self._held.pop(order_id, None)

    def give_up(self) -> None:
        """Take back the tries that were not made. They stay counted where the database takes nothing."""
        left = list(self._held.values())
        self._held.clear()
        if not left:
            return
        try:
            self._unclaim(left)
        except OmsError as error:
            _log.info("the tries of %d orders stay counted: %s", len(left), error.detail, exc_info=error.defect)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleBatches:
    """Settles orders, up to `batch_max` in a transaction.

    `settle` and `put_off` are the worker's tasks. `unclaim` takes back the tries of claims.
    """

    settle: Settle
    put_off: PutOff
    unclaim: Callable[[Sequence[Claim]], None]
    retrying: Retrying
    heartbeat: Heartbeat
    batch_max: int

    def settle_announced(self, order_ids: Sequence[UUID], wait_for_turn: WaitForTurn) -> None:
        """Settle orders that nobody has claimed."""
        for start in range(0, len(order_ids), self.batch_max):
            self._settle(order_ids[start : start + self.batch_max], _HeldClaims([], self.unclaim), wait_for_turn)

    def settle_claimed(self, claims: Sequence[Claim]) -> None:
        """Settle claimed orders. Raise StoppedError where the worker is stopped before the end."""
        held = _HeldClaims(claims, self.unclaim)
        try:
            for batch in by_caution(claims, self.batch_max):
                self.retrying.raise_if_stopped()
                self._settle(batch, held)
        except StoppedError:
            held.give_up()
            raise

    def _settle(self, order_ids: Sequence[UUID], held: _HeldClaims, wait_for_turn: WaitForTurn = at_once) -> None:
        """Settle a batch; where it fails time and again while the database takes other work, each half by itself.

        An order that fails alone is put off. Where the database is unfit, all orders wait, and none counts a try.
        """

        def attempt(part: Sequence[UUID], tries: int | None = _TRIES) -> None:
            settled = self.retrying(lambda: self.settle(part, held.attempts(part), wait_for_turn), tries=tries)
            held.are_tried(part)
            self.heartbeat.count(settled)

        def blame(order_id: UUID, error: Exception) -> None:
            if isinstance(error, StuckError) and error.is_its_own:
                self.retrying(lambda: self.put_off(order_id, held.attempts([order_id]), error.reason))
                held.are_tried([order_id])
            else:
                held.give_up()
                attempt([order_id], tries=None)

        halve_to_fault(order_ids, attempt, is_of_an_item=lambda error: isinstance(error, StuckError), blame=blame)
