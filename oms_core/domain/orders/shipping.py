"""The decision to ship units of an order from a location."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oms_core.domain.callers import Caller
from oms_core.domain.events import EventType, NewEvent
from oms_core.domain.limits import ORDER_SHIPMENTS_MAX
from oms_core.domain.orders.following import following
from oms_core.domain.orders.order import Holding, Order
from oms_core.domain.orders.order_changes import OrderChange, check_version, invalid_transition, order_movement
from oms_core.domain.orders.parts import Wanted, wanted_parts
from oms_core.domain.orders.shipments import Shipment, ShipmentStatus, ShippedLine, Standing, Tracking, shipment_id
from oms_core.domain.orders.statuses import SHIPPABLE, allowed_moves
from oms_core.domain.shipment_commands import CreateShipment
from oms_core.domain.stock.products import MovementKind
from oms_core.errors import OmsError


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to leave one location together: units of holdings there."""

    location: str
    units: tuple[tuple[Holding, int], ...]


def decide_shipment(order: Order, standing: Standing, command: CreateShipment, caller: Caller) -> OrderChange:
    """Decide to ship units that are reserved at a location.

    Raise `version_mismatch`, `invalid_transition`, `location_required`, `not_shippable`, `exceeds_reserved`,
    `shipment_limit`, or `validation_error` for a line that the order does not have.
    """
    check_version(order, command.if_version)
    if order.status not in SHIPPABLE:
        raise invalid_transition(order, "has nothing to ship", allowed_moves(order.status, caller))
    wanted = None if command.lines is None else wanted_parts(order, command.lines)
    parcel = _parcel(standing.holdings, _location(standing, command.location, wanted), wanted)
    return ship(order, standing, [parcel], tracking=command, reference=command.reference)


def ship(
    order: Order,
    standing: Standing,
    parcels: Sequence[Parcel],
    *,
    tracking: Tracking,
    reference: str | None = None,
    reason: str | None = None,
) -> OrderChange:
    """Return what is written when parcels leave, each as a shipment. Raise `not_shippable` or `shipment_limit`."""
    _check_shippable(parcels, standing.unshippable)
    if len(standing.shipments) + len(parcels) > ORDER_SHIPMENTS_MAX:
        detail = f"an order has at most {ORDER_SHIPMENTS_MAX} shipments, cancelled ones included"
        raise OmsError("shipment_limit", detail, data={"shipments_max": ORDER_SHIPMENTS_MAX})
    shipments, movements = [], []
    for number, parcel in enumerate(parcels, start=standing.next_shipment_no):
        shipment = _new_shipment(order, standing, number, parcel, tracking=tracking, reference=reference)
        shipments.append(shipment)
        movements += [
            order_movement(
                order,
                holding,
                MovementKind.SHIP,
                on_hand=-units,
                reserved=-units,
                reason=reason,
                act_id=shipment.id,
            )
            for holding, units in parcel.units
        ]
    events = [shipment_event(order, EventType.SHIPMENT_CREATED, each, _shown_content(each)) for each in shipments]
    return following(
        order,
        standing,
        movements=tuple(movements),
        shipments=tuple(shipments),
        events=events,
        reason=reason,
        act_no=standing.next_shipment_no,
    )


def everything_reserved(holdings: Sequence[Holding]) -> list[Parcel]:
    """Return all that is reserved, a parcel for each location, by location."""
    locations = sorted({holding.location for holding in holdings if holding.reserved})
    return [_parcel(holdings, location, None) for location in locations]


def shipment_event(order: Order, kind: EventType, shipment: Shipment, data: Mapping[str, object]) -> NewEvent:
    """Return an event of a shipment, which is one of its order."""
    told = {"shipment_no": shipment.shipment_no, **data}
    return NewEvent(type=kind, order_id=order.id, order_version=order.version + 1, data=told)


def shown_tracking(shipment: Tracking) -> dict[str, object]:
    """Show how a shipment travels."""
    return {
        "carrier": shipment.carrier,
        "tracking_number": shipment.tracking_number,
        "tracking_url": shipment.tracking_url,
    }


