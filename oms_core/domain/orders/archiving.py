"""Which orders may leave for an archive, and what is left of them in the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from oms_core.domain.events import Event
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.returns import Return
from oms_core.domain.orders.shipments import Shipment
from oms_core.domain.orders.statuses import OPEN, WAITING, OrderStatus
from oms_core.domain.stock.ledger import LevelId
from oms_core.domain.stock.products import Movement, MovementKind, NewMovement

# Nothing is reserved for these, and nobody waits for them.
FINISHED = frozenset(OrderStatus) - OPEN - WAITING
ARCHIVE_ORDERS_MAX = 500
_REASON = "archived orders"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedOrder:
    """A finished order with all that leaves with it: ledger rows and events by id, shipments and returns by number."""

    order: Order
    movements: tuple[Movement, ...]
    events: tuple[Event, ...]
    shipments: tuple[Shipment, ...] = ()
    returns: tuple[Return, ...] = ()


def openings(sums: Mapping[LevelId, int]) -> list[NewMovement]:
    """Return the rows of the ledger that stand for removed ones, by (sku, location); none where they sum to nothing.

    `sums` has what the removed rows, and the opening from before, have changed the count on hand by.
    """
    return [
        NewMovement(
            sku=sku,
            location=location,
            kind=MovementKind.OPENING,
            on_hand_delta=on_hand,
            reserved_delta=0,
            reason=_REASON,
        )
        for (sku, location), on_hand in sorted(sums.items())
        if on_hand
    ]


def add_up(counted: Iterable[tuple[LevelId, int]]) -> dict[LevelId, int]:
    """Add up what belongs to the same level."""
    sums: dict[LevelId, int] = {}
    for level, on_hand in counted:
        sums[level] = sums.get(level, 0) + on_hand
    return sums
