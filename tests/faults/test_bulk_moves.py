"""A thousand orders of one hot product, moved in one call on PostgreSQL, beside others who move and buy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from oms_contracts.concurrency import run_together

from oms_core import (
    ALL_SCOPES,
    Caller,
    ChangeOrderStatuses,
    Oms,
    OmsError,
    Order,
    OrderLine,
    OrderStatus,
    Placed,
    PlaceOrder,
    SetStock,
    Settings,
)

CLERK = Caller(name="clerk", scopes=ALL_SCOPES)
ORDER = PlaceOrder(customer_id="C1", lines=[OrderLine(sku="HOT", quantity=1)])
ORDERS = 1_000


@pytest.fixture
def oms(postgresql_url: str) -> Iterator[Oms]:
    with Oms.open(Settings(database_url=postgresql_url)) as oms:
        oms.schema.upgrade()
        oms.stock.set(SetStock(sku="HOT", on_hand=10 * ORDERS), caller=CLERK)
        yield oms


def placed(oms: Oms) -> list[UUID]:
    outcomes = oms.orders.place_many([ORDER] * ORDERS, caller=CLERK)
    return [outcome.order.id for outcome in outcomes if isinstance(outcome, Placed)]


def cancel(oms: Oms, order_ids: list[UUID]) -> list[Order | OmsError]:
    command = ChangeOrderStatuses(order_ids=order_ids, status=OrderStatus.CANCELLED)
    return list(oms.orders.change_many(command, caller=CLERK))


def test_a_thousand_cancels_of_one_product_are_two_updates_of_its_level(
    oms: Oms, record_property: Callable[[str, object], None]
) -> None:
    order_ids = placed(oms)
    (before,) = oms.stock.get("HOT", caller=CLERK).levels
    began = time.perf_counter()
    moved = cancel(oms, order_ids)
    record_property("seconds", time.perf_counter() - began)
    (after,) = oms.stock.get("HOT", caller=CLERK).levels
    assert {order.version for order in moved if isinstance(order, Order)} == {2}
    assert (after.version, after.reserved) == (before.version + 2, 0)
    assert not oms.audit(caller=CLERK).discrepancies


def test_calls_over_the_same_orders_and_buyers_at_once_meet_no_deadlock(oms: Oms) -> None:
    order_ids = placed(oms)

    def buy() -> list[Order | OmsError]:
        return [oms.orders.place(ORDER, caller=CLERK).order for _ in range(20)]

    def ship() -> list[Order | OmsError]:
        command = ChangeOrderStatuses(order_ids=order_ids[::-1], status=OrderStatus.SHIPPED)
        return list(oms.orders.change_many(command, caller=CLERK))

    works = [lambda: cancel(oms, order_ids), lambda: cancel(oms, order_ids[::-1]), ship, buy, buy]
    for outcomes in run_together(works):
        errors = {outcome.code for outcome in outcomes if isinstance(outcome, OmsError)}
        assert errors <= {"invalid_transition"}
    level = oms.stock.get("HOT", caller=CLERK).levels[0]
    shipped = sum(order.status is OrderStatus.SHIPPED for order in oms.orders.export(caller=CLERK))
    assert (level.on_hand, level.reserved) == (10 * ORDERS - shipped, 40)
    assert not oms.audit(caller=CLERK).discrepancies
