"""What a storage promises of holds: their end by the database's clock, confirmed, extended or expired."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from oms_contracts.clock import TickingClock
from oms_contracts.storage_contract.hooks import StorageHooks
from oms_contracts.storage_contract.order_races import attempt
from oms_contracts.storage_contract.shop import Shop, placed, refused
from oms_core.domain.orders.order import Order, OrderFilter
from oms_core.domain.orders.order_changes import HoldEnd, OrderChange
from oms_core.domain.orders.placement import Placement
from oms_core.domain.orders.shipments import Standing
from oms_core.domain.orders.statuses import OrderStatus

HOUR = timedelta(hours=1)
OVERDUE = -60


def standing(order: Order) -> tuple[str, int]:
    """Return an order's status and version."""
    return order.status.value, order.version


def seconds_left(shop: Shop, order: Order) -> float:
    """Return how long an order is still held, by the database's clock."""
    assert order.hold_until is not None
    return (order.hold_until - shop.storage.holds.clock()).total_seconds()


def last_event(shop: Shop, order: Order) -> tuple[str, int | None, dict[str, object]]:
    """Return type, version and data of what happened last to an order."""
    event = shop.events(order.id)[-1].event
    return event.type.value, event.order_version, dict(event.data)


def let_run_out(shop: Shop, order: Order) -> Order:
    """Let the hold of an order have ended a minute ago."""
    until = shop.storage.holds.clock() - timedelta(seconds=60)

    def decide(found: Order, _: Standing) -> OrderChange:
        end = HoldEnd(until=until, extensions=found.hold_extensions)
        return OrderChange(status=OrderStatus.HELD, movements=(), hold=end)

    now = shop.clock.now()
    return shop.storage.orders.change(order.id, owner=None, caller=shop.caller, now=now, decide=decide)


