"""What `OrderStorage.change_many` promises: many orders in one transaction, each with an outcome of its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import pytest

from oms_contracts.concurrency import run_together
from oms_contracts.storage_contract.lossy_shop import LossyShop
from oms_contracts.storage_contract.order_races import buyers
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.limits import TRANSACTION_LINES_MAX
from oms_core.domain.orders.bulk_changes import (
    ChangeOrderStatuses,
    Decision,
    Moved,
    StandingOrder,
    decide_status_changes,
)
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.errors import OmsError

NOWHERE = UUID("00000000-0000-4000-8000-000000000000")


def move_many(
    shop: Shop, order_ids: Sequence[UUID], status: OrderStatus, *, owner: str | None = None
) -> dict[UUID, Moved]:
    """Move orders as the use case does, in one transaction."""
    command = ChangeOrderStatuses(order_ids=order_ids, status=status, reason="all of them")
    moved = shop.storage.orders.change_many(
        order_ids,
        owner=owner,
        caller=shop.caller,
        now=shop.clock.now(),
        decide=partial(decide_status_changes, command=command, caller=shop.caller),
    )
    return {order_id: each if isinstance(each, OmsError) else each.order for order_id, each in moved.items()}


class BulkMovePromises:
    """Moving many orders together."""

    def test_many_moves_are_those_of_each_and_move_a_level_once(self, shop: Shop) -> None:
        shop.set("WIDGET", 9)
        shop.set("WIDGET", 3, location="north")
        orders = [shop.buy(("WIDGET", 2)) for _ in range(5)]
        before = {level.location: level.version for level in shop.product("WIDGET").levels}
        moved = move_many(shop, [order.id for order in orders], OrderStatus.CANCELLED)
        assert moved == {order.id: shop.get(order.id) for order in orders}
        assert {(each.status, each.version) for each in _orders(moved)} == {(OrderStatus.CANCELLED, 2)}
        assert shop.levels("WIDGET") == {"main": (9, 0), "north": (3, 0)}
        after = {level.location: level.version for level in shop.product("WIDGET").levels}
        assert after == {location: version + 1 for location, version in before.items()}
        for order in orders:
            entry = shop.events(order.id)[-1]
            assert entry.event.data == {"from": "pending", "to": "cancelled", "reason": "all of them"}
            assert entry.created_at == shop.get(order.id).updated_at
        assert not shop.audit().discrepancies

    def test_each_order_has_an_outcome_of_its_own(self, shop: Shop) -> None:
        shop.set("WIDGET", 9)
        pending, shipped, cancelled = (shop.buy(("WIDGET", 1)) for _ in range(3))
        shop.move(shipped.id, OrderStatus.SHIPPED)
        was = shop.move(cancelled.id, OrderStatus.CANCELLED)
        ids = [pending.id, shipped.id, cancelled.id, NOWHERE]
        moved = move_many(shop, ids, OrderStatus.CANCELLED)
        assert _codes(moved, [pending.id, shipped.id, NOWHERE]) == [None, "invalid_transition", "order_not_found"]
        assert moved[cancelled.id] == was
        assert shop.levels("WIDGET") == {"main": (8, 0)}
        assert shop.get(shipped.id).version == 2

    def test_anothers_orders_are_not_there(self, shop: Shop) -> None:
        shop.set("WIDGET", 9)
        mine, theirs = shop.buy(("WIDGET", 1), customer_id="C1"), shop.buy(("WIDGET", 1), customer_id="C2")
        moved = move_many(shop, [mine.id, theirs.id], OrderStatus.CANCELLED, owner="C1")
        assert _codes(moved, [mine.id, theirs.id]) == [None, "order_not_found"]
        assert shop.get(theirs.id) == theirs

    def test_queued_orders_leave_the_queue(self, shop: Shop) -> None:
        shop.set("WIDGET", 9)
        queued = [shop.queue_up(("WIDGET", 1)) for _ in range(3)]
        moved = move_many(shop, [order.id for order in queued[:2]], OrderStatus.CANCELLED)
        assert {each.queue_no for each in _orders(moved)} == {None}
        claims = shop.storage.queue.sweep(older_than_seconds=0, limit=10, lease_seconds=30)
        assert [claim.order_id for claim in claims] == [queued[2].id]

    def test_an_order_that_was_tried_keeps_the_number_of_its_tries(self, shop: Shop) -> None:
        shop.set("WIDGET", 9)
        untried, tried, again = (shop.queue_up(("WIDGET", 1)) for _ in range(3))
        for claimed in ([tried.id, again.id], [again.id]):
            shop.storage.queue.claim(claimed, lease_seconds=-1)
        moved = move_many(shop, [untried.id, tried.id, again.id], OrderStatus.CANCELLED)
        assert [each.attempts for each in _orders(moved)] == [0, 1, 2]
        assert moved == {order.id: shop.get(order.id) for order in (untried, tried, again)}

    def test_goods_come_back_within_the_bound_of_a_count(self, shop: Shop) -> None:
        shop.set("WIDGET", 9)
        orders = [shop.buy(("WIDGET", 2)) for _ in range(3)]
        ids = [order.id for order in orders]
        for status in (OrderStatus.SHIPPED, OrderStatus.RETURNED):
            assert {each.status for each in move_many(shop, ids, status).values() if isinstance(each, Order)} == {
                status
            }
        assert shop.levels("WIDGET") == {"main": (9, 0)}

    def test_all_is_written_or_nothing(self, shop: Shop) -> None:
        shop.set("WIDGET", 9)
        ids = [shop.buy(("WIDGET", 1)).id for _ in range(3)]
        before = shop.everything()

        def fail(orders: Sequence[StandingOrder]) -> list[Decision]:
            raise RuntimeError(f"a defect in deciding {len(orders)} orders")

        with pytest.raises(RuntimeError):
            shop.storage.orders.change_many(ids, owner=None, caller=shop.caller, now=shop.clock.now(), decide=fail)
        assert shop.everything() == before

    def test_a_transaction_takes_so_many_lines(self, shop: Shop) -> None:
        shop.set("WIDGET", 100_000)
        lines = [("WIDGET", 1)] * 2_000
        ids = sorted(shop.buy(*lines).id for _ in range(TRANSACTION_LINES_MAX // 2_000 + 2))
        moved = move_many(shop, ids, OrderStatus.PROCESSING)
        assert sorted(moved) == ids[: TRANSACTION_LINES_MAX // 2_000]
        assert shop.get(ids[-1]).version == 1


class BulkMoveRacePromises:
    """Races over moving many orders together."""

    def test_sixteen_calls_that_share_orders_move_each_once(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 40)
        ids = [shop.buy(("WIDGET", 1)).id for _ in range(40)]
        parts = [ids, ids[::-1], ids[10:], ids[:30]]
        works = [
            partial(move_many, buyer, parts[number % len(parts)], OrderStatus.CANCELLED)
            for number, buyer in enumerate(buyers(shop, rival_shop))
        ]
        for moved in run_together(works):
            assert {(order.status, order.version) for order in _orders(moved)} == {(OrderStatus.CANCELLED, 2)}
        assert shop.levels("WIDGET") == {"main": (40, 0)}
        assert not shop.audit().discrepancies


class LostBulkMoveCommitPromises:
    """Moving many orders, with the answer to the COMMIT lost and a rival who acts before it is looked for."""

    def test_moves_that_a_rival_has_followed_are_told_as_made_and_made_once(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 9)
        first, second = (ours.buy(("WIDGET", 2)) for _ in range(2))
        moved, returned = lossy_shop.losing(
            lambda: move_many(ours, [first.id, second.id], OrderStatus.SHIPPED),
            lambda: rival.move(first.id, OrderStatus.RETURNED),
        )
        assert moved == {first.id: returned, second.id: ours.get(second.id)}
        assert (returned.version, ours.get(second.id).version) == (3, 2)
        assert ours.levels("WIDGET") == {"main": (7, 0)}
        assert not ours.audit().discrepancies

    def test_a_rival_who_makes_the_same_moves_meanwhile_finds_them_made(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("WIDGET", 9)
        ids = [ours.buy(("WIDGET", 2)).id for _ in range(3)]
        moved, theirs = lossy_shop.losing(
            lambda: move_many(ours, ids, OrderStatus.CANCELLED), lambda: move_many(rival, ids, OrderStatus.CANCELLED)
        )
        assert moved == theirs == {order_id: ours.get(order_id) for order_id in ids}
        assert {ours.get(order_id).version for order_id in ids} == {2}
        assert ours.levels("WIDGET") == {"main": (9, 0)}


def _orders(moved: dict[UUID, Moved]) -> list[Order]:
    assert not [outcome for outcome in moved.values() if isinstance(outcome, OmsError)]
    return [outcome for outcome in moved.values() if isinstance(outcome, Order)]


def _codes(moved: dict[UUID, Moved], order_ids: Sequence[UUID]) -> list[str | None]:
    outcomes = [moved[order_id] for order_id in order_ids]
    return [outcome.code if isinstance(outcome, OmsError) else None for outcome in outcomes]
