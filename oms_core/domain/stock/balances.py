"""What an audit compares: counters, ledger and open orders must agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Generic, TypeVar
from uuid import UUID

from oms_core.domain.orders.following import are_delivered, status_of
from oms_core.domain.orders.order import Holding
from oms_core.domain.orders.shipments import ShipmentStatus
from oms_core.domain.orders.statuses import OPEN, TAKING, OrderStatus

Key = TypeVar("Key")
Balance = TypeVar("Balance")

# Orders every unit of which is reserved or was shipped, by the ledger rows; of those of others none is, or was.
COVERED = OPEN | TAKING
# Orders that somebody has to come back to, and for what; those of other statuses wait for nobody.
WAITS_FOR: Mapping[OrderStatus, str] = MappingProxyType({OrderStatus.QUEUED: "place", OrderStatus.HELD: "confirm"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelBalance:
    """One level: its counters, what the ledger's rows sum to, and whether it withholds what its location and its safety
    stock ask for (`withheld_due`).
    """

    sku: str
    location: str
    on_hand: int
    reserved: int
    ledger_on_hand: int
    ledger_reserved: int
    withheld: int = 0
    withheld_due: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How an order is found by those who place and expire: for what it waits, a value of WAITS_FOR, and until when."""

    waits_for: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentBalance:
    """A shipment, and the units that are shipped by the ledger rows of its act.

    Number and status are None where such rows name a shipment that is not there.
    """

    shipment_no: int | None
    status: ShipmentStatus | None
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnBalance:
    """What a return brought to a location: the units of its lines, and those of the ledger rows of its act.

    The number is None where such rows name a return that is not there.
    """

    return_no: int | None
    line_no: int
    location: str
    units: int
    moved: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBalance:
    """One order: units per line (line_no to quantity), what it holds, its shipments, its returns, how it waits.

    `status` is None where ledger rows or what waits name an order that is not there.
    """

    order_id: UUID
    status: OrderStatus | None
    quantities: dict[int, int]
    holdings: Sequence[Holding]
    hold_until: datetime | None = None
    waiting: Waiting | None = None
    shipments: Sequence[ShipmentBalance] = ()
    returns: Sequence[ReturnBalance] = ()


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
    """Compare a level's counters with its ledger, both with their bounds, and what it does not sell with its location.

    None when they agree.
    """
    subject = f"{balance.sku} {balance.location}"
    if (balance.on_hand, balance.reserved) != (balance.ledger_on_hand, balance.ledger_reserved):
        return Discrepancy(
            subject=subject,
            detail=f"on_hand {balance.on_hand}, reserved {balance.reserved}; "
            f"the ledger sums to {balance.ledger_on_hand} and {balance.ledger_reserved}",
        )
    if not 0 <= balance.reserved <= balance.on_hand:
        return Discrepancy(subject=subject, detail=f"oversold: on_hand {balance.on_hand}, reserved {balance.reserved}")
    if balance.withheld != balance.withheld_due:
        return Discrepancy(
            subject=subject,
            detail=f"{balance.withheld} units are withheld from sale, {balance.withheld_due} should be; "
            f"set the location again (`oms locations set {balance.location}`)",
        )
    return None


def audit_order(balance: OrderBalance) -> Discrepancy | None:
    """Compare what an order holds, its shipments, its returns, and how it waits, with its status and its lines.

    None when they agree.
    """
    subject = f"order {balance.order_id}"
    if balance.status is None:
        detail = f"it is not there, and ledger rows of {len(balance.holdings)} lines and locations are"
        return Discrepancy(subject=subject, detail=detail)
    wrong = _wrong_units(balance) or _wrong_shipment(balance) or _wrong_return(balance) or _wrong_waiting(balance)
    return Discrepancy(subject=subject, detail=f"{balance.status}: {wrong}") if wrong else None


def _wrong_units(balance: OrderBalance) -> str | None:
    """Say what is wrong with the units of lines: each is reserved or shipped, and what came back was shipped before."""
    reserved, shipped, returned = (dict.fromkeys(balance.quantities, 0) for _ in range(3))
    for holding in balance.holdings:
        for sums, units in ((reserved, holding.reserved), (shipped, holding.shipped), (returned, holding.returned)):
            sums[holding.line_no] = sums.get(holding.line_no, 0) + units
    is_covered = balance.status in COVERED
    agree = all(
        line_no in balance.quantities
        and (balance.quantities[line_no] if is_covered else 0) == reserved[line_no] + shipped[line_no]
        and reserved[line_no] >= 0
        and 0 <= returned[line_no] <= shipped[line_no]
        for line_no in reserved
    )
    if agree and _follows(balance, sum(reserved.values()), sum(shipped.values()), sum(returned.values())):
        return None
    return (
        f"its lines are {balance.quantities}, its ledger rows reserve {reserved}, shipped {shipped} "
        f"and returned {returned}; its shipments are {[str(each.status) for each in balance.shipments]}"
    )


def _follows(balance: OrderBalance, reserved: int, shipped: int, returned: int) -> bool:
    """Return whether a status is the one that follows from the sums."""
    if balance.status not in TAKING:
        return shipped == 0
    # An order that was shipped by a release without shipments is delivered if its status says so.
    told = [each.status for each in balance.shipments if each.status is not None]
    is_delivered = are_delivered(told) if told else balance.status is OrderStatus.DELIVERED
    return balance.status is status_of(reserved, shipped, returned, is_delivered=is_delivered)


def _wrong_shipment(balance: OrderBalance) -> str | None:
    """Say which shipment is wrong: a cancelled one takes nothing, any other takes something."""
    for each in balance.shipments:
        if each.shipment_no is None:
            return f"ledger rows shipped {each.units} in a shipment that is not there"
        if (each.status is ShipmentStatus.CANCELLED) != (each.units == 0):
            return f"shipment {each.shipment_no} is {each.status}, and its ledger rows shipped {each.units}"
    return None


def _wrong_return(balance: OrderBalance) -> str | None:
    """Say which return is wrong: the ledger brings to each location what its lines say."""
    for each in balance.returns:
        if each.return_no is None:
            return f"ledger rows returned {each.moved} in a return that is not there"
        if each.units != each.moved:
            told = f"line {each.line_no} of return {each.return_no} brings {each.units} to {each.location}"
            return f"{told}, and its ledger rows {each.moved}"
    return None


def _wrong_waiting(balance: OrderBalance) -> str | None:
    """Say what is wrong with how an order waits: one that nobody looks for would hold its stock for ever."""
    waiting = balance.waiting
    found = None if waiting is None else waiting.waits_for
    expected = None if balance.status is None else WAITS_FOR.get(balance.status)
    if found != expected:
        return f"among what waits it should be {_named(expected)}, and is {_named(found)}"
    if waiting is not None and balance.status is OrderStatus.HELD and waiting.due_at != balance.hold_until:
        return f"it is held until {balance.hold_until}, and is due at {waiting.due_at}"
    return None


def _named(waits_for: str | None) -> str:
    return "missing" if waits_for is None else f"there to {waits_for}"
