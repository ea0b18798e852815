"""What `QueueStorage.settle` promises: orders that wait are placed or rejected, by number, whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence

from oms_contracts.storage_contract.hooks import StockEvent, StorageHooks
from oms_contracts.storage_contract.shop import CLERK, Shop, placed
from oms_core.domain.callers import ALL_SCOPES, Caller
from oms_core.domain.events import EventType
from oms_core.domain.orders.order import Order, OrderFailure, Shortage
from oms_core.domain.orders.placement import PlacementView, Verdict
from oms_core.domain.orders.queueing import QueuedOrder, Settlement
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.products import MovementKind

WORKER = Caller(name="worker", scopes=ALL_SCOPES, request_id="batch-7")
NOTHING = Settlement(statuses={}, left=())


def short(sku: str, requested: int, available: int) -> OrderFailure:
    """Return the failure of an order that asked too much of one product."""
    return OrderFailure(
        code="insufficient_inventory",
        detail=f"{sku}: {requested} requested, {available} available",
        shortages=(Shortage(sku=sku, requested=requested, available=available),),
    )


def statuses(settlement: Settlement, *orders: Order) -> list[str]:
    """Return what became of orders, which must be all that were settled."""
    assert settlement.statuses.keys() == {order.id for order in orders}
    return [settlement.statuses[order.id].value for order in orders]


class SettlingPromises(StorageHooks):
    """Settling, where nobody interferes."""

    def test_a_settled_order_is_pending_and_has_its_units(self, shop: Shop) -> None:
        before = shop.set("WIDGET", 10).product
        order = shop.queue_up(("WIDGET", 2), ("WIDGET", 1))
        worker = shop.of(WORKER)
        assert statuses(worker.settle(order.id), order) == ["pending"]
        settled = shop.get(order.id)
        product = shop.product("WIDGET")
        assert (settled.status, settled.version, settled.failure, settled.attempts) == (OrderStatus.PENDING, 2, None, 0)
        assert settled.created_at == order.created_at < settled.updated_at
        assert (product.on_hand, product.reserved, product.version) == (10, 3, before.version + 1)
        assert product.updated_at == settled.updated_at
        assert not shop.audit().discrepancies

    def test_settling_writes_the_rows_of_the_ledger_in_the_name_of_the_worker(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        order = shop.queue_up(("WIDGET", 2), ("WIDGET", 1))
        shop.of(WORKER).settle(order.id)
        rows = shop.movements("WIDGET")[1:]
        assert [(row.movement.kind, row.movement.on_hand_delta, row.movement.reserved_delta) for row in rows] == [
            (MovementKind.RESERVE, 0, 2),
            (MovementKind.RESERVE, 0, 1),
        ]
        assert [(row.movement.order_id, row.movement.line_no) for row in rows] == [(order.id, 1), (order.id, 2)]
        assert {(row.actor, row.created_at) for row in rows} == {("worker", shop.get(order.id).updated_at)}

    def test_settling_is_an_event_of_each_order(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        good, bad = shop.queue_up(("WIDGET", 1)), shop.queue_up(("WIDGET", 2))
        shop.of(WORKER).settle(good.id, bad.id)
        failure = {"code": "insufficient_inventory", "detail": "WIDGET: 2 requested, 0 available"}
        for order, kind, data in (
            (good, EventType.ORDER_PLACED, {"from": "queued", "to": "pending", "reason": None}),
            (bad, EventType.ORDER_REJECTED, {"from": "queued", "to": "rejected", "reason": None, "failure": failure}),
        ):
            _, entry = shop.events(order.id)
            assert (entry.event.type, entry.event.order_id, entry.event.order_version) == (kind, order.id, 2)
            assert entry.event.data == data
            assert (entry.actor, entry.request_id) == (WORKER.name, WORKER.request_id)
            assert entry.created_at == shop.get(order.id).updated_at

    def test_an_order_that_falls_short_is_rejected_with_its_reason(self, shop: Shop) -> None:
        shop.set("MANY", 100)
        before = shop.set("FEW", 1).product
        order = shop.queue_up(("MANY", 1), ("FEW", 2))
        assert statuses(shop.settle(order.id), order) == ["rejected"]
        settled = shop.get(order.id)
        assert (settled.status, settled.version) == (OrderStatus.REJECTED, 2)
        assert settled.failure == short("FEW", 2, 1)
        assert shop.product("FEW") == before
        assert len(shop.movements("MANY")) == len(shop.movements("FEW")) == 1

    def test_who_came_first_is_served_first_whatever_the_order_of_the_ids(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        orders = [shop.queue_up(("WIDGET", quantity)) for quantity in (3, 3, 2, 1)]
        settlement = shop.settle(*(order.id for order in reversed(orders)))
        assert statuses(settlement, *orders) == ["pending", "rejected", "pending", "rejected"]
        assert settlement.left == ()
        assert shop.levels("WIDGET") == {"main": (5, 5)}
        assert shop.get(orders[1].id).failure == short("WIDGET", 3, 2)

    def test_what_earlier_calls_placed_is_gone(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        first, second = shop.queue_up(("WIDGET", 2)), shop.queue_up(("WIDGET", 2))
        assert statuses(shop.settle(second.id), second) == ["pending"]
        assert statuses(shop.settle(first.id), first) == ["rejected"]
        third = shop.queue_up(("WIDGET", 1))
        shop.buy(("WIDGET", 1))
        assert statuses(shop.settle(third.id), third) == ["rejected"]

    def test_lines_are_served_from_locations_in_their_order(self, shop: Shop) -> None:
        shop = Shop(storage=shop.storage, clock=shop.clock, locations=("north", "main"))
        for location, on_hand in (("a-shop", 4), ("main", 2), ("north", 3)):
            shop.set("WIDGET", on_hand, location=location)
        shop.settle(shop.queue_up(("WIDGET", 1), ("WIDGET", 6)).id)
        assert shop.levels("WIDGET") == {"a-shop": (4, 2), "main": (2, 2), "north": (3, 3)}
        assert not shop.audit().discrepancies

    def test_one_settlement_is_one_change_of_a_level(self, shop: Shop) -> None:
        before = shop.set("WIDGET", 10).product
        shop.settle(*(shop.queue_up(("WIDGET", 1)).id for _ in range(3)))
        assert (shop.product("WIDGET").reserved, shop.product("WIDGET").version) == (3, before.version + 1)

    def test_an_id_that_stands_twice_is_settled_once(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        order = shop.queue_up(("WIDGET", 2), ("WIDGET", 1))
        assert statuses(shop.settle(order.id, order.id), order) == ["pending"]
        assert shop.levels("WIDGET") == {"main": (10, 3)}
        assert not shop.audit().discrepancies

    def test_what_is_not_queued_is_passed_over(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        bought, gone, settled = shop.buy(("WIDGET", 1)), shop.queue_up(("WIDGET", 1)), shop.queue_up(("WIDGET", 1))
        rejected, waiting = shop.queue_up(("WIDGET", 9)), shop.queue_up(("WIDGET", 1))
        unwritten = shop.order(("WIDGET", 1))
        shop.move(gone.id, OrderStatus.CANCELLED)
        shop.settle(settled.id, rejected.id)
        ids = [each.id for each in (bought, gone, settled, rejected, unwritten)]
        before = shop.everything()
        assert shop.settle(*ids, claimed=ids) == NOTHING
        assert shop.everything() == before
        assert statuses(shop.settle(*ids, waiting.id), waiting) == ["pending"]

    def test_settling_nothing_is_nothing(self, shop: Shop) -> None:
        assert shop.settle() == NOTHING

    def test_what_is_not_due_is_passed_over_unless_it_is_claimed(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        order = shop.queue_up(("WIDGET", 1))
        shop.fail(order.id, attempts=1, jitter=1_000.0)
        before = shop.everything()
        assert shop.settle(order.id) == NOTHING
        assert shop.everything() == before
        assert statuses(shop.settle(order.id, claimed={order.id}), order) == ["pending"]

    def test_what_is_due_again_is_settled(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        order = shop.queue_up(("WIDGET", 1))
        shop.fail(order.id, attempts=1, jitter=0.0)
        assert statuses(shop.settle(order.id), order) == ["pending"]
        assert (shop.get(order.id).failure, shop.get(order.id).attempts) == (None, 1)

    def test_the_try_that_a_claim_counted_is_taken_back(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        good, bad, unclaimed = (shop.queue_up(("WIDGET", 1)) for _ in range(3))
        for _ in range(2):
            shop.storage.queue.claim([good.id, bad.id, unclaimed.id], lease_seconds=0)
        assert [shop.get(each.id).attempts for each in (good, bad, unclaimed)] == [2, 2, 2]
        shop.settle(good.id, bad.id, unclaimed.id, claimed=[good.id, bad.id])
        assert [(shop.get(each.id).status.value, shop.get(each.id).attempts) for each in (good, bad, unclaimed)] == [
            ("pending", 1),
            ("rejected", 1),
            ("rejected", 2),
        ]

    def test_the_failure_of_an_earlier_try_is_cleared_or_replaced(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        good, bad = shop.queue_up(("WIDGET", 1)), shop.queue_up(("WIDGET", 1))
        for order in (good, bad):
            failed = shop.fail(order.id, attempts=1, jitter=0.0)
            assert failed.failure == OrderFailure(code="internal_error", detail="it cannot be written")
        shop.settle(good.id, bad.id)
        assert shop.get(good.id).failure is None
        failure = shop.get(bad.id).failure
        assert failure is not None
        assert failure.code == "insufficient_inventory"

    def test_the_decision_is_given_what_is_queued_by_number_and_products_with_all_levels(self, shop: Shop) -> None:
        shop.set("WIDGET", 3, location="north")
        shop.set("WIDGET", 1)
        shop.set("OTHER", 9)
        first, second = shop.queue_up(("WIDGET", 1), ("WIDGET", 2), idempotency_key="K"), shop.queue_up(("WIDGET", 1))
        seen: list[tuple[Sequence[QueuedOrder], PlacementView]] = []

        def look(orders: Sequence[QueuedOrder], view: PlacementView) -> list[Verdict]:
            seen.append((orders, view))
            return shop.decide(orders, view)

        product = shop.product("WIDGET")
        shop.settle_deciding(look, second.id, first.id)
        orders, view = seen[-1]
        assert [(order.id, order.version) for order in orders] == [(first.id, 1), (second.id, 1)]
        assert [[(line.sku, line.quantity) for line in order.lines] for order in orders] == [
            [("WIDGET", 1), ("WIDGET", 2)],
            [("WIDGET", 1)],
        ]
        assert dict(view.products) == {"WIDGET": product}

    def test_settling_announces_the_stock_that_it_crosses(self, shop: Shop) -> None:
        shop.set("WIDGET", 10, low_stock_threshold=5)
        first, second, third, fourth = (shop.queue_up(("WIDGET", quantity)) for quantity in (4, 1, 6, 5))
        worker = shop.of(WORKER)
        worker.settle(first.id)
        assert self.stock_events(shop.storage, "WIDGET") == []
        worker.settle(second.id)
        low = StockEvent("stock.low", 5, 5, "worker", "batch-7")
        assert self.stock_events(shop.storage, "WIDGET") == [low]
        worker.settle(third.id)
        assert self.stock_events(shop.storage, "WIDGET") == [low]
        shop.settle(fourth.id)
        depleted = StockEvent("stock.depleted", 0, 5, CLERK.name, CLERK.request_id)
        assert self.stock_events(shop.storage, "WIDGET") == [low, depleted]

    def test_a_crossing_is_announced_by_whoever_takes_the_unit_though_others_took_most(self, shop: Shop) -> None:
        shop.set("WIDGET", 100, low_stock_threshold=10)
        first, second = shop.queue_up(("WIDGET", 85)), shop.queue_up(("WIDGET", 5))
        shop.of(WORKER).settle_after(lambda: shop.settle(first.id), second.id)
        assert self.stock_events(shop.storage, "WIDGET") == [StockEvent("stock.low", 10, 10, "worker", "batch-7")]
        assert shop.levels("WIDGET") == {"main": (100, 90)}

    def test_a_settlement_lets_the_one_before_it_take_its_stock_first(self, shop: Shop) -> None:
        shop.set("HOT", 3)
        theirs, ours = [[shop.queue_up(("HOT", 1)).id for _ in range(2)] for _ in range(2)]
        before: list[Settlement] = []

        def wait_for_turn() -> None:
            if not before:
                before.append(shop.settle(*theirs))

        settlement = shop.settle_after(wait_for_turn, *ours)
        assert [before[0].statuses[each] for each in theirs] == [OrderStatus.PENDING] * 2
        assert [settlement.statuses[each] for each in ours] == [OrderStatus.PENDING, OrderStatus.REJECTED]
        assert shop.levels("HOT") == {"main": (3, 3)}
        assert not shop.audit().discrepancies

    def test_units_that_are_counted_away_before_their_turn_are_not_taken(self, shop: Shop) -> None:
        shop.set("WIDGET", 100)
        order = shop.queue_up(("WIDGET", 5))
        settlement = shop.settle_after(lambda: shop.set("WIDGET", 3), order.id)
        assert settlement.statuses == {order.id: OrderStatus.REJECTED}
        assert shop.levels("WIDGET") == {"main": (3, 0)}
        assert not shop.audit().discrepancies

    def test_settled_orders_are_given_and_those_that_wait_are_not(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        good, bad, waiting = (shop.queue_up(("WIDGET", 1)) for _ in range(3))
        gone = shop.queue_up(("WIDGET", 1))
        shop.settle(good.id, bad.id)
        shop.move(gone.id, OrderStatus.CANCELLED)
        unwritten = shop.order(("WIDGET", 1))
        found = shop.storage.queue.settled([each.id for each in (good, bad, waiting, gone, unwritten)])
        assert sorted(found, key=lambda order: order.id) == [shop.get(each.id) for each in (good, bad, gone)]
        assert shop.storage.queue.settled([]) == []

    def test_a_cancelled_order_that_waited_holds_nothing(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        waiting, settled = shop.queue_up(("WIDGET", 2)), shop.queue_up(("WIDGET", 3))
        assert shop.move(waiting.id, OrderStatus.CANCELLED).version == 2
        shop.settle(waiting.id, settled.id)
        assert shop.levels("WIDGET") == {"main": (5, 3)}
        assert shop.move(settled.id, OrderStatus.CANCELLED).version == 3
        assert shop.levels("WIDGET") == {"main": (5, 0)}
        assert placed(shop.place(shop.order(("WIDGET", 5)))[0])
        assert not shop.audit().discrepancies
