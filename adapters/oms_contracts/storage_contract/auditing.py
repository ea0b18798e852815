"""What `AuditStorage` promises: the figures of every level and order, in pages, and no error that it would hide."""

from __future__ import annotations

from uuid import UUID

from oms_contracts.storage_contract.hooks import StorageHooks
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.orders.order import Holding, Order
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.balances import LevelBalance, OrderBalance

PATHS = {
    OrderStatus.PENDING: [],
    OrderStatus.PROCESSING: [OrderStatus.PROCESSING],
    OrderStatus.SHIPPED: [OrderStatus.SHIPPED],
    OrderStatus.DELIVERED: [OrderStatus.SHIPPED, OrderStatus.DELIVERED],
    OrderStatus.RETURNED: [OrderStatus.SHIPPED, OrderStatus.RETURNED],
    OrderStatus.CANCELLED: [OrderStatus.CANCELLED],
}


def orders_in_every_status(shop: Shop) -> list[Order]:
    """Place an order of A and split B per status that is reached without a queue, oldest first."""
    for location in ("main", "north"):
        shop.set("B", 3 * len(PATHS), location=location)
    shop.set("A", 100)
    orders = []
    for path in PATHS.values():
        order = shop.buy(("B", 5), ("A", 1), ("B", 1))
        for status in path:
            order = shop.move(order.id, status)
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

    def test_levels_are_listed_with_their_ledger_by_sku_and_location_in_pages(self, shop: Shop) -> None:
        keys = [("A", "a"), ("A", "b"), ("A B", "a"), ("AA", "a"), ("a", "a"), ("😀", "main")]
        for on_hand, (sku, location) in enumerate(keys):
            shop.set(sku, on_hand, location=location)
        shop.buy(("A", 1))
        read = shop.storage.audits.level_balances
        balances = read(after=None, limit=99)
        assert [(balance.sku, balance.location) for balance in balances] == keys
        assert balances[1] == LevelBalance(
            sku="A", location="b", on_hand=1, reserved=1, ledger_on_hand=1, ledger_reserved=1
        )
        assert read(after=None, limit=2) == balances[:2]
        assert read(after=("A", "a"), limit=2) == balances[1:3]
        assert read(after=("A", "zzz"), limit=9) == balances[2:]
        assert read(after=keys[-1], limit=9) == []

    def test_orders_are_listed_with_what_they_hold_oldest_first_in_pages(self, shop: Shop) -> None:
        orders = orders_in_every_status(shop)
        read = shop.storage.audits.order_balances
        balances = read(after=None, limit=99)
        assert [balance.order_id for balance in balances] == [order.id for order in orders]
        assert [balance.status for balance in balances] == list(PATHS)
        assert read(after=None, limit=2) == balances[:2]
        assert read(after=orders[1].id, limit=3) == balances[2:5]
        assert read(after=UUID(int=2**128 - 1), limit=9) == []

    def test_an_order_is_listed_with_its_lines_and_holdings(self, shop: Shop) -> None:
        shop.set("A", 5)
        order = shop.buy(("A", 2), ("A", 1))
        (balance,) = shop.storage.audits.order_balances(after=None, limit=9)
        assert OrderBalance(
            order_id=order.id,
            status=OrderStatus.PENDING,
            quantities={1: 2, 2: 1},
            holdings=[
                Holding(line_no=1, sku="A", location="main", reserved=2, shipped=0),
                Holding(line_no=2, sku="A", location="main", reserved=1, shipped=0),
            ],
        ) == OrderBalance(
            order_id=balance.order_id,
            status=balance.status,
            quantities=dict(balance.quantities),
            holdings=list(balance.holdings),
        )
