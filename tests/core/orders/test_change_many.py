"""Moving many orders: halved around a fault, and every outcome told as it is, whatever fails later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pytest
from oms_contracts.storage_contract.shop import CLERK, Shop, new_shop
from oms_memory import MemoryStorage

from oms_core import ChangeOrderStatuses, OmsError, Order, OrderStatus
from oms_core.domain.orders.bulk_changes import Acted
from oms_core.ports.order_storage import OrderStorage
from oms_core.use_cases.orders.change_many import change_many

UNAVAILABLE = OmsError("storage_unavailable", "the database is away")


@pytest.fixture
def shop() -> Shop:
    shop = new_shop(MemoryStorage())
    shop.set("A", 100)
    return shop


class FailingOrders:
    """The orders of a storage, whose `change_many` asks `fails` with the ids first, and raises what that gives."""

    def __init__(self, orders: OrderStorage, fails: Callable[[Sequence[UUID]], Exception | None]) -> None:
        self._orders = orders
        self._fails = fails

    def change_many(self, order_ids: Sequence[UUID], **given: Any) -> dict[UUID, Acted]:
        if error := self._fails(order_ids):
            raise error
        return self._orders.change_many(order_ids, **given)


def bought(shop: Shop, count: int) -> list[UUID]:
    return sorted(shop.buy(("A", 1)).id for _ in range(count))


def cancel(shop: Shop, order_ids: Sequence[UUID], fails: Callable[[Sequence[UUID]], Exception | None]) -> list[str]:
    """Cancel orders; tell of each its status, or the code of its error."""
    command = ChangeOrderStatuses(order_ids=order_ids, status=OrderStatus.CANCELLED)
    orders: Any = FailingOrders(shop.storage.orders, fails)
    moved = change_many(orders, command, caller=CLERK, clock=shop.clock)
    return [each.status.value if isinstance(each, Order) else each.code for each in moved]


def test_an_order_at_fault_costs_no_other(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    order_ids = bought(shop, 5)
    faulty = order_ids[3]
    told = cancel(shop, order_ids, lambda ids: ValueError("bad row") if faulty in ids else None)
    assert told == ["cancelled", "cancelled", "cancelled", "internal_error", "cancelled"]
    assert [record.getMessage() for record in caplog.records] == [f"order {faulty} cannot be changed"]
    assert shop.levels("A") == {"main": (100, 1)}


def test_what_was_moved_before_the_storage_failed_is_told_as_moved(shop: Shop) -> None:
    order_ids = bought(shop, 4)

    def fails(ids: Sequence[UUID]) -> Exception | None:
        if len(ids) == len(order_ids):
            return ValueError("a row is bad")
        return UNAVAILABLE if order_ids[3] in ids else None

    assert cancel(shop, order_ids, fails) == ["cancelled"] * 2 + ["storage_unavailable"] * 2
    assert [shop.get(each).status.value for each in order_ids] == ["cancelled"] * 2 + ["pending"] * 2


def test_a_storage_that_fails_at_once_fails_the_whole(shop: Shop) -> None:
    order_ids = bought(shop, 2)
    with pytest.raises(OmsError) as raised:
        cancel(shop, order_ids, lambda _: UNAVAILABLE)
    assert raised.value.code == "storage_unavailable"


def test_an_id_that_is_given_twice_is_one_order(shop: Shop) -> None:
    (order_id,) = bought(shop, 1)
    assert cancel(shop, [order_id, order_id], lambda _: None) == ["cancelled", "cancelled"]
    assert shop.get(order_id).version == 2
