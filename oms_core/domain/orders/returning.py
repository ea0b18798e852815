"""The decision that units of an order came back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from oms_core.domain.callers import Caller
from oms_core.domain.events import EventType, NewEvent
from oms_core.domain.limits import ORDER_RETURNS_MAX
from oms_core.domain.orders.following import following
from oms_core.domain.orders.order import Holding, Order
from oms_core.domain.orders.order_changes import (
    OrderChange,
    check_room,
    check_version,
    invalid_transition,
    order_movement,
)
from oms_core.domain.orders.parts import Wanted, wanted_parts
from oms_core.domain.orders.returns import Disposition, Return, ReturnedLine, ReturnLine, return_id
from oms_core.domain.orders.shipments import Standing
from oms_core.domain.orders.statuses import RETURNABLE, allowed_moves
from oms_core.domain.return_commands import CreateReturn
from oms_core.domain.stock.locations import Location, LocationKind
from oms_core.domain.stock.products import MovementKind
from oms_core.domain.validation import one_finding
from oms_core.errors import OmsError

Places = Mapping[str, Location]


@dataclass(frozen=True, slots=True)
class _Taken:
    """Units of a holding that come back, what becomes of them, and where they go (None: on no shelf)."""

    holding: Holding
    units: int
    disposition: Disposition
    location: str | None


def decide_return(
    order: Order, standing: Standing, command: CreateReturn, caller: Caller, places: Places
) -> OrderChange:
    """Decide that units came back; `places` are the locations that are known, by name.

    Raise `version_mismatch`, `invalid_transition`, `exceeds_shipped`, `location_required`, `return_limit`,
    `stock_limit`, or `validation_error` for a line that the order does not have, or a location that cannot take it.
    """
    check_version(order, command.if_version)
    if order.status not in RETURNABLE:
        raise invalid_transition(order, "has nothing to return", allowed_moves(order.status, caller))
    if command.lines is None:
        return return_all(order, standing, reference=command.reference, reason=command.reason)
    taken = _taken(order, standing.holdings, command.lines, places)
    return _change(order, standing, taken, reference=command.reference, reason=command.reason)


def return_all(
    order: Order, standing: Standing, *, reference: str | None = None, reason: str | None = None
) -> OrderChange:
    """Return what is written when all that is out comes back to where it was shipped from.

    Raise `exceeds_shipped` where nothing is out, `return_limit` or `stock_limit`.
    """
    taken = [
        _Taken(holding, holding.shipped - holding.returned, Disposition.RESTOCK, holding.location)
        for holding in standing.holdings
        if holding.shipped > holding.returned
    ]
    if not taken:
        raise _exceeds_shipped([], standing.holdings)
    return _change(order, standing, taken, reference=reference, reason=reason)


def return_not_found(return_no: int | str) -> OmsError:
    """Return the error for a return that an order does not have."""
    return OmsError("return_not_found", f"the order has no return {return_no!a}")


def _change(
    order: Order, standing: Standing, taken: Sequence[_Taken], *, reference: str | None, reason: str | None
) -> OrderChange:
    number = standing.next_return_no
    if number > ORDER_RETURNS_MAX:
        detail = f"an order has at most {ORDER_RETURNS_MAX} returns"
        raise OmsError("return_limit", detail, data={"returns_max": ORDER_RETURNS_MAX})
    made = Return(
        id=return_id(order.id, number),
        order_id=order.id,
        return_no=number,
        lines=tuple(_returned_line(each) for each in taken),
        reference=reference,
        reason=reason,
        created_at=standing.at,
    )
    movements = tuple(
        order_movement(
            order,
            each.holding,
            MovementKind.RETURN,
            at=each.location,
            on_hand=each.units,
            reason=reason,
            act_id=made.id,
        )
        for each in taken
        if each.location is not None
    )
    check_room(movements, standing.counts)
    return following(
        order,
        standing,
        movements=movements,
        returns=(made,),
        events=[_event(order, made)],
        reason=reason,
        act_no=number,
    )


def _taken(order: Order, holdings: Sequence[Holding], lines: Sequence[ReturnLine], places: Places) -> list[_Taken]:
    """Return what comes back of which holding: first of those where it goes to, then by location."""
    out = {(each.line_no, each.location): each.shipped - each.returned for each in holdings}
    taken, short = [], []
    for index, (line, wanted) in enumerate(zip(lines, wanted_parts(order, lines), strict=True)):
        goes_to = _goes_to(index, line, places)
        open_units = line.quantity
        for holding in _origins(wanted, holdings, goes_to):
            units = min(open_units, out[holding.line_no, holding.location])
            if units > 0:
                out[holding.line_no, holding.location] -= units
                open_units -= units
                is_restocked = line.disposition is Disposition.RESTOCK
                location = holding.location if is_restocked and goes_to is None else goes_to
                taken.append(_Taken(holding, units, line.disposition, location))
        if open_units:
            short.append(wanted)
    if short:
        raise _exceeds_shipped(short, holdings)
    return taken


def _origins(wanted: Wanted, holdings: Sequence[Holding], goes_to: str | None) -> Iterator[Holding]:
    for line_no in wanted.line_nos:
        of_line = (each for each in holdings if each.line_no == line_no)
        yield from sorted(of_line, key=lambda each: (each.location != goes_to, each.location))


def _goes_to(index: int, line: ReturnLine, places: Places) -> str | None:
    """Return where units go; None for nowhere, or for where they were shipped from."""
    pointer = f"/lines/{index}/location"
    if line.location is not None and line.location not in places:
        raise one_finding(pointer, "unknown_location", f"{line.location} is no location that is known")
    if line.disposition is not Disposition.QUARANTINE:
        return line.location
    if line.location is None:
        return _quarantine(places)
    if places[line.location].sells:
        raise one_finding(pointer, "sells", f"{line.location} sells: what is in quarantine must not be sold")
    return line.location


def _quarantine(places: Places) -> str:
    found = sorted(name for name, place in places.items() if place.kind is LocationKind.QUARANTINE)
    if len(found) != 1:
        told = f"there are {', '.join(found)}" if found else "there is none yet"
        detail = f"say where the quarantine is: of locations of that kind {told}"
        raise OmsError("location_required", detail, data={"locations": found})
    return found[0]


def _returned_line(taken: _Taken) -> ReturnedLine:
    return ReturnedLine(
        line_no=taken.holding.line_no,
        sku=taken.holding.sku,
        quantity=taken.units,
        disposition=taken.disposition,
        shipped_from=taken.holding.location,
        location=taken.location,
    )


def _event(order: Order, made: Return) -> NewEvent:
    lines = [
        {
            "line_no": line.line_no,
            "sku": line.sku,
            "quantity": line.quantity,
            "disposition": line.disposition.value,
            "location": line.location,
        }
        for line in made.lines
    ]
    data = {"return_no": made.return_no, "lines": lines, "reference": made.reference, "reason": made.reason}
    return NewEvent(type=EventType.RETURN_CREATED, order_id=order.id, order_version=order.version + 1, data=data)


def _exceeds_shipped(short: Sequence[Wanted], holdings: Sequence[Holding]) -> OmsError:
    lines = []
    for each in short:
        of_lines = [holding for holding in holdings if holding.line_no in each.line_nos]
        shipped, returned = sum(held.shipped for held in of_lines), sum(held.returned for held in of_lines)
        figures = {"requested": each.quantity, "shipped": shipped, "returned": returned}
        lines.append({"line_no": each.line_no, "sku": each.sku, **figures})
    told = ", ".join(
        f"{each['requested']} {each['sku']} of {each['shipped']} shipped, {each['returned']} returned"
        for each in lines[:5]
    )
    detail = f"more than is still out: {told}" if lines else "nothing of the order is still out"
    return OmsError("exceeds_shipped", detail, data={"lines": lines})
