"""Products, their stock per location, and the ledger that records every change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class MovementKind(StrEnum):
    """What a row of the ledger records; an opening stands for the rows of archived orders."""

    OPENING = "opening"
    RECEIVE = "receive"
    ADJUST = "adjust"
    COUNT = "count"
    TRANSFER = "transfer"
    RESERVE = "reserve"
    RELEASE = "release"
    SHIP = "ship"
    UNSHIP = "unship"
    RETURN = "return"


@dataclass(frozen=True, slots=True, kw_only=True)
class StockLevel:
    """The counters of one SKU at one location: units on hand, and how many of them open orders reserve.

    `withheld` units are not sold however many there are: the `kept_back` ones (safety stock), or all of them where the
    location does not sell.
    """

    location: str
    on_hand: int
    reserved: int
    version: int
    withheld: int = 0
    kept_back: int = 0

    @property
    def available(self) -> int:
        """Units that can still be sold from this location."""
        free = self.on_hand - self.reserved - self.withheld
        return free if free > 0 else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product and its levels, sorted by location; its figures are the sums over them."""

    sku: str
    name: str
    low_stock_threshold: int | None
    levels: tuple[StockLevel, ...]
    updated_at: datetime

    @property
    def on_hand(self) -> int:
        """Units physically present."""
        return sum(level.on_hand for level in self.levels)

    @property
    def reserved(self) -> int:
        """Units that open orders reserve."""
        return sum(level.reserved for level in self.levels)

    @property
    def available(self) -> int:
        """Units that can still be sold."""
        return sum(level.available for level in self.levels)

    @property
    def unsellable(self) -> int:
        """Units that nobody has reserved, and that are not sold."""
        return self.on_hand - self.reserved - self.available

    @property
    def version(self) -> int:
        """The sum of the levels' versions: it grows with every change of stock."""
        return sum(level.version for level in self.levels)

    @property
    def revision(self) -> str:
        """A text that differs after any change of the product: its version, and the microsecond of its last change.

        The version counts changes of stock; a new name or threshold changes the time alone.
        """
        return f"{self.version}-{self.updated_at.timestamp() * 1_000_000:.0f}"

    def level(self, location: str) -> StockLevel | None:
        """Return the level at a location, if there is one."""
        return next((level for level in self.levels if level.location == location), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMovement:
    """A row that is about to be written to the ledger; its deltas are never both zero.

    `act_id` names the shipment or transfer that the row belongs to, if any.
    """

    sku: str
    location: str
    kind: MovementKind
    on_hand_delta: int
    reserved_delta: int
    order_id: UUID | None = None
    line_no: int | None = None
    reason: str | None = None
    reference: str | None = None
    act_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A row of the ledger as it was written: `id` grows with time within one database."""

    id: int
    movement: NewMovement
    actor: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFilter:
    """Which products to list: all, or only those at or below their low-stock threshold."""

    low_stock: bool = False
