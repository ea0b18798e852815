"""What every change of stock writes: ledger rows, the levels they move, the events that follow."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.stock.ledger import EventEntry, MovementEntry
from oms_peewee.session import Session_contra


class Ledger(Protocol[Session_contra]):
    """Writes changes of stock, inside a transaction that the caller has begun."""

    def write(
        self,
        session: Session_contra,
        *,
        movements: Sequence[MovementEntry],
        events: Sequence[EventEntry],
        key: IdempotencyKey | None = None,
        told_skus: Collection[str] = (),
    ) -> None:
        """Write ledger rows (the first carries `key`), move their levels, write the events, and announce stock events.

        All levels of the products moved are locked, by (sku, location). Of `told_skus` the caller has told what there
        is to tell. Raises UncoveredError when a level is not there or would break its bounds.
        """
        ...
