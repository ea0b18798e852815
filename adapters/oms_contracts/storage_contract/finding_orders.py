"""What `OrderStorage.find` and `events` promise: every filter, newest first, pages that miss and repeat nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from oms_contracts.clock import TickingClock
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.orders.order import Order, OrderFilter
from oms_core.domain.orders.statuses import OrderStatus

EVERYTHING = OrderFilter()
MICROSECOND = timedelta(microseconds=1)


def found(shop: Shop, wanted: OrderFilter, *, after: UUID | None = None, limit: int = 500) -> list[UUID]:
    """List the ids of what is found."""
    return [order.id for order in shop.storage.orders.find(wanted, after=after, limit=limit)]


def ids(*orders: Order) -> list[UUID]:
    """Return the ids of orders, the last first."""
    return [order.id for order in reversed(orders)]


class OrderFindingPromises:
    """Lists of orders and of their events."""

    def test_orders_are_listed_newest_first_as_they_are(self, shop: Shop) -> None:
        shop.set("A", 10)
        shop.set("B", 10)
        orders = [shop.buy(("A", 1, "1.5"), ("B", 1)), shop.buy(("B", 2)), shop.buy(("A", 1), ("A", 2))]
        orders[1] = shop.move(orders[1].id, OrderStatus.PROCESSING)
        assert shop.storage.orders.find(EVERYTHING, after=None, limit=500) == orders[::-1]

    def test_pages_meet_every_order_once(self, shop: Shop) -> None:
        shop.set("A", 100)
        orders = [shop.buy(("A", 1)) for _ in range(7)]
        for limit in (1, 2, 3, 7, 8):
            met: list[UUID] = []
            while page := found(shop, EVERYTHING, after=met[-1] if met else None, limit=limit):
                assert len(page) <= limit
                met += page
            assert met == ids(*orders)

    def test_the_oldest_come_first_where_that_is_wanted_page_by_page_and_by_every_filter(self, shop: Shop) -> None:
        shop.set("A", 100)
        orders = [shop.buy(("A", 1), customer_id="C1", reference="R") for _ in range(5)]
        shop.move(orders[2].id, OrderStatus.PROCESSING)
        both = frozenset({OrderStatus.PENDING, OrderStatus.PROCESSING})
        for given in ({}, {"statuses": both}, {"sku": "A"}, {"customer_id": "C1"}, {"reference": "R"}):
            wanted = OrderFilter(oldest_first=True, **given)
            met: list[UUID] = []
            while page := found(shop, wanted, after=met[-1] if met else None, limit=2):
                met += page
            assert met == [order.id for order in orders], given
        first = shop.storage.orders.find(OrderFilter(oldest_first=True), after=None, limit=9, lines_max=2)
        assert [order.id for order in first] == [order.id for order in orders[:2]]

    def test_orders_of_many_months_are_listed_in_both_directions_page_by_page(self, shop: Shop) -> None:
        slow = replace(shop, clock=TickingClock(step=timedelta(hours=31)))
        slow.set("A", 100)
        orders = [slow.buy(("A", 1), ("A", 2), customer_id=customer) for customer in ("C1", "C2", "C2", "C1") * 5]
        times = {"created_from": orders[3].created_at, "created_to": orders[15].created_at}
        for given in ({"sku": "A"}, {"customer_id": "C1"}, {"customer_id": "C1", "sku": "A"}, {"sku": "A"} | times):
            wanted = OrderFilter(**given)
            expected = [order.id for order in orders if wanted.customer_id in {None, order.customer_id}]
            expected = expected[3:15] if wanted.created_from else expected
            for sorted_by in (OrderFilter(**given, oldest_first=True), wanted):
                met: list[UUID] = []
                while page := found(shop, sorted_by, after=met[-1] if met else None, limit=3):
                    met += page
                assert met == (expected if sorted_by.oldest_first else expected[::-1]), given

    def test_a_list_ends_with_the_order_whose_lines_reach_the_bound(self, shop: Shop) -> None:
        shop.set("A", 1_000)
        lengths = [1, 3, 2, 1, 4]
        orders = [shop.buy(*[("A", 1)] * length) for length in lengths]
        for lines_max, count in ((1, 1), (4, 1), (5, 2), (6, 3), (7, 3), (8, 4), (10, 4), (11, 5), (12, 5)):
            listed = shop.storage.orders.find(EVERYTHING, after=None, limit=9, lines_max=lines_max)
            assert listed == orders[::-1][:count], lines_max
        assert shop.storage.orders.find(EVERYTHING, after=None, limit=2, lines_max=100) == orders[:-3:-1]
        assert shop.storage.orders.find(OrderFilter(sku="NONE"), after=None, limit=2, lines_max=1) == []

    def test_an_order_placed_meanwhile_does_not_disturb_the_pages(self, shop: Shop) -> None:
        shop.set("A", 100)
        orders = [shop.buy(("A", 1)) for _ in range(4)]
        first = found(shop, EVERYTHING, limit=2)
        shop.buy(("A", 1))
        assert first + found(shop, EVERYTHING, after=first[-1], limit=2) == ids(*orders)

    def test_an_empty_storage_lists_nothing(self, shop: Shop) -> None:
        assert found(shop, EVERYTHING) == []

    def test_orders_are_found_by_one_or_several_statuses(self, shop: Shop) -> None:
        shop.set("A", 100)
        orders = [shop.buy(("A", 1)) for _ in range(5)]
        shop.move(orders[1].id, OrderStatus.SHIPPED)
        shop.move(orders[2].id, OrderStatus.CANCELLED)
        shop.move(orders[4].id, OrderStatus.SHIPPED)
        by = OrderStatus
        assert found(shop, OrderFilter(statuses=frozenset({by.SHIPPED}))) == ids(orders[1], orders[4])
        assert found(shop, OrderFilter(statuses=frozenset({by.PENDING, by.CANCELLED}))) == ids(
            orders[0], orders[2], orders[3]
        )
        assert found(shop, OrderFilter(statuses=frozenset({by.FAILED}))) == []
        assert found(shop, OrderFilter(statuses=frozenset(by))) == ids(*orders)

    def test_orders_are_found_by_customer_and_reference_exactly(self, shop: Shop) -> None:
        shop.set("A", 100)
        names = ["C1", "c1", "C10", "C%", "C_", "ß", "ss", "O'Hara", "C 1"]
        orders = {name: shop.buy(("A", 1), customer_id=name, reference=name) for name in names}
        shop.buy(("A", 1), customer_id="other")
        for name, order in orders.items():
            assert found(shop, OrderFilter(customer_id=name)) == [order.id]
            assert found(shop, OrderFilter(reference=name)) == [order.id]
        assert found(shop, OrderFilter(customer_id="nobody")) == []

    def test_orders_are_found_by_sku_once_and_with_all_their_lines(self, shop: Shop) -> None:
        for sku in ("A", "a", "AB", "A%"):
            shop.set(sku, 100)
        orders = [shop.buy(("A", 1), ("AB", 1), ("A", 2)), shop.buy(("a", 1)), shop.buy(("A%", 1), ("A", 1))]
        assert found(shop, OrderFilter(sku="A")) == ids(orders[0], orders[2])
        assert shop.storage.orders.find(OrderFilter(sku="AB"), after=None, limit=9) == [orders[0]]
        assert found(shop, OrderFilter(sku="A%")) == ids(orders[2])
        assert found(shop, OrderFilter(sku="UNKNOWN")) == []

    def test_times_include_from_and_exclude_to_to_the_microsecond(self, shop: Shop) -> None:
        shop.set("A", 100)
        orders = [shop.buy(("A", 1)) for _ in range(3)]
        first, middle, last = (order.created_at for order in orders)
        assert found(shop, OrderFilter(created_from=middle)) == ids(*orders[1:])
        assert found(shop, OrderFilter(created_from=middle + MICROSECOND)) == ids(orders[2])
        assert found(shop, OrderFilter(created_to=middle)) == ids(orders[0])
        assert found(shop, OrderFilter(created_to=middle + MICROSECOND)) == ids(*orders[:2])
        assert found(shop, OrderFilter(created_from=first, created_to=last)) == ids(*orders[:2])
        assert found(shop, OrderFilter(created_from=last, created_to=first)) == []

    def test_times_of_any_age_may_be_asked_for(self, shop: Shop) -> None:
        shop.set("A", 100)
        order = shop.buy(("A", 1))
        old, late = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
        for early in (old, datetime(1969, 12, 31, tzinfo=UTC)):
            assert found(shop, OrderFilter(created_from=early, created_to=late)) == [order.id]
            assert found(shop, OrderFilter(created_to=early)) == []
        assert found(shop, OrderFilter(created_from=late)) == []

    def test_filters_combine_with_each_other_and_with_pages(self, shop: Shop) -> None:
        shop.set("A", 100)
        shop.set("B", 100)
        orders = [
            shop.buy((sku, 1), customer_id=customer, reference=reference)
            for sku in ("A", "B")
            for customer in ("C1", "C2")
            for reference in ("R1", "R2")
            for _ in range(2)
        ]
        for order in orders[::2]:
            shop.move(order.id, OrderStatus.CANCELLED)
        wanted = OrderFilter(
            statuses=frozenset({OrderStatus.PENDING, OrderStatus.CANCELLED}),
            customer_id="C1",
            sku="A",
            reference="R2",
            created_from=orders[0].created_at,
            created_to=orders[-1].created_at,
        )
        assert found(shop, wanted) == ids(*orders[2:4])
        assert found(shop, wanted, limit=1) == ids(orders[3])
        assert found(shop, wanted, after=orders[3].id) == ids(orders[2])
        assert found(shop, OrderFilter(customer_id="C2", sku="B", statuses=frozenset({OrderStatus.PENDING}))) == ids(
            orders[13], orders[15]
        )

    def test_events_are_listed_oldest_first_in_pages(self, shop: Shop) -> None:
        shop.set("A", 100)
        order, other = shop.buy(("A", 1)), shop.buy(("A", 1))
        for status in (OrderStatus.PROCESSING, OrderStatus.SHIPPED, OrderStatus.RETURNED):
            shop.move(other.id, status)
            shop.move(order.id, status)
        events = shop.events(order.id)
        told = [
            *("order.placed", "order.processing", "shipment.created", "order.shipped"),
            *("return.created", "order.returned"),
        ]
        assert [entry.event.type.value for entry in events] == told
        assert [entry.event.order_version for entry in events] == [1, 2, 3, 3, 4, 4]
        assert [entry.id for entry in events] == sorted({entry.id for entry in events})
        read = shop.storage.orders.events
        assert read(order.id, owner=None, after=None, limit=2) == events[:2]
        assert read(order.id, owner=None, after=events[1].id, limit=1) == events[2:3]
        assert read(order.id, owner=None, after=events[5].id, limit=9) == []
