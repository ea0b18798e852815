"""What an audit compares: counters, ledger and open orders must agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
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
# Orders that somebody has to come back to, and for what; those of other statuses wait for nobody.
WAITS_FOR: Mapping[OrderStatus, str] = MappingProxyType({OrderStatus.QUEUED: "place", OrderStatus.HELD: "confirm"})


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
class Waiting:
    """How an order is found by those who place and expire: for what it waits, a value of WAITS_FOR, and until when."""

    waits_for: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBalance:
    """One order: units per line (line_no to quantity), what it holds by its ledger rows, and how it waits.

    `status` is None where ledger rows or what waits name an order that is not there.
    """

    order_id: UUID
    status: OrderStatus | None
    quantities: dict[int, int]
    holdings: Sequence[Holding]
    hold_until: datetime | None = None
    waiting: Waiting | None = None


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
    """Compare what an order holds by its ledger rows, and how it waits, with what its status and lines imply.

    None when they agree.
    """
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
        return _audit_waiting(balance)
    return Discrepancy(
        subject=f"order {balance.order_id}",
        detail=f"{balance.status}: its lines are {balance.quantities}, "
        f"its ledger rows reserve {reserved} and shipped {shipped}",
    )


def _audit_waiting(balance: OrderBalance) -> Discrepancy | None:
    """Compare how an order waits with its status: one that nobody looks for would hold its stock for ever."""
    waiting = balance.waiting
    found = None if waiting is None else waiting.waits_for
    expected = None if balance.status is None else WAITS_FOR.get(balance.status)
    if found != expected:
        detail = f"among what waits it should be {_named(expected)}, and is {_named(found)}"
    elif waiting is not None and balance.status is OrderStatus.HELD and waiting.due_at != balance.hold_until:
        detail = f"it is held until {balance.hold_until}, and is due at {waiting.due_at}"
    else:
        return None
    return Discrepancy(subject=f"order {balance.order_id}", detail=f"{balance.status}: {detail}")


def _named(waits_for: str | None) -> str:
    return "missing" if waits_for is None else f"there to {waits_for}"
