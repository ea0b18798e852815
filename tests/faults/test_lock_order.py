"""Waiting rows are locked before orders, and both by id: the two deadlocks that other orders lead to do not happen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from uuid import UUID

import psycopg2
import pytest
from oms_contracts.storage_contract.shop import Shop
from oms_peewee import orders, settlement
from oms_peewee.order_queries import row_locked_order
from oms_peewee.session import Session

from oms_core.domain.orders.order import Order
from oms_core.domain.orders.statuses import OrderStatus
from tests.faults.rivals import DEADLINE_SECONDS, LOCK_WAITING, WAITING, count, rival
from tests.services import wait_until

LOCK_ORDER = "SELECT * FROM orders WHERE id = %s FOR UPDATE"


def cross(url: str, first: tuple[str, UUID], second: tuple[str, UUID], work: Callable[[], object]) -> None:
    """Lock one row, let the work wait for it, then lock another one; raise where the work has it already.

    The rival gives up before the server looks for deadlocks, or it would be the work that is ended, and done again.
    """
    working = threading.Thread(target=work)
    try:
        with rival(url) as cursor:
            cursor.execute("SET lock_timeout = '300ms'")
            cursor.execute(first[0], (str(first[1]),))
            working.start()
            wait_until(lambda: count(url, WAITING), DEADLINE_SECONDS, "the work waits for the first row")
            cursor.execute(second[0], (str(second[1]),))
            cursor.connection.rollback()
    finally:
        working.join(DEADLINE_SECONDS)


def cancel_while_settled(shop: Shop, url: str) -> Order:
    """Cancel an order whose waiting row a settlement has locked, and which then locks the order."""
    order = shop.queue_up(("WIDGET", 1))
    cross(url, (LOCK_WAITING, order.id), (LOCK_ORDER, order.id), lambda: shop.move(order.id, OrderStatus.CANCELLED))
    return shop.get(order.id)


def confirm_while_swept(shop: Shop, url: str) -> Order:
    """Confirm an overdue order whose waiting row a sweep has locked, and which then locks the order."""
    order = shop.hold(("WIDGET", 1), seconds=-60)
    cross(url, (LOCK_WAITING, order.id), (LOCK_ORDER, order.id), lambda: shop.confirm(order.id))
    return shop.get(order.id)


def settle_while_cancelled(shop: Shop, url: str) -> list[Order]:
    """Settle two orders, the first of which was retried, while somebody cancels both."""
    first, second = (shop.queue_up(("WIDGET", 99)), shop.queue_up(("WIDGET", 1)))
    shop.settle(first.id)
    shop.retry(first.id)
    shop.set("WIDGET", 200)
    ids = [second.id, first.id]  # As the queue has them.
    cross(url, (LOCK_WAITING, first.id), (LOCK_WAITING, second.id), lambda: shop.settle(*ids, claimed=ids))
    return [shop.get(first.id), shop.get(second.id)]


def test_who_cancels_holds_nothing_while_he_waits_for_a_settlement(shop: Shop, postgresql_url: str) -> None:
    assert cancel_while_settled(shop, postgresql_url).status is OrderStatus.CANCELLED


def test_who_confirms_holds_nothing_while_he_waits_for_a_sweep(shop: Shop, postgresql_url: str) -> None:
    assert confirm_while_swept(shop, postgresql_url).status is OrderStatus.PENDING


def test_a_sweep_passes_over_what_is_being_confirmed_and_locks_no_order_first(shop: Shop, postgresql_url: str) -> None:
    order, other = shop.hold(("WIDGET", 1), seconds=-60), shop.hold(("WIDGET", 1), seconds=-60)
    with rival(postgresql_url) as cursor:
        cursor.execute(LOCK_WAITING, (str(order.id),))
        assert shop.expire(order.id, other.id) == [other.id]
        cursor.execute(LOCK_ORDER, (str(order.id),))
    assert shop.expire(order.id) == [order.id]


@pytest.mark.parametrize("race", [cancel_while_settled, confirm_while_swept])
def test_with_the_order_locked_first_they_would_wait_for_each_other(
    shop: Shop, postgresql_url: str, monkeypatch: pytest.MonkeyPatch, race: Callable[[Shop, str], Order]
) -> None:
    lock_order = orders.lock_order

    def order_first(session: Session, order_id: UUID, owner: str | None) -> Order | None:
        row_locked_order(session, order_id, owner)
        return lock_order(session, order_id, owner)

    monkeypatch.setattr(orders, "lock_order", order_first)
    with pytest.raises((psycopg2.errors.LockNotAvailable, psycopg2.errors.DeadlockDetected)):
        race(shop, postgresql_url)


def test_who_settles_retried_orders_holds_none_while_he_waits_for_one_of_a_lower_id(
    shop: Shop, postgresql_url: str
) -> None:
    settled = settle_while_cancelled(shop, postgresql_url)
    assert [order.status for order in settled] == [OrderStatus.PENDING] * 2


def test_in_the_order_of_the_queue_they_would_wait_for_each_other(
    shop: Shop, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settlement, "sorted", list, raising=False)
    with pytest.raises((psycopg2.errors.LockNotAvailable, psycopg2.errors.DeadlockDetected)):
        settle_while_cancelled(shop, postgresql_url)


def test_an_order_that_begins_to_wait_meanwhile_is_locked_anew(shop: Shop, postgresql_url: str) -> None:
    order = shop.queue_up(("WIDGET", 99))
    shop.settle(order.id)
    moved: list[Order] = []
    cancelling = threading.Thread(target=lambda: moved.append(shop.move(order.id, OrderStatus.CANCELLED)))
    with rival(postgresql_url) as cursor:
        cursor.execute(LOCK_ORDER, (str(order.id),))
        cancelling.start()
        wait_until(lambda: count(postgresql_url, WAITING), DEADLINE_SECONDS, "the cancellation waits for the order")
        cursor.execute(
            "UPDATE orders SET status = 'queued', version = version + 1, failure = NULL WHERE id = %s", (str(order.id),)
        )
        cursor.execute(
            "INSERT INTO waiting_orders (order_id, queue_no, since, waits_for) VALUES (%s, 99, now(), 'place')",
            (str(order.id),),
        )
        cursor.connection.commit()
    cancelling.join(DEADLINE_SECONDS)
    assert [(each.status, each.version) for each in moved] == [(OrderStatus.CANCELLED, 4)]
    assert count(postgresql_url, "SELECT count(*) FROM waiting_orders") == 0
