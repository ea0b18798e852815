"""What every change of stock writes: ledger rows, the levels they move, the events that follow."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from oms_core.domain.callers import Caller
from oms_core.domain.events import NewEvent, StockChange, stock_events
from oms_core.domain.stock import NewMovement, StockKey
from oms_peewee.session import Session_contra


@dataclass(frozen=True, slots=True)
class Origin:
    """On whose behalf something is written, and when."""

    actor: str
    request_id: str | None
    at: datetime


MovementEntry: TypeAlias = tuple[NewMovement, Origin]
EventEntry: TypeAlias = tuple[NewEvent, Origin]
Location: TypeAlias = tuple[str, str]


@dataclass(slots=True)
class LevelMove:
    """What all ledger rows of one transaction do to one level, and the time of the last of them."""

    on_hand_delta: int
    reserved_delta: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """A product before a transaction: the units that could be sold, and its threshold."""

    available: int
    low_stock_threshold: int | None


class Ledger(Protocol[Session_contra]):
    """Writes changes of stock, inside a transaction that the caller has begun."""

    def write(
        self,
        session: Session_contra,
        *,
        movements: Sequence[MovementEntry],
        events: Sequence[EventEntry],
        key: StockKey | None = None,
        new_skus: Collection[str] = (),
    ) -> None:
        """Write ledger rows (the first carries `key`), move their levels, write the events, and announce stock events.

        All levels of the products moved are locked, by (sku, location). The first stock of a product
        that is new (`new_skus`) is no news. Raises UncoveredError when a level is not there or would break its bounds.
        """
        ...


def origin_of(caller: Caller, at: datetime) -> Origin:
    """Give the origin of what a use case writes."""
    return Origin(caller.name, caller.request_id, at)


def level_moves(movements: Iterable[MovementEntry]) -> dict[Location, LevelMove]:
    """Sum ledger rows per (sku, location), sorted: the order in which levels are locked."""
    moves: dict[Location, LevelMove] = {}
    for movement, origin in movements:
        location = (movement.sku, movement.location)
        move = moves.get(location)
        if move is None:
            moves[location] = LevelMove(movement.on_hand_delta, movement.reserved_delta, origin.at)
        else:
            move.on_hand_delta += movement.on_hand_delta
            move.reserved_delta += movement.reserved_delta
            move.at = origin.at
    return dict(sorted(moves.items()))


def announcements(
    movements: Sequence[MovementEntry], moves: Mapping[Location, LevelMove], before: Mapping[str, Figures]
) -> list[EventEntry]:
    """Give the stock events of a transaction; a product's carries the origin of the last row that moved it."""
    deltas: dict[str, int] = {}
    for (sku, _), move in moves.items():
        deltas[sku] = deltas.get(sku, 0) + move.on_hand_delta - move.reserved_delta
    changes = [
        StockChange(
            sku=sku,
            low_stock_threshold=figures.low_stock_threshold,
            available_before=figures.available,
            available_after=figures.available + deltas[sku],
        )
        for sku, figures in sorted(before.items())
    ]
    events = stock_events(changes)
    last = {movement.sku: origin for movement, origin in movements} if events else {}
    return [(event, last[event.sku]) for event in events if event.sku is not None]
