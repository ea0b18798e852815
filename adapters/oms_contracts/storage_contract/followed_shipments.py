"""What a storage promises of shipments that are there: they travel, arrive, are taken back, and are made once."""

from __future__ import annotations

from uuid import UUID

import pytest

from oms_contracts.storage_contract.order_races import attempt
from oms_contracts.storage_contract.shipping import deliver, figures, standing, take_back, told, units, update
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.callers import ALL_SCOPES, Caller
from oms_core.domain.orders.bulk_changes import Acted
from oms_core.domain.orders.order_changes import Changed
from oms_core.domain.orders.shipments import ShipmentStatus
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.shipment_commands import CreateShipment
from oms_core.errors import OmsError

NOWHERE = UUID("00000000-0000-4000-8000-000000000000")


class FollowedShipmentPromises:
    """Shipments that travel, arrive, and are taken back."""

    def test_an_order_is_delivered_when_all_its_shipments_are(self, shop: Shop) -> None:
        shop.set("A", 9)
        order = shop.buy(("A", 3))
        shop.ship(order.id, lines=units((1, 1)))
        assert standing(deliver(shop, order.id, 1).order) == ("partly_shipped", 3)
        shop.ship(order.id)
        delivered = deliver(shop, order.id, 2)
        assert standing(delivered.order) == ("delivered", 5)
        assert delivered.shipment.delivered_at == delivered.order.updated_at
        assert told(shop, order)[-2:] == [("shipment.delivered", 5), ("order.delivered", 5)]
        assert standing(deliver(shop, order.id, 2).order) == ("delivered", 5)
        assert attempt(lambda: update(shop, order.id, 2, status=ShipmentStatus.SHIPPED)) == "shipment_delivered"
        assert not shop.audit().discrepancies

    def test_setting_delivered_delivers_all_that_travels(self, shop: Shop) -> None:
        shop.set("A", 9)
        order = shop.buy(("A", 3))
        for _ in range(3):
            shop.ship(order.id, lines=units((1, 1)))
        deliver(shop, order.id, 1)
        shop.move(order.id, OrderStatus.DELIVERED)
        assert {each.status for each in shop.shipped(order.id)} == {ShipmentStatus.DELIVERED}
        assert told(shop, order)[-3:] == [("shipment.delivered", 6)] * 2 + [("order.delivered", 6)]
        assert not shop.audit().discrepancies

    def test_how_a_shipment_travels_is_told_later_and_changes_nothing_else(self, shop: Shop) -> None:
        shop.set("A", 9)
        order = shop.buy(("A", 3))
        made = shop.ship(order.id, carrier="DHL")
        changed = update(shop, order.id, tracking_number="1Z", tracking_url="https://x.example/1Z")
        shipment = changed.shipment
        assert (shipment.carrier, shipment.tracking_number, shipment.tracking_url) == (
            "DHL",
            "1Z",
            "https://x.example/1Z",
        )
        assert (standing(changed.order), shipment.created_at) == (("shipped", 3), made.shipment.created_at)
        assert told(shop, order)[-1] == ("shipment.updated", 3)
        assert update(shop, order.id, tracking_number="1Z", if_version=1).order.version == 3
        cleared = update(shop, order.id, carrier=None, status=ShipmentStatus.DELIVERED)
        assert (cleared.shipment.carrier, cleared.shipment.tracking_number) == (None, "1Z")
        assert told(shop, order)[-3:] == [("shipment.updated", 4), ("shipment.delivered", 4), ("order.delivered", 4)]
        assert attempt(lambda: update(shop, order.id, carrier="UPS", if_version=3)) == "version_mismatch"
        assert attempt(lambda: update(shop, order.id, 2, carrier="UPS")) == "shipment_not_found"
        assert not shop.audit().discrepancies

    def test_a_shipment_that_is_taken_back_is_on_hand_and_reserved_again(self, shop: Shop) -> None:
        shop.set("A", 5)
        shop.set("B", 5)
        order = shop.buy(("A", 3), ("B", 1))
        shop.ship(order.id, lines=units((1, 2)))
        shop.ship(order.id)
        back = take_back(shop, order.id, 1, reason="broken in the yard")
        assert standing(back.order) == ("partly_shipped", 4)
        assert figures(back.shipment) == (1, "cancelled", "main", [(1, "A", 2)])
        assert (shop.levels("A"), shop.levels("B")) == ({"main": (4, 2)}, {"main": (4, 0)})
        row = shop.movements("A")[-1].movement
        assert (row.kind.value, row.on_hand_delta, row.reserved_delta, row.act_id, row.reason) == (
            *("unship", 2, 2, back.shipment.id),
            "broken in the yard",
        )
        assert standing(take_back(shop, order.id, 1).order) == ("partly_shipped", 4)
        assert standing(take_back(shop, order.id, 2).order) == ("processing", 5)
        assert (shop.levels("A"), shop.levels("B")) == ({"main": (5, 3)}, {"main": (5, 1)})
        assert told(shop, order)[-4:] == [
            ("shipment.cancelled", 4),
            ("order.partly_shipped", 4),
            ("shipment.cancelled", 5),
            ("order.processing", 5),
        ]
        assert attempt(lambda: update(shop, order.id, 1, carrier="UPS")) == "shipment_cancelled"
        assert not shop.audit().discrepancies
        assert figures(shop.ship(order.id).shipment) == (3, "shipped", "main", [(1, "A", 3), (2, "B", 1)])
        assert not shop.audit().discrepancies

    def test_an_order_all_of_whose_shipments_were_taken_back_may_be_cancelled(self, shop: Shop) -> None:
        shop.set("A", 5)
        order = shop.buy(("A", 3))
        shop.ship(order.id, lines=units((1, 2)))
        assert attempt(lambda: shop.move(order.id, OrderStatus.CANCELLED)) == "invalid_transition"
        take_back(shop, order.id)
        assert standing(shop.move(order.id, OrderStatus.CANCELLED)) == ("cancelled", 4)
        assert shop.levels("A") == {"main": (5, 0)}
        assert not shop.audit().discrepancies

    def test_what_has_arrived_or_come_back_is_not_taken_back(self, shop: Shop) -> None:
        shop.set("A", 5)
        delivered, returned = shop.buy(("A", 1)), shop.buy(("A", 1))
        for order in (delivered, returned):
            shop.ship(order.id)
        deliver(shop, delivered.id)
        shop.move(returned.id, OrderStatus.RETURNED)
        before = shop.everything()
        assert attempt(lambda: take_back(shop, delivered.id)) == "shipment_delivered"
        with pytest.raises(OmsError) as caught:
            take_back(shop, returned.id)
        lines = [{"line_no": 1, "shipped": 1, "returned": 1}]
        assert (caught.value.code, caught.value.data) == ("shipment_returned", {"lines": lines})
        assert attempt(lambda: take_back(shop, delivered.id, 2)) == "shipment_not_found"
        assert shop.everything() == before


