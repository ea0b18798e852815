"""The tries that a worker has counted and not made yet: they are taken back where it cannot make them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from uuid import UUID

from oms_core.domain.orders.queueing import Claim
from oms_core.errors import OmsError

_log = logging.getLogger(__name__)


class HeldClaims:
    """The claims that one worker holds; `unclaim` takes back the tries of those that it gives up.

    Without it an order would be failed for the times that its worker was stopped before it came to it, or that the
    database had no room.
    """

    def __init__(self, claims: Iterable[Claim], unclaim: Callable[[Sequence[Claim]], None]) -> None:
        self._held = {claim.order_id: claim for claim in claims}
        self._unclaim = unclaim

    def attempts(self, order_ids: Iterable[UUID]) -> Mapping[UUID, int]:
        """Return the tries of those of these orders that are held."""
        return {order_id: self._held[order_id].attempts for order_id in order_ids if order_id in self._held}

    def are_tried(self, order_ids: Iterable[UUID]) -> None:
        """Note that the tries of these were made: they stay counted, or were taken back by what they came to."""
        for order_id in order_ids:
            self._held.pop(order_id, None)

    def give_up(self) -> None:
        """Take back what was not made; where the database takes nothing, it stays counted."""
        left = list(self._held.values())
        self._held.clear()
        if not left:
            return
        try:
            self._unclaim(left)
        except OmsError as error:
            _log.info("the tries of %d orders stay counted: %s", len(left), error.detail, exc_info=error.defect)
