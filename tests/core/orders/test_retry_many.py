"""Retrying many orders: those that a filter finds, each on its own, within a bound."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_memory import MemoryStorage

from oms_core import (
    ALL_SCOPES,
    Caller,
    Changed,
    Oms,
    OmsError,
    OrderFilter,
    Orders,
    OrderStatus,
    Ports,
    RetryOrder,
    Settings,
)
from oms_core.domain.callers import Scope
from oms_core.domain.orders.queueing import RETRIABLE
from oms_core.use_cases.orders.retry_many import RetryReport, retry_many

CLERK = Caller(name="clerk", scopes=ALL_SCOPES)
QUEUED, FAILED, REJECTED = OrderStatus.QUEUED, OrderStatus.FAILED, OrderStatus.REJECTED


@pytest.fixture
def shop() -> Shop:
    shop = new_shop(MemoryStorage())
    shop.set("A", 100)
    return shop


def failed(shop: Shop, **given: Any) -> UUID:
    return shop.fail(shop.queue_up(("A", 1), **given).id, attempts=3).id


def rejected(shop: Shop, **given: Any) -> UUID:
    order_id = shop.queue_up(("A", 101), **given).id
    shop.settle(order_id)
    return order_id


def retry(shop: Shop, *, limit: int = 1_000, caller: Caller = CLERK, **wanted: Any) -> RetryReport:
    return orders_of(shop).retry_many(OrderFilter(**wanted), limit=limit, caller=caller, reason="mended")


def orders_of(shop: Shop) -> Orders:
    return Oms(settings=Settings(), ports=Ports(storage=shop.storage, clock=shop.clock)).orders


def report(retried: int, refused: int = 0, *, more: bool = False) -> RetryReport:
    return RetryReport(retried=retried, refused=refused, more=more)


def statuses(shop: Shop, *order_ids: UUID) -> list[OrderStatus]:
    return [shop.get(order_id).status for order_id in order_ids]


def test_rejected_and_failed_orders_are_retried_as_new_and_no_others(shop: Shop) -> None:
    ids, pending = [failed(shop), rejected(shop)], shop.buy(("A", 1)).id
    waiting = shop.queue_up(("A", 1))
    assert retry(shop) == report(2)
    assert statuses(shop, *ids, pending) == [QUEUED, QUEUED, OrderStatus.PENDING]
    for order_id in ids:
        order = shop.get(order_id)
        assert (order.failure, order.attempts) == (None, 0)
        assert (order.queue_no or 0) > (waiting.queue_no or 0), "at the end of the queue"


def test_they_can_be_chosen(shop: Shop) -> None:
    one, two, three = failed(shop), rejected(shop), failed(shop, customer_id="C2")
    assert retry(shop, statuses=frozenset({REJECTED})) == report(1)
    assert statuses(shop, one, two, three) == [FAILED, QUEUED, FAILED]
    assert retry(shop, customer_id="C2", failure_code="internal_error") == report(1)
    assert statuses(shop, one, two, three) == [FAILED, QUEUED, QUEUED]
    assert retry(shop, failure_code="unknown_sku") == report(0)
    assert retry(shop, sku="A") == report(1)


def test_the_newest_come_first_and_more_is_told(shop: Shop) -> None:
    ids = [failed(shop) for _ in range(5)]
    assert retry(shop, limit=2) == report(2, more=True)
    assert statuses(shop, *ids) == [FAILED, FAILED, FAILED, QUEUED, QUEUED]
    assert retry(shop, limit=3) == report(3)


def test_one_that_changed_meanwhile_is_counted_and_stops_nothing(shop: Shop) -> None:
    ids = [failed(shop) for _ in range(3)]

    def one(order_id: UUID) -> Changed:
        if order_id == ids[1]:
            shop.move(order_id, OrderStatus.CANCELLED)
        return orders_of(shop).retry(RetryOrder(order_id=order_id), caller=CLERK)

    found = retry_many(shop.storage.orders, OrderFilter(), reason=None, limit=10, caller=CLERK, retry=one)
    assert found == report(2, refused=1)
    assert statuses(shop, *ids) == [QUEUED, OrderStatus.CANCELLED, QUEUED]


def test_a_database_that_goes_away_in_between_ends_it_and_what_was_retried_stays(shop: Shop) -> None:
    ids = [failed(shop) for _ in range(2)]

    def one(order_id: UUID) -> Changed:
        if order_id == ids[0]:
            raise OmsError("storage_unavailable", "away")
        return orders_of(shop).retry(RetryOrder(order_id=order_id), caller=CLERK)

    with pytest.raises(OmsError, match="storage_unavailable"):
        retry_many(shop.storage.orders, OrderFilter(), reason=None, limit=10, caller=CLERK, retry=one)
    assert statuses(shop, *ids) == [FAILED, QUEUED]


@pytest.mark.parametrize("status", [each for each in OrderStatus if each not in RETRIABLE])
def test_other_statuses_cannot_be_asked_for(shop: Shop, status: OrderStatus) -> None:
    with pytest.raises(OmsError, match="validation_error"):
        retry(shop, statuses=frozenset({status, FAILED}))


def test_expired_orders_are_retried_where_they_are_asked_for(shop: Shop) -> None:
    expired, turned_down = shop.hold(("A", 1), seconds=-60).id, rejected(shop)
    shop.expire(expired)
    assert retry(shop) == report(1)
    assert statuses(shop, expired, turned_down) == [OrderStatus.EXPIRED, QUEUED]
    assert retry(shop, statuses=frozenset({OrderStatus.EXPIRED})) == report(1)
    assert statuses(shop, expired, turned_down) == [QUEUED, QUEUED]


@pytest.mark.parametrize("limit", [0, -1, 1_001])
def test_the_bound_is_a_thousand(shop: Shop, limit: int) -> None:
    with pytest.raises(OmsError, match="validation_error"):
        retry(shop, limit=limit)


def test_a_customers_caller_retries_its_own_only(shop: Shop) -> None:
    own, other = failed(shop), failed(shop, customer_id="C2")
    customer = Caller(name="c1", scopes=frozenset({Scope.ORDERS_MANAGE}), customer_id="C1")
    assert retry(shop, caller=customer) == report(1)
    assert statuses(shop, own, other) == [QUEUED, FAILED]
    assert retry(shop, caller=customer, customer_id="C2") == report(0)
    assert statuses(shop, own, other) == [QUEUED, FAILED]


def test_the_scope_is_asked_for_also_where_nothing_is_to_be_retried(shop: Shop) -> None:
    with pytest.raises(OmsError, match="forbidden"):
        retry(shop, caller=Caller(name="shop", scopes=ALL_SCOPES - {Scope.ADMIN, Scope.ORDERS_MANAGE}))


def test_a_bad_reason_is_refused_also_where_nothing_is_to_be_retried(shop: Shop) -> None:
    def never(order_id: UUID) -> Changed:
        raise AssertionError(order_id)

    with pytest.raises(OmsError) as caught:
        retry_many(shop.storage.orders, OrderFilter(), reason="x" * 501, limit=10, caller=CLERK, retry=never)
    assert caught.value.errors[0].pointer == "/reason"


def test_a_retry_is_made_only_on_the_version_that_was_read(shop: Shop) -> None:
    order_id = rejected(shop)
    with pytest.raises(OmsError, match="version_mismatch"):
        retry_one(shop, RetryOrder(order_id=order_id, if_version=1))
    assert statuses(shop, order_id) == [REJECTED]
    assert retry_one(shop, RetryOrder(order_id=order_id, if_version=2)).order.status is QUEUED
    assert retry_one(shop, RetryOrder(order_id=order_id, if_version=2)).order.version == 3


def test_a_retry_under_a_key_is_made_once_and_stands_for_its_order_and_reason(shop: Shop) -> None:
    order_id, other_id = rejected(shop), rejected(shop)
    first = retry_one(shop, RetryOrder(order_id=order_id, idempotency_key="K", if_version=2))
    shop.settle(order_id)
    again = retry_one(shop, RetryOrder(order_id=order_id, idempotency_key="K", if_version=2))
    assert (first.replayed, again.replayed, again.order) == (False, True, shop.get(order_id))
    for command in (
        RetryOrder(order_id=other_id, idempotency_key="K"),
        RetryOrder(order_id=order_id, idempotency_key="K", reason="another"),
    ):
        with pytest.raises(OmsError, match="idempotency_key_reused"):
            retry_one(shop, command)
    assert statuses(shop, order_id, other_id) == [REJECTED, REJECTED]


@pytest.mark.parametrize(
    ("field", "value"),
    [("order_id", "x"), ("reason", ""), ("if_version", -1), ("if_version", True), ("idempotency_key", "")],
)
def test_a_bad_retry_says_where(field: str, value: object) -> None:
    given: dict[str, Any] = {"order_id": UUID(int=1), field: value}
    with pytest.raises(OmsError) as caught:
        RetryOrder(**given)
    assert [error.pointer for error in caught.value.errors] == [f"/{field}"]


def retry_one(shop: Shop, command: RetryOrder) -> Changed:
    return orders_of(shop).retry(command, caller=CLERK)
