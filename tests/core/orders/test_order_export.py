"""Exporting orders: all of them once, page by page, as far as the caller may see."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from oms_core import ALL_SCOPES, Caller, Oms, OmsError, OrderFilter, OrderLine, PlaceOrder, Scope, SetStock, Settings

CLERK = Caller(name="clerk", scopes=ALL_SCOPES)


@pytest.fixture
def oms() -> Iterator[Oms]:
    with Oms.open(Settings(database_url="memory://")) as oms:
        oms.stock.set(SetStock(sku="WIDGET", on_hand=10_000), caller=CLERK)
        yield oms


def place(oms: Oms, count: int, *, customer: str = "C1", lines: int = 1) -> list[str]:
    command = PlaceOrder(customer_id=customer, lines=[OrderLine(sku="WIDGET", quantity=1)] * lines)
    return [str(oms.orders.place(command, caller=CLERK).order.id) for _ in range(count)]


@pytest.mark.parametrize(("count", "lines"), [(0, 1), (1, 1), (225, 1), (226, 1), (500, 1), (7, 700)])
def test_every_order_is_there_once_whatever_the_pages(oms: Oms, count: int, lines: int) -> None:
    placed = place(oms, count, lines=lines)
    assert [str(order.id) for order in oms.orders.export(OrderFilter(oldest_first=True), caller=CLERK)] == placed
    assert [str(order.id) for order in oms.orders.export(caller=CLERK)] == placed[::-1]


def test_a_caller_bound_to_a_customer_exports_its_own(oms: Oms) -> None:
    place(oms, 3)
    (mine,) = place(oms, 1, customer="C2")
    bound = Caller(name="shop", scopes=frozenset({Scope.ORDERS_READ}), customer_id="C2")
    assert [str(order.id) for order in oms.orders.export(caller=bound)] == [mine]
    assert list(oms.orders.export(OrderFilter(customer_id="C1"), caller=bound)) == []


def test_who_may_not_read_is_told_at_once(oms: Oms) -> None:
    with pytest.raises(OmsError, match="forbidden"):
        oms.orders.export(caller=Caller(name="shop", scopes=frozenset({Scope.ORDERS_WRITE})))


def test_an_export_holds_a_page_of_orders_however_many_there_are(tmp_path: object) -> None:
    with Oms.open(Settings(database_url=f"sqlite:///{tmp_path}/oms.db")) as oms:
        oms.stock.set(SetStock(sku="WIDGET", on_hand=10_000), caller=CLERK)
        for _ in range(6):
            command = PlaceOrder(customer_id="C1", lines=[OrderLine(sku="WIDGET", quantity=1)], reference="R" * 100)
            oms.orders.place_many([command] * 1_000, caller=CLERK)
        next(oms.orders.export(caller=CLERK))
        tracemalloc.start()
        try:
            assert sum(1 for _ in oms.orders.export(caller=CLERK)) == 6_000
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 4 * 1024 * 1024, "6,000 orders would take more than 12 MB"
