"""Archiving: finished orders are read whole and removed, and the ledger's sums stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import pytest

from oms_contracts.concurrency import Rival, run_together
from oms_contracts.storage_contract.failing import rejected
from oms_contracts.storage_contract.injected_races import move_while
from oms_contracts.storage_contract.locating import set_location
from oms_contracts.storage_contract.lossy_shop import LossyShop
from oms_contracts.storage_contract.order_races import buyers
from oms_contracts.storage_contract.returning import DISCARD, QUARANTINE, back, returned, take_in
from oms_contracts.storage_contract.shop import CLERK, Shop, placed, refused
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.locations import LocationKind
from oms_core.errors import OmsError

SOON = timedelta(days=1)
UNFINISHED = (OrderStatus.PENDING, OrderStatus.PROCESSING)


def later(shop: Shop) -> datetime:
    """Return a time after all that was written."""
    return shop.clock.now() + SOON


def finished(shop: Shop, **given: object) -> list[UUID]:
    """List the finished orders."""
    wanted = {"before": later(shop), "after": None, "limit": 100} | given
    return [each.order.id for each in shop.storage.archive.finished(**wanted)]  # type: ignore[arg-type]


def remove(shop: Shop, *orders: Order) -> frozenset[UUID]:
    """Remove orders at the versions that they had."""
    versions = {order.id: order.version for order in orders}
    return shop.storage.archive.remove(versions, caller=CLERK, now=shop.clock.now())


def expired_order(shop: Shop) -> Order:
    """Hold an order, and expire it."""
    held = shop.hold(("GADGET", 1), seconds=-60)
    assert shop.expire(held.id) == [held.id]
    return shop.get(held.id)


def shipped(shop: Shop, *lines: tuple[str, int], status: OrderStatus = OrderStatus.SHIPPED) -> Order:
    """Place an order and ship it, or do with it what leads to another status."""
    order = shop.buy(*lines)
    if status is OrderStatus.CANCELLED:
        return shop.move(order.id, status)
    shipped = shop.move(order.id, OrderStatus.SHIPPED)
    return shipped if status is OrderStatus.SHIPPED else shop.move(order.id, status)


class ArchivePromises:
    """`ArchiveStorage`."""

    def test_finished_orders_are_read_with_their_ledger_and_history_by_id(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        delivered = shipped(shop, ("WIDGET", 2), status=OrderStatus.DELIVERED)
        cancelled = shipped(shop, ("WIDGET", 1), status=OrderStatus.CANCELLED)
        shop.buy(("WIDGET", 1))
        first, second = shop.storage.archive.finished(before=later(shop), after=None, limit=10)
        assert (first.order, second.order) == (delivered, cancelled)
        assert [row.movement.kind.value for row in first.movements] == ["reserve", "ship"]
        assert [row.movement.kind.value for row in second.movements] == ["reserve", "release"]
        assert [list(each.events) for each in (first, second)] == [shop.events(delivered.id), shop.events(cancelled.id)]

    def test_returns_leave_with_their_order_and_what_they_brought_stays(self, shop: Shop) -> None:
        set_location(shop, "lab", kind=LocationKind.QUARANTINE)
        shop.set("WIDGET", 10)
        order = shipped(shop, ("WIDGET", 4))
        lines = [*back((1, 1)), *back((1, 1), disposition=QUARANTINE), *back((1, 1), disposition=DISCARD)]
        made = take_in(shop, order.id, lines=lines)
        (whole,) = shop.storage.archive.finished(before=later(shop), after=None, limit=10)
        assert (whole.order, whole.returns) == (made.order, (made.made,))
        assert remove(shop, made.order) == {order.id}
        assert returned(shop, order) == []
        assert shop.levels("WIDGET") == {"main": (7, 0), "lab": (1, 0)}
        assert not shop.audit().discrepancies

    def test_they_come_in_pages_and_only_when_nobody_has_touched_them_since(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        orders = [shipped(shop, ("WIDGET", 1)) for _ in range(3)]
        ids = [order.id for order in orders]
        assert finished(shop, limit=2) == ids[:2]
        assert finished(shop, after=ids[1]) == ids[2:]
        assert finished(shop, before=orders[1].updated_at) == ids[:1]
        assert finished(shop, before=orders[0].created_at) == []

    @pytest.mark.parametrize("status", UNFINISHED)
    def test_what_is_open_or_waits_is_not_finished(self, shop: Shop, status: OrderStatus) -> None:
        shop.set("WIDGET", 10)
        shop.set("GADGET", 10)
        order = shop.buy(("WIDGET", 1))
        if status is not OrderStatus.PENDING:
            order = shop.move(order.id, status)
        waiting, held, expired = shop.queue_up(("WIDGET", 1)), shop.hold(("GADGET", 1)), expired_order(shop)
        failure = rejected(shop)
        assert finished(shop) == [expired.id, failure.id]
        before = shop.everything()
        assert remove(shop, order, waiting, held) == frozenset()
        assert shop.everything() == before

    def test_an_expired_order_leaves_like_any_that_is_finished(self, shop: Shop) -> None:
        shop.set("GADGET", 10)
        expired = expired_order(shop)
        assert remove(shop, expired) == {expired.id}
        assert shop.levels("GADGET") == {"main": (10, 0)}
        assert not shop.audit().discrepancies

    def test_what_is_removed_is_gone_and_its_sum_stays_in_the_ledger(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        shop.set("GADGET", 10)
        sold = shipped(shop, ("WIDGET", 2), ("GADGET", 3))
        back = shipped(shop, ("WIDGET", 4), status=OrderStatus.RETURNED)
        never = rejected(shop)
        levels = shop.levels("WIDGET"), shop.levels("GADGET")
        assert remove(shop, sold, back, never) == {sold.id, back.id, never.id}
        for order in (sold, back, never):
            with pytest.raises(OmsError, match="order_not_found"):
                shop.get(order.id)
        assert (shop.levels("WIDGET"), shop.levels("GADGET")) == levels
        assert shop.ledger("GADGET") == [("count", "main", 10, 0), ("opening", "main", -3, 0)]
        kinds = [kind for kind, *_ in shop.ledger("WIDGET")]
        assert kinds.count("opening") == 1
        assert "reserve" not in kinds
        assert not shop.audit().discrepancies

    def test_a_later_opening_takes_the_place_of_the_one_before(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        for _ in range(3):
            remove(shop, shipped(shop, ("WIDGET", 2)))
        assert shop.ledger("WIDGET") == [("count", "main", 10, 0), ("opening", "main", -6, 0)]
        opening = shop.movements("WIDGET")[-1]
        assert (opening.actor, opening.movement.reason) == (CLERK.name, "archived orders")
        assert opening.movement.order_id is None
        assert not shop.audit().discrepancies

    def test_where_nothing_is_left_over_there_is_no_opening(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        remove(shop, shipped(shop, ("WIDGET", 2), status=OrderStatus.CANCELLED))
        assert shop.ledger("WIDGET") == [("count", "main", 10, 0)]
        assert not shop.audit().discrepancies

    def test_an_order_that_changed_since_it_was_read_stays(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        before = shipped(shop, ("WIDGET", 2))
        after = shop.move(before.id, OrderStatus.RETURNED)
        assert remove(shop, before) == frozenset()
        assert shop.get(before.id) == after

    def test_what_is_gone_already_counts_as_removed(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        order = shipped(shop, ("WIDGET", 2))
        assert remove(shop, order) == remove(shop, order) == {order.id}
        assert shop.ledger("WIDGET") == [("count", "main", 10, 0), ("opening", "main", -2, 0)]

    def test_an_order_whose_events_are_to_be_published_stays(self, publishing_shop: Shop) -> None:
        shop = publishing_shop
        shop.set("WIDGET", 10)
        order = shipped(shop, ("WIDGET", 2))
        assert remove(shop, order) == frozenset()
        shop.storage.outbox.published([event.id for event in shop.storage.outbox.unpublished(limit=100)])
        assert remove(shop, order) == {order.id}

    def test_a_key_outlives_its_order(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        order = shop.buy(("WIDGET", 3), idempotency_key="K")
        remove(shop, shop.move(order.id, OrderStatus.CANCELLED))
        late, new = shop.place(shop.order(("WIDGET", 3), idempotency_key="K"), shop.order(("WIDGET", 2)))
        assert (refused(late).code, refused(late).data) == ("order_archived", {"order_id": str(order.id)})
        assert placed(new).order.lines[0].quantity == 2
        assert shop.levels("WIDGET") == {"main": (10, 2)}

    def test_ids_of_events_and_rows_are_not_given_again(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        order = shipped(shop, ("WIDGET", 2))
        last_event, last_row = shop.events(order.id)[-1].id, shop.movements("WIDGET")[-1].id
        remove(shop, order)
        later = shop.buy(("WIDGET", 1))
        assert shop.events(later.id)[0].id > last_event
        assert shop.movements("WIDGET")[-1].id > last_row


class ArchiveRacePromises:
    """Archiving beside whatever else goes on."""

    def test_buyers_are_not_disturbed_and_the_books_agree(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("HOT", 1_000)
        orders = [shipped(shop, ("HOT", 1)) for _ in range(20)]
        works: list[Callable[[], object]] = [partial(hand.buy, ("HOT", 1)) for hand in buyers(shop, rival_shop)]
        batches = [orders[start : start + 5] for start in range(0, 20, 5)]
        removals: list[Callable[[], object]] = [partial(remove, shop, *batch) for batch in batches]
        run_together(works + removals)
        assert finished(shop) == []
        on_hand, reserved = shop.levels("HOT")["main"]
        assert (on_hand, reserved) == (980, len(works))
        assert not shop.audit().discrepancies

    def test_two_who_archive_the_same_orders_leave_their_sum_once(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 50)
        for _ in range(3):
            orders = [shipped(shop, ("WIDGET", 1)) for _ in range(4)]
            run_together([partial(remove, hand, *orders) for hand in (shop, rival_shop)])
            assert not shop.audit().discrepancies
        assert sum(row[2] for row in shop.ledger("WIDGET") if row[0] == "opening") == -12

    def test_an_order_that_is_being_returned_is_not_archived_as_shipped(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 10)
        order = shipped(shop, ("WIDGET", 2))
        rival = Rival(lambda: remove(rival_shop, order))
        returned = move_while(shop, order, OrderStatus.RETURNED, rival.let_in)
        assert rival.outcome() == frozenset()
        assert shop.get(order.id) == returned
        assert shop.levels("WIDGET") == {"main": (10, 0)}
        assert not shop.audit().discrepancies


class LostArchiveCommitPromises:
    """Removals whose COMMIT is lost while a rival acts."""

    def test_what_was_removed_counts_and_is_summed_once(self, lossy_shop: LossyShop) -> None:
        shop, rival = lossy_shop.ours, lossy_shop.rival
        shop.set("WIDGET", 10)
        ours, theirs = shipped(shop, ("WIDGET", 2)), shipped(shop, ("WIDGET", 1))
        removed = lossy_shop.losing(lambda: remove(shop, ours), lambda: remove(rival, ours, theirs))
        assert [set(each) for each in removed] == [{ours.id}, {ours.id, theirs.id}]
        assert sum(row[2] for row in shop.ledger("WIDGET") if row[0] == "opening") == -3
        assert not shop.audit().discrepancies
