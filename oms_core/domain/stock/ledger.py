"""What the ledger rows of one transaction change at levels, and which stock events follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from operator import itemgetter
from types import MappingProxyType
from typing import TypeAlias

from oms_core.domain.events import NewEvent, StockChange, stock_events
from oms_core.domain.limits import COUNT_MAX
from oms_core.domain.stamps import Stamp
from oms_core.domain.stock.products import NewMovement, Product, StockLevel

MovementEntry: TypeAlias = tuple[NewMovement, Stamp]
EventEntry: TypeAlias = tuple[NewEvent, Stamp]
# A level is named by its SKU and its location.
LevelId: TypeAlias = tuple[str, str]
NOTHING_WITHHELD: Mapping[str, int] = MappingProxyType({})


@dataclass(slots=True)
class LevelMove:
    """The sum of all ledger rows of one transaction for one level, with the number and stamp of the last row."""

    on_hand_delta: int
    reserved_delta: int
    last: int
    stamp: Stamp

    @property
    def available_delta(self) -> int:
        """The difference in units that can be sold, where none are withheld."""
        return self.on_hand_delta - self.reserved_delta


@dataclass(frozen=True, slots=True)
class Figures:
    """A product before a transaction: its available units, and its threshold."""

    available: int
    low_stock_threshold: int | None

    @classmethod
    def of(cls, product: Product) -> Figures:
        """Return the figures of a product as it is."""
        return cls(product.available, product.low_stock_threshold)


def level_moves(rows: Iterable[tuple[LevelId, int, int, Stamp]]) -> dict[LevelId, LevelMove]:
    """Sum rows of (level, on_hand_delta, reserved_delta, stamp) by level, in the order in which levels are locked."""
    moves: dict[LevelId, LevelMove] = {}
    for number, (level_id, on_hand_delta, reserved_delta, stamp) in enumerate(rows):
        move = moves.get(level_id)
        if move is None:
            moves[level_id] = LevelMove(on_hand_delta, reserved_delta, number, stamp)
        else:
            move.on_hand_delta += on_hand_delta
            move.reserved_delta += reserved_delta
            move.last = number
            move.stamp = stamp
    return dict(sorted(moves.items(), key=itemgetter(0)))


def moves_of(movements: Iterable[MovementEntry]) -> dict[LevelId, LevelMove]:
    """Sum ledger rows by level."""
    return level_moves(
        ((row.sku, row.location), row.on_hand_delta, row.reserved_delta, stamp) for row, stamp in movements
    )


def available_deltas(moves: Mapping[LevelId, LevelMove]) -> dict[str, int]:
    """Return by SKU the difference in units that can be sold, where none are withheld."""
    deltas: dict[str, int] = {}
    for (sku, _), move in moves.items():
        deltas[sku] = deltas.get(sku, 0) + move.available_delta
    return deltas


def level_after(level: StockLevel | None, location: str, move: LevelMove) -> StockLevel:
    """Return a level after a transaction, within its bounds or not. Its version grows by 1.

    `level` is None where there was none.
    """
    before = level or StockLevel(location=location, on_hand=0, reserved=0, version=0)
    return replace(
        before,
        on_hand=before.on_hand + move.on_hand_delta,
        reserved=before.reserved + move.reserved_delta,
        version=before.version + 1,
    )


def is_within_bounds(level: StockLevel) -> bool:
    """Return whether a level may be stored: no more units are reserved than are there, and the count is below its
    bound.
    """
    return 0 <= level.reserved <= level.on_hand <= COUNT_MAX


def announcements(
    moves: Mapping[LevelId, LevelMove], before: Mapping[str, Figures], after: Mapping[str, int] = NOTHING_WITHHELD
) -> list[EventEntry]:
    """Return the stock events of products with these figures before, by SKU.

    `after` has the available units after it of those products of which some are withheld. Each event has the stamp of
    the last row that moved its product.
    """
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
            available_after=after[sku]
            if sku in after
            else figures.available + sum(move.available_delta for move in by_sku[sku]),
        )
        for sku, figures in sorted(before.items())
    ]
    return [
        (event, max(by_sku[event.sku], key=lambda move: move.last).stamp)
        for event in stock_events(changes)
        if event.sku is not None
    ]