class HoldPromises(StorageHooks):
    """Orders that are held."""

    def test_a_held_order_has_its_units_until_its_hold_ends(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        order = shop.hold(("WIDGET", 2), seconds=900)
        assert shop.get(order.id) == order
        assert (standing(order), order.hold_seconds, order.hold_extensions) == (("held", 1), 900, 0)
        assert 880 < seconds_left(shop, order) <= 900
        assert shop.levels("WIDGET") == {"main": (5, 2)}
        assert shop.ledger("WIDGET")[-1] == ("reserve", "main", 0, 2)
        data = {"from": None, "to": "held", "reason": None, "hold_seconds": 900}
        assert last_event(shop, order) == ("order.held", 1, data)
        assert not shop.audit().discrepancies

    @pytest.mark.parametrize("wrong_by", [-HOUR, HOUR])
    def test_a_hold_ends_by_the_clock_of_the_database_whatever_the_callers_says(
        self, shop: Shop, wrong_by: timedelta
    ) -> None:
        late = replace(shop, clock=TickingClock(beginning=datetime.now(UTC) + wrong_by))
        late.set("WIDGET", 9)
        order = late.hold(("WIDGET", 1), seconds=900)
        assert 880 < seconds_left(shop, order) <= 900
        assert late.expire(order.id) == []
        assert 1_780 < seconds_left(shop, late.extend(order.id, 1_800)) <= 1_800
        overdue = late.hold(("WIDGET", 1), seconds=OVERDUE)
        assert [each.order_id for each in shop.storage.holds.overdue(limit=9)] == [overdue.id]
        assert late.expire(overdue.id) == [overdue.id]

    def test_held_and_other_orders_of_a_batch_are_written_together(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        before = shop.product("WIDGET").version
        batch = [
            shop.order(("WIDGET", 1), idempotency_key="K"),
            shop.order_to_hold(("WIDGET", 1), seconds=60, idempotency_key="H"),
            shop.order(("WIDGET", 9)),
            shop.order_to_hold(("WIDGET", 2), seconds=120),
            shop.order_to_hold(("WIDGET", 1), seconds=60, idempotency_key="H"),
        ]
        batch[4] = replace(batch[4], fingerprint=batch[1].fingerprint)
        outcomes = shop.place(*batch)
        pending, held, _, longer, again = outcomes
        assert refused(outcomes[2]).code == "insufficient_inventory"
        assert [standing(placed(each).order) for each in (pending, held, longer)] == [
            ("pending", 1),
            ("held", 1),
            ("held", 1),
        ]
        assert placed(again) == replace(placed(held), replayed=True)
        assert [shop.get(placed(each).order.id) for each in (pending, held, longer)] == [
            placed(each).order for each in (pending, held, longer)
        ]
        assert last_event(shop, placed(longer).order)[2]["hold_seconds"] == 120
        assert last_event(shop, placed(held).order)[2]["hold_seconds"] == 60
        assert (shop.levels("WIDGET"), shop.product("WIDGET").version) == ({"main": (5, 4)}, before + 1)
        assert not shop.audit().discrepancies

    def test_a_held_order_is_replayed_as_it_is(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        order = shop.hold(("WIDGET", 2), idempotency_key="K")
        confirmed = shop.confirm(order.id)
        (again,) = shop.place(shop.order_to_hold(("WIDGET", 2), idempotency_key="K"))
        assert (placed(again).order, placed(again).replayed) == (confirmed, True)

    def test_a_held_order_that_is_cancelled_gives_back_its_units_and_does_not_expire(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        order = shop.hold(("WIDGET", 2), seconds=OVERDUE)
        assert standing(shop.move(order.id, OrderStatus.CANCELLED)) == ("cancelled", 2)
        assert shop.levels("WIDGET") == {"main": (5, 0)}
        assert (shop.expire(order.id), shop.storage.holds.count_overdue()) == ([], 0)

    def test_nobody_moves_a_held_order_to_another_status(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        order = shop.hold(("WIDGET", 2))
        wanted = sorted(set(OrderStatus) - {OrderStatus.HELD, OrderStatus.CANCELLED})
        ended = [attempt(lambda: shop.move(order.id, status)) for status in wanted]  # noqa: B023  At once.
        assert ended == ["invalid_transition"] * len(wanted)
        assert shop.get(order.id) == order

    def test_held_orders_are_found_by_when_their_holds_end(self, shop: Shop) -> None:
        shop.set("WIDGET", 9)
        soon, later = shop.hold(("WIDGET", 1), seconds=60), shop.hold(("WIDGET", 1), seconds=600)
        confirmed = shop.hold(("WIDGET", 1), seconds=60)
        shop.confirm(confirmed.id)
        shop.buy(("WIDGET", 1))

        def found(**given: object) -> list[Order]:
            wanted = OrderFilter(**{"oldest_first": True, **given})  # type: ignore[arg-type]
            return shop.storage.orders.find(wanted, after=None, limit=9)

        assert soon.hold_until is not None
        assert later.hold_until is not None
        assert found(statuses=frozenset({OrderStatus.HELD})) == [soon, later]
        assert found(hold_before=soon.hold_until) == []
        assert found(hold_before=later.hold_until) == [soon]
        assert found(hold_before=later.hold_until + HOUR, sku="WIDGET") == [soon, later]
        assert found(hold_before=later.hold_until + HOUR, customer_id="C1") == [soon, later]
        assert found(hold_before=later.hold_until + HOUR, oldest_first=False) == [later, soon]
        pending = frozenset({OrderStatus.PENDING, OrderStatus.EXPIRED})
        assert found(hold_before=later.hold_until + HOUR, statuses=pending) == []


class ExpiryPromises(StorageHooks):
    """Holds whose time has run out."""

    def test_an_overdue_hold_is_expired_and_its_units_are_free(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        shop.set("GADGET", 5)
        order = shop.hold(("WIDGET", 3), ("GADGET", 1), ("GADGET", 1), seconds=OVERDUE)
        other = shop.hold(("GADGET", 1), seconds=600)
        assert shop.expire(other.id, order.id) == [order.id]
        expired = shop.get(order.id)
        assert (standing(expired), expired.hold_until) == (("expired", 2), order.hold_until)
        assert (shop.levels("WIDGET"), shop.levels("GADGET")) == ({"main": (3, 0)}, {"main": (5, 1)})
        row = shop.movements("WIDGET")[-1].movement
        assert (row.kind.value, row.reserved_delta, row.order_id, row.line_no, row.reason) == (
            *("release", -3, order.id, 1),
            "hold expired",
        )
        assert last_event(shop, order) == (
            "order.expired",
            2,
            {"from": "held", "to": "expired", "reason": "hold expired"},
        )
        assert [event.type for event in self.stock_events(shop.storage, "WIDGET")] == [
            "stock.depleted",
            "stock.replenished",
        ]
        assert shop.get(other.id) == other
        assert (shop.expire(order.id), shop.storage.holds.overdue(limit=9)) == ([], [])
        assert not shop.audit().discrepancies

    def test_the_longest_overdue_are_listed_first_with_their_lines(self, shop: Shop) -> None:
        shop.set("WIDGET", 9)
        late = shop.hold(("WIDGET", 1), ("WIDGET", 1), seconds=-10)
        latest = shop.hold(("WIDGET", 1), seconds=-20)
        shop.hold(("WIDGET", 1), seconds=60)
        shop.confirm(shop.hold(("WIDGET", 1), seconds=-30).id)
        holds = shop.storage.holds
        assert [(each.order_id, each.lines) for each in holds.overdue(limit=9)] == [(latest.id, 1), (late.id, 2)]
        assert [each.order_id for each in holds.overdue(limit=1)] == [latest.id]
        assert holds.count_overdue() == 2
        assert holds.expire_orders_max >= 1

    def test_many_holds_of_one_product_are_expired_in_one_change_of_its_level(self, shop: Shop) -> None:
        shop.set("WIDGET", 50)
        orders = [placed(each).order for each in shop.place(*_to_expire(shop, 30))]
        before = shop.product("WIDGET").version
        assert shop.expire(*(order.id for order in orders)) == sorted(order.id for order in orders)
        assert (shop.levels("WIDGET"), shop.product("WIDGET").version) == ({"main": (50, 0)}, before + 1)
        assert not shop.audit().discrepancies

    def test_an_expired_order_that_is_retried_is_held_anew(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        order = shop.hold(("WIDGET", 2), seconds=OVERDUE)
        assert let_run_out(shop, shop.extend(order.id, 60)).hold_extensions == 1
        assert shop.expire(order.id) == [order.id]
        queued = shop.retry(order.id)
        assert queued == shop.get(order.id)
        assert (queued.status, queued.hold_seconds) == (OrderStatus.QUEUED, OVERDUE)
        assert (queued.hold_until, queued.hold_extensions) == (None, 0)
        assert shop.settle(order.id).statuses == {order.id: OrderStatus.HELD}
        held = shop.get(order.id)
        assert -80 < seconds_left(shop, held) <= OVERDUE
        assert shop.expire(order.id) == [order.id]
        assert not shop.audit().discrepancies

    def test_an_expired_order_may_be_cancelled(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        order = shop.hold(("WIDGET", 2), seconds=OVERDUE)
        shop.expire(order.id)
        assert standing(shop.move(order.id, OrderStatus.CANCELLED)) == ("cancelled", 3)
        assert shop.levels("WIDGET") == {"main": (3, 0)}
        assert not shop.audit().discrepancies

    def test_what_is_not_there_or_not_held_is_not_expired(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        ids = [shop.buy(("WIDGET", 1)).id, shop.queue_up(("WIDGET", 1)).id, shop.order(("WIDGET", 1)).id]
        before = shop.everything()
        assert (shop.expire(*ids), shop.expire()) == ([], [])
        assert shop.everything() == before

    def test_one_sweeps_at_a_time_while_another_publishes(self, shop: Shop) -> None:
        holds, outbox = shop.storage.holds, shop.storage.outbox
        assert holds.lease("one", seconds=3_600)
        assert holds.lease("one", seconds=3_600)
        assert not holds.lease("another", seconds=3_600)
        assert outbox.lease("another", seconds=3_600)
        holds.release("another")
        assert not holds.lease("another", seconds=3_600)
        holds.release("one")
        assert holds.lease("another", seconds=0)
        assert holds.lease("one", seconds=3_600)


class SettledHoldPromises(StorageHooks):
    """Accepted orders that are held once they are settled."""

    def test_the_hold_of_an_accepted_order_begins_when_it_is_settled(self, shop: Shop) -> None:
        shop.set("WIDGET", 6)
        to_hold, other, too_much = shop.accept(
            shop.order_to_hold(("WIDGET", 2), seconds=300), shop.order(("WIDGET", 1)), shop.order_to_hold(("WIDGET", 9))
        )
        queued = [placed(each).order for each in (to_hold, other, too_much)]
        assert [shop.get(order.id) for order in queued] == queued
        assert [(order.hold_seconds, order.hold_until) for order in queued] == [(300, None), (None, None), (900, None)]
        statuses = shop.settle(*(order.id for order in queued)).statuses
        assert [statuses[order.id].value for order in queued] == ["held", "pending", "rejected"]
        held = shop.get(queued[0].id)
        assert (standing(held), held.attempts, held.queue_no, held.failure) == (("held", 2), 0, None, None)
        assert 280 < seconds_left(shop, held) <= 300
        data = {"from": "queued", "to": "held", "reason": None, "hold_seconds": 300}
        assert last_event(shop, held) == ("order.held", 2, data)
        assert shop.levels("WIDGET") == {"main": (6, 3)}
        assert shop.storage.queue.sample().numbers == []
        assert [order.id for order in shop.storage.queue.settled([held.id])] == [held.id]
        assert (shop.settle(held.id).statuses, shop.sweep()) == ({}, [])
        assert standing(shop.confirm(held.id)) == ("pending", 3)
        assert not shop.audit().discrepancies

    def test_tries_that_were_counted_before_are_told_of_a_held_order(self, shop: Shop) -> None:
        shop.set("WIDGET", 6)
        order = placed(shop.accept(shop.order_to_hold(("WIDGET", 2)))[0]).order
        shop.fail(order.id, attempts=1, jitter=0.0)
        shop.storage.queue.claim([order.id], lease_seconds=60)
        assert shop.settle(order.id, claimed=[order.id]).statuses == {order.id: OrderStatus.HELD}
        held = shop.get(order.id)
        assert (held.attempts, held.failure) == (1, None)

    def test_who_confirms_before_that_is_told_to_wait(self, shop: Shop) -> None:
        shop.set("WIDGET", 6)
        order = placed(shop.accept(shop.order_to_hold(("WIDGET", 2)))[0]).order
        assert attempt(lambda: shop.confirm(order.id)) == "not_settled"
        assert attempt(lambda: shop.extend(order.id, 60)) == "invalid_transition"
        assert shop.get(order.id) == order


def _to_expire(shop: Shop, count: int) -> list[Placement]:
    return [shop.order_to_hold(("WIDGET", 1), seconds=OVERDUE) for _ in range(count)]
