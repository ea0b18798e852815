"""What callers may ask for of shipments: every value is checked, and all that is wrong is told at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from oms_core import CancelShipment, CreateShipment, OmsError, UpdateShipment
from oms_core.domain.orders.shipments import ShipmentLine, ShipmentStatus, Tracking

ORDER_ID = UUID(int=1)
LINE = ShipmentLine(line_no=1, quantity=1)
OF_EVERY_ACT = [
    ({"order_id": "x"}, "/order_id"),
    ({"if_version": True}, "/if_version"),
    ({"if_version": -1}, "/if_version"),
]
KEYS = [({"idempotency_key": key}, "/idempotency_key") for key in ("", "x" * 256, " K", 1)]
TRACKING = [
    ({"carrier": ""}, "/carrier"),
    ({"carrier": "x" * 65}, "/carrier"),
    ({"carrier": "a\x1bb"}, "/carrier"),
    ({"carrier": 1}, "/carrier"),
    ({"tracking_number": "x" * 129}, "/tracking_number"),
    ({"tracking_number": "1Z "}, "/tracking_number"),
    ({"tracking_number": "1\u200bZ"}, "/tracking_number"),
    ({"tracking_url": "javascript:alert(1)"}, "/tracking_url"),
    ({"tracking_url": "dhl.example/1Z"}, "/tracking_url"),
    ({"tracking_url": "https://a b"}, "/tracking_url"),
    ({"tracking_url": "https://" + "x" * 2_041}, "/tracking_url"),
    ({"tracking_url": 1}, "/tracking_url"),
]


def pointers(command: type, **given: Any) -> list[str]:
    """Give where the findings are of a command that is refused."""
    with pytest.raises(OmsError) as caught:
        command(**given)
    assert caught.value.code == "validation_error"
    return [found.pointer for found in caught.value.errors]


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        *(*OF_EVERY_ACT, *KEYS, *TRACKING),
        ({"location": ""}, "/location"),
        ({"location": "x" * 65}, "/location"),
        ({"reference": "x" * 256}, "/reference"),
        ({"lines": ()}, "/lines"),
        ({"lines": (LINE,) * 2_001}, "/lines"),
        ({"lines": "A:1"}, "/lines"),
        ({"lines": LINE}, "/lines"),
        ({"lines": ["A"]}, "/lines/0"),
        ({"lines": [LINE, LINE]}, "/lines/1"),
        ({"lines": [ShipmentLine(quantity=1)]}, "/lines/0"),
        ({"lines": [ShipmentLine(quantity=1, line_no=1, sku="A")]}, "/lines/0"),
        ({"lines": [LINE, ShipmentLine(quantity=0, line_no=2)]}, "/lines/1/quantity"),
        ({"lines": [ShipmentLine(quantity=1_000_001, line_no=1)]}, "/lines/0/quantity"),
        ({"lines": [ShipmentLine(quantity=True, line_no=1)]}, "/lines/0/quantity"),
        ({"lines": [ShipmentLine(quantity=1, line_no=0)]}, "/lines/0/line_no"),
        ({"lines": [ShipmentLine(quantity=1, line_no=2_001)]}, "/lines/0/line_no"),
        ({"lines": [ShipmentLine(quantity=1, sku="")]}, "/lines/0/sku"),
    ],
)
def test_a_wrong_shipment_is_refused(given: dict[str, Any], pointer: str) -> None:
    assert pointers(CreateShipment, **{"order_id": ORDER_ID, **given}) == [pointer]


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        *(*OF_EVERY_ACT, *TRACKING),
        ({"shipment_no": 0}, "/shipment_no"),
        ({"shipment_no": True}, "/shipment_no"),
        ({"shipment_no": "1"}, "/shipment_no"),
        ({"status": ShipmentStatus.CANCELLED}, "/status"),
        ({"status": "lost"}, "/status"),
        ({"status": "delivered"}, "/status"),
    ],
)
def test_a_wrong_update_is_refused(given: dict[str, Any], pointer: str) -> None:
    wanted = {"order_id": ORDER_ID, "shipment_no": 1, "status": ShipmentStatus.DELIVERED, **given}
    assert pointers(UpdateShipment, **wanted) == [pointer]


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        *(*OF_EVERY_ACT, *KEYS),
        ({"shipment_no": 0}, "/shipment_no"),
        ({"reason": ""}, "/reason"),
        ({"reason": "x" * 501}, "/reason"),
    ],
)
def test_a_wrong_cancellation_is_refused(given: dict[str, Any], pointer: str) -> None:
    assert pointers(CancelShipment, **{"order_id": ORDER_ID, "shipment_no": 1, **given}) == [pointer]


def test_an_update_says_something() -> None:
    assert pointers(UpdateShipment, order_id=ORDER_ID, shipment_no=1) == [""]
    cleared = UpdateShipment(order_id=ORDER_ID, shipment_no=1, carrier=None)
    assert cleared.tracking(Tracking(carrier="DHL", tracking_number="1Z")) == Tracking(tracking_number="1Z")


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = pointers(CreateShipment, order_id=ORDER_ID, location="", carrier="", tracking_url="x", lines=())
    assert found == ["/location", "/lines", "/carrier", "/tracking_url"]


def test_the_lines_of_a_shipment_do_not_change_with_the_callers_list() -> None:
    lines = [LINE]
    command = CreateShipment(order_id=ORDER_ID, lines=lines)
    lines.clear()
    assert command.lines == (LINE,)
