"""What every change of stock writes: ledger rows, the levels they move, the events that follow."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Protocol, TypeAlias

from oms_core.domain.callers import Caller
from oms_core.domain.events import NewEvent, StockChange, stock_events
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.stock.products import NewMovement
from oms_peewee.session import Session_contra


@dataclass(frozen=True, slots=True)
class Stamp:
    """On whose behalf something is written, and when."""

    actor: str
    request_id: str | None
    at: datetime


MovementEntry: TypeAlias = tuple[NewMovement, Stamp]
EventEntry: TypeAlias = tuple[NewEvent, Stamp]
LevelId: TypeAlias = tuple[str, str]


@dataclass(slots=True)
class LevelMove:
    """What all ledger rows of one transaction do to one level; the last of them has this number and stamp."""

    on_hand_delta: int
    reserved_delta: int
    last: int
    stamp: Stamp


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
        key: IdempotencyKey | None = None,
        told_skus: Collection[str] = (),
    ) -> None:
        """Write ledger rows (the first carries `key`), move their levels, write the events, and announce stock events.

        All levels of the products moved are locked, by (sku, location). Of `told_skus` the caller has told what there
        is to tell. Raises UncoveredError when a level is not there or would break its bounds.
        """
        ...


def origin_of(caller: Caller, at: datetime) -> Stamp:
    """Return the stamp of what a use case writes."""
    return Stamp(caller.name, caller.request_id, at)


def level_moves(rows: Iterable[tuple[LevelId, int, int, Stamp]]) -> dict[LevelId, LevelMove]:
    """Sum rows of (location, on_hand_delta, reserved_delta, stamp) by location, sorted: so levels are locked."""
    moves: dict[LevelId, LevelMove] = {}
    for number, (location, on_hand_delta, reserved_delta, stamp) in enumerate(rows):
        move = moves.get(location)
        if move is None:
            moves[location] = LevelMove(on_hand_delta, reserved_delta, number, stamp)
        else:
            move.on_hand_delta += on_hand_delta
            move.reserved_delta += reserved_delta
            move.last = number
            move.stamp = stamp
    return dict(sorted(moves.items(), key=itemgetter(0)))


def moves_of(movements: Iterable[MovementEntry]) -> dict[LevelId, LevelMove]:
    """Sum ledger rows by location."""
    return level_moves(
        ((row.sku, row.location), row.on_hand_delta, row.reserved_delta, stamp) for row, stamp in movements
    )


def announcements(moves: Mapping[LevelId, LevelMove], before: Mapping[str, Figures]) -> list[EventEntry]:
    """Return the stock events of products with these figures before; each has the stamp of the last row of its own."""
    by_sku: dict[str, list[LevelMove]] = {sku: [] for sku in before}
    for (sku, _), move in moves.items():
        if sku in by_sku:
            by_sku[sku].append(move)
    changes = [
        StockChange(
            sku=sku,
            threshold_before=figures.low_stock_threshold,
            low_stock_threshold=figures.low_stock_threshold,
            available_before=figures.available,
            available_after=figures.available + sum(available_delta(move) for move in by_sku[sku]),
        )
        for sku, figures in sorted(before.items())
    ]
    return [
        (event, max(by_sku[event.sku], key=lambda move: move.last).stamp)
        for event in stock_events(changes)
        if event.sku is not None
    ]


def available_delta(move: LevelMove) -> int:
    """Return the units by which what can be sold changes."""
    return move.on_hand_delta - move.reserved_delta
