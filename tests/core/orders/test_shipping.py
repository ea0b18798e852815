"""The decision to ship: what leaves, where from, the status that follows, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from oms_core import OrderStatus
from oms_core.domain.limits import ORDER_SHIPMENTS_MAX
from oms_core.domain.orders.following import are_delivered, status_of
from oms_core.domain.orders.order_changes import OrderChange
from oms_core.domain.orders.shipments import ShipmentStatus, Standing, shipment_id
from oms_core.domain.orders.shipping import decide_shipment
from oms_core.domain.shipment_commands import CreateShipment
from tests.core.orders.shipping_fixtures import (
    ALL,
    CLERK,
    NOW,
    ORDER_ID,
    holding,
    order,
    refusal,
    rows,
    shipment,
    standing,
    types,
    units,
)

S = ShipmentStatus
TWO_PLACES = (holding(1, reserved=3), holding(1, "north", reserved=2), holding(2, "north", reserved=2))


def ship(stands: Standing, status: OrderStatus = OrderStatus.PENDING, **given: Any) -> OrderChange:
    return decide_shipment(order(status), stands, CreateShipment(order_id=ORDER_ID, **given), CLERK)


def test_all_that_is_reserved_leaves_where_nothing_is_said() -> None:
    change = ship(standing(), carrier="DHL", reference="P-1")
    assert (change.status, change.act_no) == (OrderStatus.SHIPPED, 1)
    assert rows(change) == [("ship", 1, "main", -5, -5), ("ship", 2, "main", -2, -2), ("ship", 3, "main", -4, -4)]
    (made,) = change.shipments
    assert {row.act_id for row in change.movements} == {made.id} == {shipment_id(ORDER_ID, 1)}
    assert (made.shipment_no, made.status, made.location, made.carrier, made.reference) == (
        *(1, S.SHIPPED, "main"),
        *("DHL", "P-1"),
    )
    assert made.created_at == made.updated_at == NOW
    assert types(change) == ["shipment.created", "order.shipped"]
    assert {event.order_version for event in change.events} == {4}
    assert change.events[0].data == {
        "shipment_no": 1,
        "location": "main",
        "lines": [{"line_no": line.line_no, "sku": line.sku, "quantity": line.quantity} for line in made.lines],
        **{"carrier": "DHL", "tracking_number": None, "tracking_url": None, "reference": "P-1"},
    }


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        ([(1, 2)], [(1, 2)]),
        ([("A", 6)], [(1, 5), (3, 1)]),
        ([("A", 1), (3, 4)], [(1, 1), (3, 4)]),
        ([(3, 4), ("A", 5)], [(1, 5), (3, 4)]),
        ([(2, 2), (1, 1)], [(1, 1), (2, 2)]),
    ],
)
def test_units_are_of_a_line_or_of_the_first_lines_of_a_sku(
    wanted: list[tuple[int | str, int]], taken: list[tuple[int, int]]
) -> None:
    change = ship(standing(), lines=units(*wanted))
    assert [(line.line_no, line.quantity) for line in change.shipments[0].lines] == taken
    assert change.status is OrderStatus.PARTLY_SHIPPED
    assert types(change) == ["shipment.created", "order.partly_shipped"]


@pytest.mark.parametrize(
    ("wanted", "requested", "reserved"),
    [([(1, 6)], 6, 5), ([("A", 10)], 10, 9), ([("A", 6), (3, 4)], 4, 3), ([(1, 5), ("A", 5)], 5, 4)],
)
def test_units_are_not_shipped_twice_over(wanted: list[tuple[int | str, int]], requested: int, reserved: int) -> None:
    error = refusal(lambda: ship(standing(), lines=units(*wanted)))
    assert (error.code, error.data["location"]) == ("exceeds_reserved", "main")
    assert [(line["requested"], line["reserved"]) for line in error.data["lines"]] == [(requested, reserved)]


def test_a_location_is_found_where_only_one_has_some_of_what_is_named() -> None:
    error = refusal(lambda: ship(standing(TWO_PLACES)))
    assert (error.code, error.data) == ("location_required", {"locations": ["main", "north"]})
    change = ship(standing(TWO_PLACES), lines=units((2, 1)))
    assert (change.shipments[0].location, change.status) == ("north", OrderStatus.PARTLY_SHIPPED)
    assert rows(ship(standing(TWO_PLACES), location="north")) == [
        ("ship", 1, "north", -2, -2),
        ("ship", 2, "north", -2, -2),
    ]


def test_a_line_that_has_left_is_nowhere() -> None:
    gone = standing([holding(1, shipped=5), holding(2, reserved=2)], shipment(1, S.SHIPPED, (1, 5)))
    error = refusal(lambda: ship(gone, OrderStatus.PARTLY_SHIPPED, lines=units((1, 1))))
    assert (error.code, error.data) == (
        "exceeds_reserved",
        {"location": None, "lines": [{"line_no": 1, "sku": "A", "requested": 1, "reserved": 0}]},
    )


@pytest.mark.parametrize(("line", "pointer"), [((4, 1), "/lines/1/line_no"), (("Z", 1), "/lines/1/sku")])
def test_a_line_that_the_order_does_not_have_is_named(line: tuple[int | str, int], pointer: str) -> None:
    error = refusal(lambda: ship(standing(), lines=units((1, 1), line)))
    assert [(each.pointer, each.code) for each in error.errors] == [(pointer, "unknown_line")]


@pytest.mark.parametrize("status", OrderStatus)
def test_what_is_reserved_for_good_is_shipped_and_nothing_else(status: OrderStatus) -> None:
    if status in {OrderStatus.PENDING, OrderStatus.PROCESSING, OrderStatus.PARTLY_SHIPPED}:
        assert ship(standing(), status).status is OrderStatus.SHIPPED
        return
    assert refusal(lambda: ship(standing(), status)).code == "invalid_transition"


def test_numbers_go_on_after_cancelled_ones_up_to_the_limit() -> None:
    def with_shipments(count: int) -> Standing:
        return standing(ALL, *(shipment(number, S.CANCELLED, (1, 1)) for number in range(1, count + 1)))

    change = ship(with_shipments(ORDER_SHIPMENTS_MAX - 1), OrderStatus.PROCESSING)
    assert change.shipments[0].shipment_no == change.act_no == ORDER_SHIPMENTS_MAX
    error = refusal(lambda: ship(with_shipments(ORDER_SHIPMENTS_MAX), OrderStatus.PROCESSING))
    assert (error.code, error.data) == ("shipment_limit", {"shipments_max": ORDER_SHIPMENTS_MAX})


def test_a_stale_version_is_refused_before_all_else() -> None:
    for status in (OrderStatus.PENDING, OrderStatus.CANCELLED):
        error = refusal(lambda: ship(standing(), status, if_version=2))  # noqa: B023  At once.
        assert (error.code, error.data) == ("version_mismatch", {"version": 3})


@pytest.mark.parametrize(
    ("reserved", "shipped", "returned", "is_delivered", "status"),
    [
        (5, 0, 0, False, OrderStatus.PROCESSING),
        (5, 0, 0, True, OrderStatus.PROCESSING),
        (1, 4, 0, False, OrderStatus.PARTLY_SHIPPED),
        (1, 4, 0, True, OrderStatus.PARTLY_SHIPPED),
        (1, 4, 4, True, OrderStatus.PARTLY_SHIPPED),
        (0, 5, 0, False, OrderStatus.SHIPPED),
        (0, 5, 0, True, OrderStatus.DELIVERED),
        (0, 5, 5, False, OrderStatus.RETURNED),
        (0, 5, 5, True, OrderStatus.RETURNED),
    ],
)
def test_the_status_follows_from_the_sums(
    reserved: int, shipped: int, returned: int, is_delivered: bool, status: OrderStatus
) -> None:
    assert status_of(reserved, shipped, returned, is_delivered=is_delivered) is status


@pytest.mark.parametrize(
    ("statuses", "delivered"),
    [
        ([], False),
        ([S.CANCELLED], False),
        ([S.SHIPPED], False),
        ([S.DELIVERED, S.SHIPPED], False),
        ([S.DELIVERED, S.CANCELLED, S.DELIVERED], True),
    ],
)
def test_all_are_delivered_where_every_one_that_left_is(statuses: list[ShipmentStatus], delivered: bool) -> None:
    assert are_delivered(statuses) is delivered


def test_the_event_of_the_order_has_its_statuses_and_comes_last() -> None:
    change = ship(standing(), OrderStatus.PROCESSING, lines=units((1, 1)))
    assert change.events[-1].data == {"from": "processing", "to": "partly_shipped", "reason": None}
    rest = [holding(1, reserved=4, shipped=1), *ALL[1:]]
    again = ship(standing(rest, shipment(1, S.SHIPPED, (1, 1))), OrderStatus.PARTLY_SHIPPED, lines=units((1, 1)))
    assert (types(again), again.shipments[0].shipment_no) == (["shipment.created"], 2)
