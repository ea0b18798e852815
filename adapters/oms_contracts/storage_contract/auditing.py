"""What `AuditStorage` promises: every level and order compared, in pages, and no error that it would hide."""

from __future__ import annotations

from uuid import UUID

from oms_contracts.storage_contract.hooks import StorageHooks
from oms_contracts.storage_contract.returning import take_in
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.orders.order import Holding, Order
from oms_core.domain.orders.returns import Disposition, ReturnLine
from oms_core.domain.orders.shipments import ShipmentLine
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.balances import Compared, LevelBalance, OrderBalance

PATHS = {
    OrderStatus.PENDING: [],
    OrderStatus.PROCESSING: [OrderStatus.PROCESSING],
    OrderStatus.PARTLY_SHIPPED: [],
    OrderStatus.SHIPPED: [OrderStatus.SHIPPED],
    OrderStatus.DELIVERED: [OrderStatus.SHIPPED, OrderStatus.DELIVERED],
    OrderStatus.PARTLY_RETURNED: [OrderStatus.SHIPPED],
    OrderStatus.RETURNED: [OrderStatus.SHIPPED, OrderStatus.RETURNED],
    OrderStatus.CANCELLED: [OrderStatus.CANCELLED],
    OrderStatus.HELD: [],
    OrderStatus.EXPIRED: [],
}
HELD = {OrderStatus.HELD: 900, OrderStatus.EXPIRED: -60}


def orders_in_every_status(shop: Shop) -> list[Order]:
    """Place an order of A and split B per status that is reached without a queue, oldest first."""
    for location in ("main", "north"):
        shop.set("B", 3 * len(PATHS), location=location)
    shop.set("A", 100)
    orders = []
    for reached, path in PATHS.items():
        lines = (("B", 5), ("A", 1), ("B", 1))
        order = shop.hold(*lines, seconds=HELD[reached]) if reached in HELD else shop.buy(*lines)
        shop.expire(order.id)
        for status in path:
            order = shop.move(order.id, status)
        if reached is OrderStatus.PARTLY_SHIPPED:
            order = shop.ship(order.id, location="main", lines=[ShipmentLine(sku="B", quantity=1)]).order
        if reached is OrderStatus.PARTLY_RETURNED:
            back = [
                ReturnLine(sku="B", quantity=1),
                ReturnLine(line_no=1, quantity=1, disposition=Disposition.DISCARD),
                ReturnLine(sku="A", quantity=1),
            ]
            order = take_in(shop, order.id, lines=back).order
        assert shop.get(order.id).status is reached
        orders.append(order)
    return orders


class AuditPromises(StorageHooks):
    """Audits."""

    def test_everything_agrees_after_orders_in_every_status(self, shop: Shop) -> None:
        orders = orders_in_every_status(shop)
        shop.adjust("A", -2)
        shop.set("C", 0)
        report = shop.audit()
        assert (report.levels, report.orders, report.discrepancies) == (4, len(orders), ())

    def test_a_planted_imbalance_is_found(self, shop: Shop) -> None:
        orders_in_every_status(shop)
        before = shop.levels("B")["north"]
        self.break_level(shop.storage, "B", "north")
        (found,) = shop.audit().discrepancies
        assert found.subject == "B north"
        assert shop.levels("B")["north"] == (before[0] + 1, before[1])

    def test_an_empty_storage_agrees(self, shop: Shop) -> None:
        report = shop.audit()
        assert (report.levels, report.orders, report.discrepancies) == (0, 0, ())

    def test_levels_that_disagree_are_suspected_with_their_figures_by_sku_and_location(self, shop: Shop) -> None:
        keys = [("A", "a"), ("A", "b"), ("A B", "a"), ("AA", "a"), ("a", "a"), ("😀", "main")]
        for on_hand, (sku, location) in enumerate(keys):
            shop.set(sku, on_hand, location=location)
        shop.buy(("A", 1))
        for key in keys:
            self.break_level(shop.storage, *key)
        page = shop.storage.audits.compare_levels(after=None, limit=99)
        assert (page.count, page.last) == (len(keys), None)
        assert [(balance.sku, balance.location) for balance in page.suspects] == keys
        assert page.suspects[1] == LevelBalance(
            sku="A", location="b", on_hand=2, reserved=1, ledger_on_hand=1, ledger_reserved=1
        )

    def test_levels_are_compared_in_pages_of_whole_products(self, shop: Shop) -> None:
        for sku in ("A", "B", "C"):
            for location in ("east", "main", "west"):
                shop.set(sku, 1, location=location)
                self.break_level(shop.storage, sku, location)
        compare = shop.storage.audits.compare_levels
        whole = compare(after=None, limit=99)
        assert compare(after=None, limit=3) == Compared(count=3, suspects=whole.suspects[:3], last="A")
        assert compare(after=None, limit=4) == Compared(count=6, suspects=whole.suspects[:6], last="B")
        assert compare(after="A", limit=2) == Compared(count=3, suspects=whole.suspects[3:6], last="B")
        assert compare(after="AA", limit=99) == Compared(count=6, suspects=whole.suspects[3:], last=None)
        assert compare(after="D", limit=9) == Compared(count=0, suspects=[], last=None)

    def test_orders_that_disagree_are_suspected_oldest_first_in_pages(self, shop: Shop) -> None:
        orders = orders_in_every_status(shop)
        for order in orders:
            self.break_order(shop.storage, order.id)
        compare = shop.storage.audits.compare_orders
        whole = compare(after=None, limit=99)
        assert (whole.count, whole.last) == (len(orders), None)
        assert [balance.order_id for balance in whole.suspects] == [order.id for order in orders]
        assert [balance.status for balance in whole.suspects] == list(PATHS)
        assert compare(after=None, limit=2) == Compared(count=2, suspects=whole.suspects[:2], last=orders[1].id)
        page = compare(after=orders[1].id, limit=3)
        assert page == Compared(count=3, suspects=whole.suspects[2:5], last=orders[4].id)
        assert compare(after=UUID(int=2**128 - 1), limit=9) == Compared(count=0, suspects=[], last=None)
        found = [each.subject for each in shop.audit().discrepancies if each.subject.startswith("order")]
        assert found == [f"order {order.id}" for order in orders]

    def test_an_order_is_suspected_with_its_lines_and_holdings(self, shop: Shop) -> None:
        shop.set("A", 5)
        order = shop.buy(("A", 2), ("A", 1))
        self.break_order(shop.storage, order.id)
        (balance,) = shop.storage.audits.compare_orders(after=None, limit=9).suspects
        assert OrderBalance(
            order_id=order.id,
            status=OrderStatus.PENDING,
            quantities={1: 2, 2: 1},
            holdings=[
                Holding(line_no=1, sku="A", location="main", reserved=3, shipped=0),
                Holding(line_no=2, sku="A", location="main", reserved=1, shipped=0),
            ],
        ) == OrderBalance(
            order_id=balance.order_id,
            status=balance.status,
            quantities=dict(balance.quantities),
            holdings=list(balance.holdings),
        )
