"""What `OrderStorage.allocations` promises: from where each line is served, as the ledger has it."""

from __future__ import annotations

from uuid import UUID

from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.orders.order import LineAllocation, Order
from oms_core.domain.orders.statuses import OrderStatus

NOWHERE = UUID("00000000-0000-4000-8000-000000000000")


def served(shop: Shop, *orders: Order, owner: str | None = None) -> list[list[tuple[int, str, int, int, int]]]:
    """Give for each order the line, location, and units reserved, shipped and returned of each allocation."""
    found = shop.storage.orders.allocations([order.id for order in orders], owner=owner)
    return [[_figures(each) for each in found.get(order.id, [])] for order in orders]


class AllocationPromises:
    """Allocations."""

    def test_a_line_is_served_from_each_location_that_has_some(self, shop: Shop) -> None:
        shop.set("A", 2)
        shop.set("A", 5, location="north")
        shop.set("B", 1)
        order = shop.buy(("B", 1), ("A", 4))
        assert served(shop, order) == [[(1, "main", 1, 0, 0), (2, "main", 2, 0, 0), (2, "north", 2, 0, 0)]]

    def test_the_units_of_an_order_go_from_reserved_to_shipped_to_returned(self, shop: Shop) -> None:
        shop.set("A", 1)
        shop.set("A", 5, location="north")
        order = shop.buy(("A", 3))
        reserved = [(1, "main", 1, 0, 0), (1, "north", 2, 0, 0)]
        shipped = [(1, "main", 0, 1, 0), (1, "north", 0, 2, 0)]
        returned = [(1, "main", 0, 1, 1), (1, "north", 0, 2, 2)]
        assert served(shop, order) == [reserved]
        for status, expected in (
            (OrderStatus.PROCESSING, reserved),
            (OrderStatus.SHIPPED, shipped),
            (OrderStatus.DELIVERED, shipped),
            (OrderStatus.RETURNED, returned),
        ):
            shop.move(order.id, status)
            assert served(shop, order) == [expected]

    def test_what_is_released_or_was_never_reserved_is_served_from_nowhere(self, shop: Shop) -> None:
        shop.set("A", 9)
        cancelled, expired, held, queued = (
            shop.buy(("A", 1)),
            shop.hold(("A", 1), seconds=-60),
            shop.hold(("A", 2)),
            shop.queue_up(("A", 1)),
        )
        shop.move(cancelled.id, OrderStatus.CANCELLED)
        shop.expire(expired.id)
        assert served(shop, cancelled, expired, held, queued) == [[], [], [(1, "main", 2, 0, 0)], []]

    def test_orders_of_others_and_those_that_are_not_there_have_none(self, shop: Shop) -> None:
        shop.set("A", 9)
        mine, theirs = shop.buy(("A", 1), customer_id="C1"), shop.buy(("A", 2), customer_id="C2")
        assert served(shop, mine, theirs, owner="C1") == [[(1, "main", 1, 0, 0)], []]
        assert served(shop, mine, theirs) == [[(1, "main", 1, 0, 0)], [(1, "main", 2, 0, 0)]]
        assert shop.storage.orders.allocations([NOWHERE], owner=None) == {}
        assert shop.storage.orders.allocations([], owner="C1") == {}


def _figures(allocation: LineAllocation) -> tuple[int, str, int, int, int]:
    units = allocation.reserved, allocation.shipped, allocation.returned
    return (allocation.line_no, allocation.location, *units)