class ShipmentKeyPromises:
    """Shipments under keys, of others, and many together."""

    def test_a_shipment_under_a_key_is_made_once_and_has_its_number(self, shop: Shop) -> None:
        shop.set("A", 5)
        order = shop.buy(("A", 3))
        shop.ship(order.id, lines=units((1, 1)))
        made = shop.ship(order.id, lines=units((1, 1)), idempotency_key="K")
        last = shop.ship(order.id)
        again = shop.ship(order.id, lines=units((1, 1)), idempotency_key="K")
        assert (made.shipment.shipment_no, made.replayed) == (2, False)
        assert (again.shipment, again.order, again.replayed) == (made.shipment, last.order, True)
        assert attempt(lambda: shop.ship(order.id, idempotency_key="K")) == "idempotency_key_reused"
        back = take_back(shop, order.id, 3, idempotency_key="L")
        assert (back.replayed, take_back(shop, order.id, 3, idempotency_key="L").replayed) == (False, True)
        assert len(shop.shipped(order.id)) == 3
        assert not shop.audit().discrepancies

    def test_shipments_of_others_are_not_there(self, shop: Shop) -> None:
        shop.set("A", 5)
        mine, theirs = shop.buy(("A", 1), customer_id="C1"), shop.buy(("A", 1), customer_id="C2")
        for order in (mine, theirs):
            shop.ship(order.id)
        bound = shop.of(Caller(name="of C1", scopes=ALL_SCOPES, customer_id="C1"))
        assert shop.storage.orders.shipments([mine.id, theirs.id, NOWHERE], owner="C1") == {
            mine.id: shop.shipped(mine.id)
        }
        assert bound.shipments.list(mine.id, caller=bound.caller).shipments == shop.shipped(mine.id)
        for act in (
            lambda: bound.shipments.list(theirs.id, caller=bound.caller),
            lambda: bound.shipments.get(theirs.id, 1, caller=bound.caller),
            lambda: bound.ship(theirs.id),
            lambda: take_back(bound, theirs.id),
            lambda: deliver(bound, theirs.id),
        ):
            assert attempt(act) == "order_not_found"

    def test_many_shipments_are_those_of_each_and_move_a_level_once(self, shop: Shop) -> None:
        shop.set("A", 50)
        orders = [shop.buy(("A", 2)) for _ in range(5)]
        gone = shop.buy(("A", 1))
        shop.move(gone.id, OrderStatus.CANCELLED)
        before = shop.product("A").version
        commands = [
            CreateShipment(order_id=order.id, carrier="DHL", idempotency_key=f"K-{number}")
            for number, order in enumerate([*orders, gone])
        ]
        outcomes = shop.shipments.create_many(commands, caller=shop.caller)
        assert [_outcome(each) for each in outcomes] == [("shipped", 1, False)] * 5 + ["invalid_transition"]
        assert (shop.levels("A"), shop.product("A").version) == ({"main": (40, 0)}, before + 1)
        again = shop.shipments.create_many(commands, caller=shop.caller)
        assert [_outcome(each) for each in again] == [("shipped", 1, True)] * 5 + ["invalid_transition"]
        assert (shop.levels("A"), shop.product("A").version) == ({"main": (40, 0)}, before + 1)
        assert not shop.audit().discrepancies

    def test_several_shipments_of_an_order_follow_each_other(self, shop: Shop) -> None:
        shop.set("A", 50)
        order, other = shop.buy(("A", 3)), shop.buy(("A", 1))
        part = units((1, 1))
        commands = [
            CreateShipment(order_id=order.id, lines=part, idempotency_key="K-1"),
            CreateShipment(order_id=other.id, idempotency_key="K-1"),
            CreateShipment(order_id=order.id, lines=part),
            CreateShipment(order_id=NOWHERE, idempotency_key="K-2"),
            CreateShipment(order_id=order.id, lines=units((1, 9)), idempotency_key="K-3"),
            CreateShipment(order_id=order.id, lines=part),
        ]
        outcomes = [_outcome(each) for each in shop.shipments.create_many(commands, caller=shop.caller)]
        assert outcomes == [
            ("partly_shipped", 1, False),
            "idempotency_key_reused",
            ("partly_shipped", 2, False),
            "order_not_found",
            "exceeds_reserved",
            ("shipped", 3, False),
        ]
        assert not shop.audit().discrepancies


def _outcome(acted: Acted) -> object:
    if isinstance(acted, Changed):
        return acted.order.status.value, acted.act_no, acted.replayed
    return acted.code
