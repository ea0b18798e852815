"""The decisions on shipments that are there: how they travel, that they arrived, and taking them back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from oms_core import ChangeOrderStatus, OrderStatus
from oms_core.domain.limits import COUNT_MAX
from oms_core.domain.orders.order_changes import OrderChange
from oms_core.domain.orders.shipment_changes import decide_shipment_cancellation, decide_shipment_update
from oms_core.domain.orders.shipments import ShipmentStatus, Standing, shipment_id
from oms_core.domain.orders.status_changes import decide_status_change
from oms_core.domain.shipment_commands import CancelShipment, UpdateShipment
from tests.core.orders.shipping_fixtures import (
    CLERK,
    NOW,
    ORDER_ID,
    PLACED_AT,
    holding,
    order,
    refusal,
    rows,
    shipment,
    standing,
    types,
)

S = ShipmentStatus
SHIPPED = (holding(1, shipped=5), holding(2, shipped=2), holding(3, shipped=4))
WHOLE = shipment(1, S.SHIPPED, (1, 5), (2, 2), (3, 4))
STANDS = standing(SHIPPED, WHOLE)


def update(stands: Standing, *, of: OrderStatus = OrderStatus.SHIPPED, **given: Any) -> OrderChange | None:
    command = UpdateShipment(**{"order_id": ORDER_ID, "shipment_no": 1, **given})
    return decide_shipment_update(order(of), stands, command)


def changed(stands: Standing, **given: Any) -> OrderChange:
    change = update(stands, **given)
    assert change is not None
    return change


def take_back(stands: Standing, status: OrderStatus = OrderStatus.SHIPPED, **given: Any) -> OrderChange | None:
    command = CancelShipment(**{"order_id": ORDER_ID, "shipment_no": 1, **given})
    return decide_shipment_cancellation(order(status), stands, command)


def taken_back(stands: Standing, status: OrderStatus = OrderStatus.SHIPPED, **given: Any) -> OrderChange:
    change = take_back(stands, status, **given)
    assert change is not None
    return change


def move(stands: Standing, source: OrderStatus, target: OrderStatus) -> OrderChange:
    command = ChangeOrderStatus(order_id=ORDER_ID, status=target, reason="because")
    change = decide_status_change(order(source), stands, command, CLERK)
    assert change is not None
    return change


def test_the_last_delivery_delivers_the_order() -> None:
    change = changed(STANDS, status=S.DELIVERED)
    assert (change.status, change.movements) == (OrderStatus.DELIVERED, ())
    assert (change.shipments[0].status, change.shipments[0].delivered_at) == (S.DELIVERED, NOW)
    assert types(change) == ["shipment.delivered", "order.delivered"]
    first = changed(standing(SHIPPED, WHOLE, shipment(2, S.SHIPPED, (3, 1))), status=S.DELIVERED)
    assert (first.status, types(first)) == (OrderStatus.SHIPPED, ["shipment.delivered"])


def test_a_cancelled_shipment_keeps_no_order_from_being_delivered() -> None:
    stands = standing(SHIPPED, WHOLE, shipment(2, S.CANCELLED, (1, 1)))
    assert changed(stands, status=S.DELIVERED).status is OrderStatus.DELIVERED


def test_an_update_says_what_is_new_and_nothing_where_nothing_is() -> None:
    stands = standing(SHIPPED, replace(WHOLE, carrier="DHL", tracking_number="1Z"))
    assert update(stands, carrier="DHL") is None
    assert update(stands, status=S.SHIPPED, if_version=1) is None
    change = changed(stands, carrier=None, tracking_url="https://a.example/1Z")
    (after,) = change.shipments
    assert (after.carrier, after.tracking_number, after.created_at, after.updated_at) == (None, "1Z", PLACED_AT, NOW)
    assert [(event.type.value, event.data) for event in change.events] == [
        (
            "shipment.updated",
            {"shipment_no": 1, "carrier": None, "tracking_number": "1Z", "tracking_url": "https://a.example/1Z"},
        )
    ]


def test_a_delivery_may_tell_how_it_travelled_too() -> None:
    change = changed(STANDS, status=S.DELIVERED, carrier="DHL")
    assert types(change) == ["shipment.updated", "shipment.delivered", "order.delivered"]
    known = standing(SHIPPED, shipment(1, S.DELIVERED, (1, 5), (2, 2), (3, 4)))
    later = changed(known, of=OrderStatus.DELIVERED, carrier="DHL")
    assert (types(later), later.shipments[0].delivered_at) == (["shipment.updated"], PLACED_AT)


def test_a_shipment_that_is_taken_back_returns_its_units_to_where_they_were() -> None:
    parts = standing(SHIPPED, shipment(1, S.SHIPPED, (1, 5)), shipment(2, S.SHIPPED, (2, 2), (3, 4)))
    change = taken_back(parts, reason="broken")
    assert rows(change) == [("unship", 1, "main", 5, 5)]
    assert [(row.act_id, row.reason) for row in change.movements] == [(shipment_id(ORDER_ID, 1), "broken")]
    assert (change.status, types(change)) == (
        OrderStatus.PARTLY_SHIPPED,
        ["shipment.cancelled", "order.partly_shipped"],
    )
    assert (change.shipments[0].status, change.shipments[0].updated_at) == (S.CANCELLED, NOW)
    assert change.events[0].data == {
        **{"shipment_no": 1, "location": "main", "reason": "broken"},
        "lines": [{"line_no": 1, "sku": "A", "quantity": 5}],
    }
    assert taken_back(STANDS).status is OrderStatus.PROCESSING


def test_what_was_taken_back_stays_so() -> None:
    back = standing([holding(1, reserved=5)], shipment(1, S.CANCELLED, (1, 5)))
    assert take_back(back, OrderStatus.PROCESSING, if_version=1) is None
    for given in ({"carrier": "DHL"}, {"status": S.DELIVERED}, {"status": S.SHIPPED}):
        error = refusal(lambda: update(back, of=OrderStatus.PROCESSING, **given))  # noqa: B023  At once.
        assert error.code == "shipment_cancelled"


def test_what_was_delivered_is_neither_taken_back_nor_on_its_way() -> None:
    stands = standing(SHIPPED, shipment(1, S.DELIVERED, (1, 5), (2, 2), (3, 4)))
    assert refusal(lambda: take_back(stands, OrderStatus.DELIVERED)).code == "shipment_delivered"
    assert refusal(lambda: update(stands, status=S.SHIPPED)).code == "shipment_delivered"


@pytest.mark.parametrize(("returned", "is_refused"), [(1, False), (2, True), (5, True)])
def test_units_that_have_come_back_must_have_been_shipped_from_there(returned: int, is_refused: bool) -> None:
    holdings = [holding(1, shipped=5, returned=returned), holding(1, "north", shipped=3)]
    stands = standing(holdings, shipment(1, S.SHIPPED, (1, 4)), shipment(2, S.SHIPPED, (1, 1)))
    if not is_refused:
        assert rows(taken_back(stands)) == [("unship", 1, "main", 4, 4)]
        return
    error = refusal(lambda: take_back(stands))
    assert (error.code, error.data) == (
        "shipment_returned",
        {"lines": [{"line_no": 1, "shipped": 5, "returned": returned}]},
    )


@pytest.mark.parametrize(("on_hand", "is_refused"), [(COUNT_MAX - 9, False), (COUNT_MAX - 8, True)])
def test_a_count_stays_within_its_bound_over_all_lines_of_a_product(on_hand: int, is_refused: bool) -> None:
    stands = replace(standing(SHIPPED, WHOLE), counts={("A", "main"): on_hand})
    if not is_refused:
        assert len(taken_back(stands).movements) == 3
        return
    figures = {"sku": "A", "location": "main", "on_hand": COUNT_MAX + 1, "on_hand_max": COUNT_MAX}
    for act in (lambda: take_back(stands), lambda: move(stands, OrderStatus.SHIPPED, OrderStatus.RETURNED)):
        error = refusal(act)
        assert (error.code, error.data) == ("stock_limit", figures)


def test_a_shipment_that_is_not_there_is_not_found_whatever_the_version() -> None:
    assert refusal(lambda: update(STANDS, shipment_no=2, carrier="x", if_version=1)).code == "shipment_not_found"
    assert refusal(lambda: take_back(STANDS, shipment_no=2, if_version=1)).code == "shipment_not_found"


def test_a_stale_version_is_refused() -> None:
    for act in (lambda: take_back(STANDS, if_version=2), lambda: update(STANDS, carrier="x", if_version=2)):
        error = refusal(act)
        assert (error.code, error.data) == ("version_mismatch", {"version": 3})


def test_setting_shipped_makes_a_shipment_for_each_location() -> None:
    stands = standing([holding(1, "north", reserved=2), holding(1, reserved=3), holding(2, reserved=2)])
    change = move(stands, OrderStatus.PENDING, OrderStatus.SHIPPED)
    assert [(each.shipment_no, each.location) for each in change.shipments] == [(1, "main"), (2, "north")]
    assert types(change) == ["shipment.created", "shipment.created", "order.shipped"]
    assert {row.reason for row in change.movements} == {"because"}
    assert [row.act_id for row in change.movements] == [shipment_id(ORDER_ID, number) for number in (1, 1, 2)]


def test_setting_delivered_delivers_what_is_on_its_way() -> None:
    stands = standing(
        SHIPPED, shipment(1, S.DELIVERED, (1, 5)), shipment(2, S.CANCELLED, (2, 2)), shipment(3, S.SHIPPED, (2, 2))
    )
    change = move(stands, OrderStatus.SHIPPED, OrderStatus.DELIVERED)
    assert [(each.shipment_no, each.status) for each in change.shipments] == [(3, S.DELIVERED)]
    assert types(change) == ["shipment.delivered", "order.delivered"]


def test_an_order_of_an_earlier_release_is_delivered_without_shipments() -> None:
    change = move(standing(SHIPPED), OrderStatus.SHIPPED, OrderStatus.DELIVERED)
    assert (change.shipments, types(change)) == ((), ["order.delivered"])
