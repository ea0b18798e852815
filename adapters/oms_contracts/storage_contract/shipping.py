"""What a storage promises of shipments: units that left one location together, followed, and taken back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from oms_contracts.storage_contract.allocating import served
from oms_contracts.storage_contract.order_races import attempt
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.shipments import Shipment, ShipmentLine, ShipmentStatus
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.shipment_commands import CancelShipment, UpdateShipment
from oms_core.errors import OmsError
from oms_core.use_cases.shipments import ShipmentChanged

NOWHERE = UUID("00000000-0000-4000-8000-000000000000")


def units(*wanted: tuple[int, int]) -> list[ShipmentLine]:
    """Return lines of a shipment from (line_no, quantity)."""
    return [ShipmentLine(line_no=line_no, quantity=quantity) for line_no, quantity in wanted]


def update(shop: Shop, order_id: UUID, shipment_no: int = 1, **given: Any) -> ShipmentChanged:
    """Run `Shipments.update` with the fields of UpdateShipment."""
    command = UpdateShipment(order_id=order_id, shipment_no=shipment_no, **given)
    return shop.shipments.update(command, caller=shop.caller)


def deliver(shop: Shop, order_id: UUID, shipment_no: int = 1) -> ShipmentChanged:
    """Say that a shipment was delivered."""
    return update(shop, order_id, shipment_no, status=ShipmentStatus.DELIVERED)


def take_back(shop: Shop, order_id: UUID, shipment_no: int = 1, **given: Any) -> ShipmentChanged:
    """Run `Shipments.cancel` with the fields of CancelShipment."""
    command = CancelShipment(order_id=order_id, shipment_no=shipment_no, **given)
    return shop.shipments.cancel(command, caller=shop.caller)


def figures(shipment: Shipment) -> tuple[int, str, str, list[tuple[int, str, int]]]:
    """Return number, status, location and (line_no, sku, quantity) of a shipment."""
    lines = [(line.line_no, line.sku, line.quantity) for line in shipment.lines]
    return shipment.shipment_no, shipment.status.value, shipment.location, lines


def standing(order: Order) -> tuple[str, int]:
    """Return an order's status and version."""
    return order.status.value, order.version


def told(shop: Shop, order: Order) -> list[tuple[str, int | None]]:
    """Return types and versions of an order's events, but for the first."""
    return [(entry.event.type.value, entry.event.order_version) for entry in shop.events(order.id)][1:]