def shown_lines(shipment: Shipment) -> list[dict[str, object]]:
    """Show what a shipment took."""
    return [{"line_no": line.line_no, "sku": line.sku, "quantity": line.quantity} for line in shipment.lines]


def _location(standing: Standing, given: str | None, wanted: Sequence[Wanted] | None) -> str:
    """Return where it is shipped from: the location given, or the only one that holds any of it and ships."""
    if given is not None:
        return given
    named = None if wanted is None else {line_no for each in wanted for line_no in each.line_nos}
    held = (each for each in standing.holdings if each.reserved and (named is None or each.line_no in named))
    places = sorted({each.location for each in held})
    shipping = [place for place in places if place not in standing.unshippable] or places[:1]
    if len(shipping) > 1:
        told = ", ".join(shipping)
        raise OmsError("location_required", f"the units are at {told}: say which ships", data={"locations": shipping})
    if not shipping:
        raise _exceeds_reserved(None, [(each, 0) for each in wanted or ()])
    return shipping[0]


def _check_shippable(parcels: Sequence[Parcel], unshippable: frozenset[str]) -> None:
    stuck = [parcel for parcel in parcels if parcel.location in unshippable]
    if stuck:
        lines = [
            {"line_no": holding.line_no, "sku": holding.sku, "location": parcel.location, "quantity": units}
            for parcel in stuck
            for holding, units in parcel.units
        ]
        detail = f"nothing is shipped from {', '.join(sorted({parcel.location for parcel in stuck}))}"
        raise OmsError("not_shippable", detail, data={"lines": lines})


def _parcel(holdings: Sequence[Holding], location: str, wanted: Sequence[Wanted] | None) -> Parcel:
    there = {each.line_no: each for each in holdings if each.location == location and each.reserved}
    left = {line_no: each.reserved for line_no, each in there.items()}
    short = []
    for each in wanted or ():
        reserved = sum(left.get(line_no, 0) for line_no in each.line_nos)
        if reserved < each.quantity:
            short.append((each, reserved))
        open_units = each.quantity
        for line_no in each.line_nos:
            taken = min(open_units, left.get(line_no, 0))
            left[line_no] = left.get(line_no, 0) - taken
            open_units -= taken
    if short or not there:
        raise _exceeds_reserved(location, short)
    units = (
        (each, each.reserved - (0 if wanted is None else left[line_no])) for line_no, each in sorted(there.items())
    )
    return Parcel(location, tuple((each, quantity) for each, quantity in units if quantity))


def _exceeds_reserved(location: str | None, short: Sequence[tuple[Wanted, int]]) -> OmsError:
    lines = [
        {"line_no": each.line_no, "sku": each.sku, "requested": each.quantity, "reserved": reserved}
        for each, reserved in short
    ]
    where = "" if location is None else f" at {location}"
    told = ", ".join(f"{each.quantity} of {reserved} {each.sku}" for each, reserved in short[:5])
    detail = f"more than is reserved{where}: {told}" if lines else f"nothing of the order is reserved{where}"
    return OmsError("exceeds_reserved", detail, data={"location": location, "lines": lines})


def _new_shipment(
    order: Order, standing: Standing, number: int, parcel: Parcel, *, tracking: Tracking, reference: str | None
) -> Shipment:
    return Shipment(
        id=shipment_id(order.id, number),
        order_id=order.id,
        shipment_no=number,
        status=ShipmentStatus.SHIPPED,
        location=parcel.location,
        lines=tuple(
            ShippedLine(line_no=holding.line_no, sku=holding.sku, quantity=units) for holding, units in parcel.units
        ),
        carrier=tracking.carrier,
        tracking_number=tracking.tracking_number,
        tracking_url=tracking.tracking_url,
        reference=reference,
        created_at=standing.at,
        updated_at=standing.at,
    )


def _shown_content(shipment: Shipment) -> dict[str, object]:
    return {
        "location": shipment.location,
        "lines": shown_lines(shipment),
        **shown_tracking(shipment),
        "reference": shipment.reference,
    }
