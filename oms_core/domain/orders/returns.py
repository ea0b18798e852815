"""Returns: what came back of an order, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5


class Disposition(StrEnum):
    """What becomes of units that come back. Only those of the first two are on hand again; a missing one never came."""

    RESTOCK = "restock"
    QUARANTINE = "quarantine"
    DISCARD = "discard"
    MISSING = "missing"


# Units that are on hand again.
SHELVED = frozenset({Disposition.RESTOCK, Disposition.QUARANTINE})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnLine:
    """So many units (1 to 1,000,000) that come back: of a line, or of the lines of a SKU, the first before the others.

    One of `line_no` and `sku` is given. `location` is where they go: without it, restocked units go back to where they
    were shipped from, and those in quarantine to the only location of that kind.
    """

    quantity: int
    line_no: int | None = None
    sku: str | None = None
    disposition: Disposition = Disposition.RESTOCK
    location: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedLine:
    """What came back of a line: where it had been shipped from, and where it is now (None: on no shelf)."""

    line_no: int
    sku: str
    quantity: int
    disposition: Disposition
    shipped_from: str
    location: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """A return of an order; numbers count from 1 and are not given twice. Its rows in the ledger have its `id`.

    `created_at` is aware UTC. `reference` is whatever number the sender has for it.
    """

    id: UUID
    order_id: UUID
    return_no: int
    lines: tuple[ReturnedLine, ...]
    reference: str | None
    reason: str | None
    created_at: datetime


def return_id(order_id: UUID, return_no: int) -> UUID:
    """Return the id of a return: the same whenever a decision is made again."""
    return uuid5(order_id, f"return {return_no}")