class ShipmentPromises:
    """Shipments."""

    def test_an_order_is_shipped_in_two_parts(self, shop: Shop) -> None:
        shop.set("A", 9)
        shop.set("B", 9)
        order = shop.buy(("A", 3), ("B", 1))
        first = shop.ship(order.id, lines=units((1, 2)), carrier="DHL", tracking_number="1Z", reference="P-1")
        assert standing(first.order) == ("partly_shipped", 2)
        assert figures(first.shipment) == (1, "shipped", "main", [(1, "A", 2)])
        assert (first.shipment.carrier, first.shipment.tracking_number, first.shipment.tracking_url) == (
            *("DHL", "1Z", None),
        )
        assert first.shipment.reference == "P-1"
        assert first.shipment.created_at == first.shipment.updated_at == first.order.updated_at
        assert (shop.levels("A"), shop.levels("B")) == ({"main": (7, 1)}, {"main": (9, 1)})
        assert served(shop, order) == [[(1, "main", 1, 2, 0), (2, "main", 1, 0, 0)]]
        second = shop.ship(order.id)
        assert standing(second.order) == ("shipped", 3)
        assert figures(second.shipment) == (2, "shipped", "main", [(1, "A", 1), (2, "B", 1)])
        assert shop.shipped(order.id) == [first.shipment, second.shipment]
        assert (shop.levels("A"), shop.levels("B")) == ({"main": (6, 0)}, {"main": (8, 0)})
        assert told(shop, order) == [
            ("shipment.created", 2),
            ("order.partly_shipped", 2),
            ("shipment.created", 3),
            ("order.shipped", 3),
        ]
        rows = [row.movement for row in shop.movements("A")[-2:]]
        assert [(row.kind.value, row.on_hand_delta, row.reserved_delta) for row in rows] == [
            ("ship", -2, -2),
            ("ship", -1, -1),
        ]
        assert [row.act_id for row in rows] == [first.shipment.id, second.shipment.id]
        assert not shop.audit().discrepancies

    def test_a_second_part_that_leaves_some_changes_no_status(self, shop: Shop) -> None:
        shop.set("A", 9)
        order = shop.buy(("A", 5))
        shop.ship(order.id, lines=units((1, 2)))
        again = shop.ship(order.id, lines=units((1, 2)))
        assert standing(again.order) == ("partly_shipped", 3)
        assert told(shop, order)[2:] == [("shipment.created", 3)]
        assert not shop.audit().discrepancies

    def test_units_of_a_sku_are_those_of_its_first_lines(self, shop: Shop) -> None:
        shop.set("A", 9)
        shop.set("B", 9)
        order = shop.buy(("A", 2), ("B", 1), ("A", 2))
        shipment = shop.ship(order.id, lines=[ShipmentLine(sku="A", quantity=3)]).shipment
        assert figures(shipment) == (1, "shipped", "main", [(1, "A", 2), (3, "A", 1)])
        rest = [ShipmentLine(line_no=2, quantity=1), ShipmentLine(sku="A", quantity=1)]
        assert standing(shop.ship(order.id, lines=rest).order) == ("shipped", 3)
        assert not shop.audit().discrepancies

    def test_a_shipment_leaves_one_location(self, shop: Shop) -> None:
        shop.set("A", 1, location="a-shop")
        shop.set("A", 5, location="north")
        shop.set("B", 5, location="north")
        order = shop.buy(("A", 3), ("B", 1))
        with pytest.raises(OmsError) as caught:
            shop.ship(order.id)
        assert (caught.value.code, caught.value.data) == ("location_required", {"locations": ["a-shop", "north"]})
        assert figures(shop.ship(order.id, lines=units((2, 1))).shipment) == (1, "shipped", "north", [(2, "B", 1)])
        assert figures(shop.ship(order.id, location="a-shop").shipment) == (2, "shipped", "a-shop", [(1, "A", 1)])
        assert standing(shop.ship(order.id).order) == ("shipped", 4)
        assert (shop.levels("A"), shop.levels("B")) == ({"a-shop": (0, 0), "north": (3, 0)}, {"north": (4, 0)})
        assert not shop.audit().discrepancies

    def test_no_more_is_shipped_than_is_reserved_there(self, shop: Shop) -> None:
        shop.set("A", 1, location="a-shop")
        shop.set("A", 5, location="north")
        order = shop.buy(("A", 3))
        before = shop.everything()
        refusals: list[tuple[dict[str, Any], str, list[tuple[int | None, str, int, int]]]] = [
            ({"location": "north", "lines": units((1, 3))}, "north", [(1, "A", 3, 2)]),
            ({"location": "a-shop", "lines": [ShipmentLine(sku="A", quantity=9)]}, "a-shop", [(None, "A", 9, 1)]),
            ({"location": "nowhere"}, "nowhere", []),
        ]
        for given, location, short in refusals:
            with pytest.raises(OmsError) as caught:
                shop.ship(order.id, **given)
            lines = [dict(zip(("line_no", "sku", "requested", "reserved"), each, strict=True)) for each in short]
            assert (caught.value.code, caught.value.data) == (
                "exceeds_reserved",
                {"location": location, "lines": lines},
            )
        for unknown, name in ((units((2, 1)), "line_no"), ([ShipmentLine(sku="Z", quantity=1)], "sku")):
            with pytest.raises(OmsError) as caught:
                shop.ship(order.id, lines=unknown)
            found = [(each.pointer, each.code) for each in caught.value.errors]
            assert found == [(f"/lines/0/{name}", "unknown_line")]
        assert shop.everything() == before

    def test_what_is_not_reserved_for_good_is_not_shipped(self, shop: Shop) -> None:
        shop.set("A", 9)
        held, queued, cancelled, shipped = (
            shop.hold(("A", 1)),
            shop.queue_up(("A", 1)),
            shop.buy(("A", 1)),
            shop.buy(("A", 1)),
        )
        shop.move(cancelled.id, OrderStatus.CANCELLED)
        shop.ship(shipped.id)
        before = shop.everything()
        for order in (held, queued, cancelled, shipped):
            assert attempt(lambda: shop.ship(order.id)) == "invalid_transition"  # noqa: B023  At once.
        assert attempt(lambda: shop.ship(NOWHERE)) == "order_not_found"
        assert shop.everything() == before

    def test_an_order_of_two_hundred_lines_ships_in_one_transaction(self, shop: Shop) -> None:
        for number in range(20):
            shop.set(f"SKU-{number}", 100)
        order = shop.buy(*((f"SKU-{number % 20}", 1) for number in range(200)))
        before = shop.product("SKU-0").version
        shipped = shop.ship(order.id)
        assert (standing(shipped.order), len(shipped.shipment.lines)) == (("shipped", 2), 200)
        assert (shop.levels("SKU-0"), shop.product("SKU-0").version) == ({"main": (90, 0)}, before + 1)
        assert not shop.audit().discrepancies

    def test_setting_shipped_makes_a_shipment_for_each_location(self, shop: Shop) -> None:
        shop.set("A", 1, location="a-shop")
        shop.set("A", 5, location="north")
        order = shop.buy(("A", 3))
        shop.ship(order.id, location="a-shop")
        assert standing(shop.move(order.id, OrderStatus.SHIPPED, reason="all of it")) == ("shipped", 3)
        assert [figures(each)[1:] for each in shop.shipped(order.id)] == [
            ("shipped", "a-shop", [(1, "A", 1)]),
            ("shipped", "north", [(1, "A", 2)]),
        ]
        assert shop.movements("A")[-1].movement.reason == "all of it"
        whole = shop.buy(("A", 2))
        shop.move(whole.id, OrderStatus.SHIPPED)
        assert [figures(each) for each in shop.shipped(whole.id)] == [(1, "shipped", "north", [(1, "A", 2)])]
        assert not shop.audit().discrepancies
