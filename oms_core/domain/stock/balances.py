"""What an audit compares: counters, ledger and open orders must agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from oms_core.domain.orders.order import Holding
from oms_core.domain.orders.statuses import OPEN, OrderStatus

Key = TypeVar("Key")
Balance = TypeVar("Balance")

# Orders of all of whose lines the ledger rows reserve every unit; those of others reserve none.
RESERVING = OPEN
# Orders of all of whose lines the ledger rows have taken every unit from the stock; those of others have taken none.
TAKING = frozenset({OrderStatus.SHIPPED, OrderStatus.DELIVERED})


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelBalance:
    """One level: its counters, and what the ledger's rows sum to."""

    sku: str
    location: str
    on_hand: int
    reserved: int
    ledger_on_hand: int
    ledger_reserved: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBalance:
    """One order: units per line (line_no to quantity), and what it holds by its ledger rows.

    `status` is None where ledger rows name an order that is not there.
    """

    order_id: UUID
    status: OrderStatus | None
    quantities: dict[int, int]
    holdings: Sequence[Holding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared(Generic[Key, Balance]):
    """A page of an audit: how many balances were compared, and which of them have to be looked at.

    `suspects` are in order. Whatever disagrees is among them; so may be others. The next page begins after `last`, and
    there is none when that is None.
    """

    count: int
    suspects: list[Balance]
    last: Key | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """Something that does not agree: `subject` names the level or order, `detail` gives the figures."""

    subject: str
    detail: str


def audit_level(balance: LevelBalance) -> Discrepancy | None:
    """Compare a level's counters with its ledger, and both with their bounds. None when they agree."""
    subject = f"{balance.sku} {balance.location}"
    if (balance.on_hand, balance.reserved) != (balance.ledger_on_hand, balance.ledger_reserved):
        return Discrepancy(
            subject=subject,
            detail=f"on_hand {balance.on_hand}, reserved {balance.reserved}; "
            f"the ledger sums to {balance.ledger_on_hand} and {balance.ledger_reserved}",
        )
    if not 0 <= balance.reserved <= balance.on_hand:
        return Discrepancy(subject=subject, detail=f"oversold: on_hand {balance.on_hand}, reserved {balance.reserved}")
    return None


def audit_order(balance: OrderBalance) -> Discrepancy | None:
    """Compare what an order holds by its ledger rows with what its status and lines imply. None when they agree."""
    if balance.status is None:
        detail = f"it is not there, and ledger rows of {len(balance.holdings)} lines and locations are"
        return Discrepancy(subject=f"order {balance.order_id}", detail=detail)
    expects_reserved = balance.status in RESERVING
    expects_shipped = balance.status in TAKING
    reserved = dict.fromkeys(balance.quantities, 0)
    shipped = dict.fromkeys(balance.quantities, 0)
    for holding in balance.holdings:
        reserved[holding.line_no] = reserved.get(holding.line_no, 0) + holding.reserved
        shipped[holding.line_no] = shipped.get(holding.line_no, 0) + holding.shipped
    nothing = dict.fromkeys(balance.quantities, 0)
    if reserved == (balance.quantities if expects_reserved else nothing) and shipped == (
        balance.quantities if expects_shipped else nothing
    ):
        return None
    return Discrepancy(
        subject=f"order {balance.order_id}",
        detail=f"{balance.status}: its lines are {balance.quantities}, "
        f"its ledger rows reserve {reserved} and shipped {shipped}",
    )
