"""What a caller bound to a customer finds, by whichever way it asks: never another customer's order."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from oms_core import (
    ALL_SCOPES,
    Caller,
    ChangeOrderStatus,
    ImportOrders,
    ImportReject,
    Oms,
    OmsError,
    Order,
    OrderFilter,
    OrderLine,
    OrderStatus,
    PlaceOrder,
    Refused,
    RetryOrder,
    Scope,
    SetStock,
    Settings,
)

OWNER = Caller(name="owner", scopes=ALL_SCOPES)
PLACE = PlaceOrder(customer_id="C1", lines=[OrderLine(sku="WIDGET", quantity=1)])


@pytest.fixture
def oms() -> Iterator[Oms]:
    with Oms.open(Settings(database_url="memory://")) as oms:
        oms.stock.set(SetStock(sku="WIDGET", on_hand=100), caller=OWNER)
        oms.orders.accept(PLACE, caller=OWNER)
        yield oms


@pytest.fixture
def order(oms: Oms) -> Order:
    return oms.orders.place(PLACE, caller=OWNER).order


def move(order: Order, status: OrderStatus) -> ChangeOrderStatus:
    return ChangeOrderStatus(order_id=order.id, status=status)


def refusal(work: Callable[..., object], *arguments: Any, **given: Any) -> OmsError:
    with pytest.raises(OmsError) as caught:
        work(*arguments, **given)
    return caught.value


@pytest.fixture
def customer() -> Caller:
    return Caller(name="shop of C2", scopes=ALL_SCOPES, customer_id="C2")


def test_anothers_order_is_not_there_for_a_customer(oms: Oms, order: Order, customer: Caller) -> None:
    for call in (
        lambda: oms.orders.get(order.id, caller=customer),
        lambda: oms.orders.events(order.id, caller=customer),
        lambda: oms.orders.cancel(order.id, caller=customer),
        lambda: oms.orders.retry(RetryOrder(order_id=order.id), caller=customer),
        lambda: oms.orders.change_status(move(order, OrderStatus.SHIPPED), caller=customer),
        lambda: oms.orders.change_status(move(order, OrderStatus.PENDING), caller=customer),
    ):
        assert refusal(call).code == "order_not_found"
    assert oms.orders.get(order.id, caller=OWNER) == order


def test_a_customer_lists_its_own_orders_only(oms: Oms, order: Order, customer: Caller) -> None:
    own = PlaceOrder(customer_id="C2", lines=PLACE.lines)
    mine = [oms.orders.place(own, caller=customer).order for _ in range(3)]
    assert list(oms.orders.list(caller=customer).items) == mine[::-1]
    assert list(oms.orders.list(OrderFilter(customer_id="C2"), caller=customer).items) == mine[::-1]
    assert oms.orders.list(OrderFilter(customer_id="C1"), caller=customer).items == ()
    first = oms.orders.list(caller=customer, limit=2)
    assert oms.orders.list(caller=customer, cursor=first.next, limit=2).items == (mine[0],)
    others = oms.orders.list(caller=OWNER, limit=2)
    assert oms.orders.list(caller=customer, cursor=others.next, limit=9).items == (mine[0],)


def test_a_customer_places_for_itself_only(oms: Oms, customer: Caller) -> None:
    assert refusal(oms.orders.place, PLACE, caller=customer).code == "forbidden"
    own = PlaceOrder(customer_id="C2", lines=PLACE.lines)
    other, mine = oms.orders.place_many([PLACE, own], caller=customer)
    assert isinstance(other, Refused)
    assert other.error.code == "forbidden"
    assert not isinstance(mine, Refused)
    assert oms.stock.get("WIDGET", caller=OWNER).reserved == 1


def test_a_customer_moves_its_own_order(oms: Oms, customer: Caller) -> None:
    placed = oms.orders.place(PlaceOrder(customer_id="C2", lines=PLACE.lines), caller=customer)
    assert oms.orders.cancel(placed.order.id, caller=customer).status is OrderStatus.CANCELLED


def keyed(customer_id: str) -> PlaceOrder:
    return PlaceOrder(customer_id=customer_id, lines=PLACE.lines, idempotency_key="K")


def bound_to(customer_id: str | None) -> Caller:
    """One name, whatever it is bound to at the time."""
    return Caller(name="shop", scopes=ALL_SCOPES, customer_id=customer_id)


def place_in_batch(oms: Oms, command: PlaceOrder, caller: Caller) -> Order:
    (outcome,) = oms.orders.place_many([command], caller=caller)
    if isinstance(outcome, Refused):
        raise outcome.error
    return outcome.order


def import_one(oms: Oms, command: PlaceOrder, caller: Caller) -> None:
    line = {"customer_id": command.customer_id, "lines": [{"sku": "WIDGET", "quantity": 1}], "idempotency_key": "K"}
    rejects: list[ImportReject] = []
    source = io.BytesIO(json.dumps(line).encode())
    oms.imports.orders(ImportOrders(), source, caller=caller, rejects=rejects.append)
    for reject in rejects:
        raise OmsError(reject.code, reject.detail)


@pytest.mark.parametrize("former", [None, "C1"], ids=["was bound to nobody", "was bound to another"])
@pytest.mark.parametrize(
    "repeat",
    [
        lambda oms, command, caller: oms.orders.place(command, caller=caller),
        lambda oms, command, caller: oms.orders.accept(command, caller=caller),
        place_in_batch,
        import_one,
    ],
    ids=["place", "accept", "batch", "import"],
)
@pytest.mark.parametrize("first", ["place", "accept"])
def test_a_name_that_was_bound_anew_is_not_shown_the_order_of_its_key(
    oms: Oms, first: str, repeat: Callable[..., object], former: str | None
) -> None:
    order = getattr(oms.orders, first)(keyed("C1"), caller=bound_to(former)).order
    for command, code in ((keyed("C2"), "idempotency_key_reused"), (keyed("C1"), "forbidden")):
        error = refusal(repeat, oms, command, bound_to("C2"))
        assert error.code == code
        assert str(order.id) not in f"{error.detail} {error.data}"
    assert oms.orders.list(caller=bound_to("C2")).items == ()


def test_a_key_of_its_own_customer_stays_a_customers(oms: Oms) -> None:
    order = oms.orders.place(keyed("C1"), caller=bound_to(None)).order
    assert oms.orders.place(keyed("C1"), caller=bound_to("C1")).order == order


def test_waiting_for_anothers_order_ends_at_once_as_for_one_that_is_not_there(oms: Oms, customer: Caller) -> None:
    (queued,) = oms.orders.list(caller=OWNER).items
    for order_id in (queued.id, UUID(int=7)):
        error = refusal(oms.orders.wait, order_id, caller=customer, timeout_seconds=60)
        assert error.code == "order_not_found"


def test_only_whoever_places_need_be_told_what_is_available(oms: Oms) -> None:
    placing = Caller(name="shop", scopes=frozenset({Scope.ORDERS_WRITE}), customer_id="C2")
    too_many = PlaceOrder(customer_id="C2", lines=[OrderLine(sku="WIDGET", quantity=101)])
    error = refusal(oms.orders.place, too_many, caller=placing)
    assert error.data == {"shortages": [{"sku": "WIDGET", "requested": 101, "available": 100}]}
    assert refusal(oms.stock.get, "WIDGET", caller=placing).data == {"scope": "inventory:read"}


def test_stock_held_by_orders_is_refused_without_naming_one(oms: Oms, order: Order) -> None:
    error = refusal(oms.stock.set, SetStock(sku="WIDGET", on_hand=0), caller=OWNER)
    assert error.code == "stock_below_reserved"
    assert str(order.id) not in f"{error.detail} {error.data}"


@pytest.mark.parametrize(
    "given", [{"name": ""}, {"name": "n" * 129}, {"name": 5}, {"customer_id": ""}, {"request_id": "\x00"}], ids=str
)
def test_a_caller_is_named_in_words_that_can_be_kept(given: dict[str, Any]) -> None:
    assert refusal(Caller, **({"name": "x", "scopes": ALL_SCOPES} | given)).code == "validation_error"
