"""The decision that nothing is oversold: which orders are placed, and from which locations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from oms_core.domain.commands import OrderLine, PlaceOrder
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.unpromised import Allocation, Unpromised
from oms_core.domain.stamps import Stamp
from oms_core.domain.stock.products import Product
from oms_core.errors import FieldError, OmsError


class EnteredAs(StrEnum):
    """How an order was first answered: placed at once, or queued for a worker. A replay is answered in the same way."""

    PLACED = "placed"
    QUEUED = "queued"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A new order before it is written: the command, and all that is fixed so that the transaction can be repeated.

    `hold_seconds`: how long its stock is held for a confirmation; None where none is needed."""

    id: UUID
    command: PlaceOrder
    currency: str
    total: Decimal | None
    caller_name: str
    fingerprint: bytes | None
    request_id: str | None
    created_at: datetime
    hold_seconds: int | None = None

    @property
    def lines(self) -> Sequence[OrderLine]:
        """The lines of the order."""
        return self.command.lines

    @property
    def key(self) -> tuple[str, str] | None:
        """The namespace and idempotency key, if the caller gave one."""
        key = self.command.idempotency_key
        return None if key is None else (self.caller_name, key)

    @property
    def locations(self) -> Sequence[str] | None:
        """The locations that it is served from, if the caller said."""
        return self.command.locations

    @property
    def stamp(self) -> Stamp:
        """The stamp of what placing it writes."""
        return Stamp(self.caller_name, self.request_id, self.created_at)


class Demand(Protocol):
    """What the decision needs of an order: its lines, and its key unless that has been settled before."""

    @property
    def lines(self) -> Sequence[OrderLine]:
        """The lines of the order."""
        ...

    @property
    def key(self) -> tuple[str, str] | None:
        """The namespace and idempotency key."""
        ...

    @property
    def fingerprint(self) -> bytes | None:
        """The SHA-256 that tells whether another command with the same key is the same."""
        ...

    @property
    def locations(self) -> Sequence[str] | None:
        """The locations that it is served from, in this order; None for all of them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedOrder:
    """The order that was written, or changed by act `act_no` of its kind, with an idempotency key."""

    order_id: UUID
    fingerprint: bytes | None
    entered_as: EnteredAs
    act_no: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementView:
    """What the decision needs from storage: the products ordered (absent: unknown), and the keys already used."""

    products: Mapping[str, Product]
    keyed_orders: Mapping[tuple[str, str], KeyedOrder]


@dataclass(frozen=True, slots=True)
class Reserve:
    """Place the order, with exactly these allocations."""

    allocations: tuple[Allocation, ...]


@dataclass(frozen=True, slots=True)
class Enqueue:
    """Queue the order; a worker decides later whether it is placed."""


@dataclass(frozen=True, slots=True)
class Replay:
    """The same command with the same key was written before: answer with that order."""

    order_id: UUID
    entered_as: EnteredAs


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same command with the same key stands earlier in this batch, at this index."""

    index: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """The order cannot be placed with the present stock."""

    error: OmsError


Verdict = Reserve | Enqueue | Replay | Repeat | Refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The order was written now, or (`replayed`) earlier by the same command; `order` is as it is now."""

    order: Order
    replayed: bool
    entered_as: EnteredAs


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The order was not written; the error says why."""

    error: OmsError


PlacementOutcome = Placed | Refused


def decide_placement(
    placements: Sequence[Demand], view: PlacementView, location_priority: Sequence[str]
) -> list[Verdict]:
    """Return one verdict per placement, deterministically.

    Orders are decided in the order given, each all or nothing; later ones see what earlier ones have reserved. Demand
    for one SKU on several lines is summed. A line is served from locations in priority order (then by name) and may be
    split.
    """
    left = Unpromised(view.products, location_priority)
    taken: dict[tuple[str, str], int] = {}
    verdicts: list[Verdict] = []
    for index, placement in enumerate(placements):
        verdict = known_key(placement, view.keyed_orders, taken, placements) or _reserve(placement, left)
        if isinstance(verdict, Reserve) and placement.key is not None:
            taken[placement.key] = index
        verdicts.append(verdict)
    return verdicts


def known_key(
    placement: Demand,
    keyed_orders: Mapping[tuple[str, str], KeyedOrder],
    taken: Mapping[tuple[str, str], int],
    placements: Sequence[Demand],
) -> Verdict | None:
    """Return the verdict on an order whose key was used before, in the database or earlier in this batch, else None."""
    key = placement.key
    if key is None:
        return None
    if (existing := keyed_orders.get(key)) is not None:
        return _known(existing, placement)
    if (index := taken.get(key)) is not None:
        if placements[index].fingerprint == placement.fingerprint:
            return Repeat(index)
        return Refuse(_key_reused())
    return None


def _known(existing: KeyedOrder, placement: Demand) -> Verdict:
    if existing.fingerprint is None:
        return Refuse(order_archived(existing.order_id))
    if existing.fingerprint == placement.fingerprint:
        return Replay(existing.order_id, existing.entered_as)
    return Refuse(_key_reused())


def unknown_skus(lines: Sequence[OrderLine], unknown: Sequence[int]) -> OmsError:
    """Return the error that names the lines, by index, whose SKU does not exist."""
    errors = [
        FieldError(pointer=f"/lines/{index}/sku", code="unknown_sku", detail="no product has this SKU")
        for index in unknown
    ]
    names = ", ".join(sorted({lines[index].sku for index in unknown})[:5])
    return OmsError("unknown_sku", f"no product has the SKU {names}", errors=errors)


def _reserve(order: Demand, left: Unpromised) -> Verdict:
    lines, within = order.lines, order.locations
    demand: dict[str, int] = {}
    for line in lines:
        if line.quantity:  # A line that was removed while its order was queued has none.
            demand[line.sku] = demand.get(line.sku, 0) + line.quantity
    if not demand.keys() <= left.products.keys():
        unknown = [index for index, line in enumerate(lines) if line.quantity and line.sku not in left.products]
        return Refuse(unknown_skus(lines, unknown))
    short = {sku: quantity for sku, quantity in demand.items() if quantity > left.available(sku, within)}
    if short:
        return Refuse(_insufficient({sku: (units, left.available(sku, within)) for sku, units in short.items()}))
    allocations: list[Allocation] = []
    for line_no, line in enumerate(lines, start=1):
        if line.quantity:
            allocations += left.reserve(line_no, line.sku, line.quantity, within)
    return Reserve(tuple(allocations))


def order_archived(order_id: UUID) -> OmsError:
    """Return the error of a key whose order is not there any more: the command was done once, and is not done again."""
    detail = f"the order {order_id} that this key stands for was archived"
    return OmsError("order_archived", detail, data={"order_id": str(order_id)})


def _key_reused() -> OmsError:
    return OmsError("idempotency_key_reused", "this idempotency key was used for another command")


def _insufficient(short: Mapping[str, tuple[int, int]]) -> OmsError:
    shortages = [
        {"sku": sku, "requested": requested, "available": available}
        for sku, (requested, available) in sorted(short.items())
    ]
    first = shortages[0]
    more = f" (and {len(shortages) - 1} more SKUs)" if len(shortages) > 1 else ""
    return OmsError(
        "insufficient_inventory",
        f"{first['sku']}: {first['requested']} requested, {first['available']} available{more}",
        data={"shortages": shortages},
    )
