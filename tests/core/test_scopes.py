"""Who may do what: the rights that each use case asks for, and what a caller bound to a customer sees."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from oms_core import (
    ALL_SCOPES,
    AdjustStock,
    Caller,
    ChangeOrderStatus,
    ImportMode,
    ImportOrders,
    ImportStock,
    Oms,
    OmsError,
    Order,
    OrderFilter,
    OrderLine,
    OrderStatus,
    PlaceOrder,
    ReceiveStock,
    Refused,
    Scope,
    SetStock,
    Settings,
)

OWNER = Caller(name="owner", scopes=ALL_SCOPES)
PLACE = PlaceOrder(customer_id="C1", lines=[OrderLine(sku="WIDGET", quantity=1)])
CSV = b"sku,quantity\nWIDGET,5\n"
JSONL = b'{"customer_id": "C1", "lines": [{"sku": "WIDGET", "quantity": 1}], "idempotency_key": "K"}\n'
Call = Callable[[Oms, UUID, Caller], object]


def move(status: OrderStatus) -> Call:
    def call(oms: Oms, order_id: UUID, caller: Caller) -> Order:
        return oms.change_order_status(ChangeOrderStatus(order_id=order_id, status=status), caller=caller)

    return call


def retry_queued(oms: Oms, _: UUID, caller: Caller) -> Order:
    """Retry the order that is queued, which leaves it as it is."""
    (queued,) = oms.list_orders(OrderFilter(statuses=frozenset({OrderStatus.QUEUED})), caller=OWNER).items
    return oms.retry_order(queued.id, caller=caller)


# Each use case, as (method, a call of it, the scopes it asks for).
USE_CASES: list[tuple[str, Call, set[Scope]]] = [
    ("place_order", lambda oms, _, who: oms.place_order(PLACE, caller=who), {Scope.ORDERS_WRITE}),
    ("place_orders", lambda oms, _, who: oms.place_orders([PLACE], caller=who), {Scope.ORDERS_WRITE}),
    ("accept_order", lambda oms, _, who: oms.accept_order(PLACE, caller=who), {Scope.ORDERS_WRITE}),
    ("retry_order", retry_queued, {Scope.ORDERS_MANAGE}),
    ("retry_orders", lambda oms, _, who: oms.retry_orders(OrderFilter(), caller=who), {Scope.ORDERS_MANAGE}),
    ("get_queue_status", lambda oms, _, who: oms.get_queue_status(caller=who), {Scope.ORDERS_READ}),
    ("list_dead_letters", lambda oms, _, who: oms.list_dead_letters(caller=who), {Scope.ORDERS_MANAGE}),
    ("replay_dead_letters", lambda oms, _, who: oms.replay_dead_letters(None, caller=who), {Scope.ORDERS_MANAGE}),
    ("discard_dead_letters", lambda oms, _, who: oms.discard_dead_letters(None, caller=who), {Scope.ORDERS_MANAGE}),
    (
        "import_orders",
        lambda oms, _, who: oms.import_orders(ImportOrders(), io.BytesIO(JSONL), caller=who),
        {Scope.ORDERS_WRITE},
    ),
    ("get_order", lambda oms, order_id, who: oms.get_order(order_id, caller=who), {Scope.ORDERS_READ}),
    ("list_orders", lambda oms, _, who: oms.list_orders(caller=who), {Scope.ORDERS_READ}),
    ("list_order_events", lambda oms, order_id, who: oms.list_order_events(order_id, caller=who), {Scope.ORDERS_READ}),
    ("cancel_order", lambda oms, order_id, who: oms.cancel_order(order_id, caller=who), {Scope.ORDERS_WRITE}),
    ("change_order_status", move(OrderStatus.CANCELLED), {Scope.ORDERS_WRITE}),
    ("change_order_status", move(OrderStatus.PROCESSING), {Scope.ORDERS_MANAGE}),
    ("change_order_status", move(OrderStatus.SHIPPED), {Scope.ORDERS_MANAGE}),
    ("change_order_status", move(OrderStatus.PENDING), {Scope.ORDERS_MANAGE}),
    (
        "set_stock",
        lambda oms, _, who: oms.set_stock(SetStock(sku="NEW", on_hand=1), caller=who),
        {Scope.INVENTORY_WRITE},
    ),
    (
        "adjust_stock",
        lambda oms, _, who: oms.adjust_stock(AdjustStock(sku="WIDGET", delta=1, reason="x"), caller=who),
        {Scope.INVENTORY_WRITE},
    ),
    (
        "receive_stock",
        lambda oms, _, who: oms.receive_stock(ReceiveStock(sku="WIDGET", quantity=1), caller=who),
        {Scope.INVENTORY_WRITE},
    ),
    (
        "import_stock",
        lambda oms, _, who: oms.import_stock(ImportStock(mode=ImportMode.SET), io.BytesIO(CSV), caller=who),
        {Scope.INVENTORY_WRITE},
    ),
    ("get_product", lambda oms, _, who: oms.get_product("WIDGET", caller=who), {Scope.INVENTORY_READ}),
    ("list_products", lambda oms, _, who: oms.list_products(caller=who), {Scope.INVENTORY_READ}),
    ("list_movements", lambda oms, _, who: oms.list_movements("WIDGET", caller=who), {Scope.INVENTORY_READ}),
    ("export_stock", lambda oms, _, who: oms.export_stock(caller=who), {Scope.INVENTORY_READ}),
    ("audit", lambda oms, _, who: oms.audit(caller=who), {Scope.INVENTORY_READ, Scope.ORDERS_READ}),
]
IDS = [f"{number}-{method}" for number, (method, _, _) in enumerate(USE_CASES)]


@pytest.fixture
def oms() -> Iterator[Oms]:
    with Oms.open(Settings(database_url="memory://")) as oms:
        oms.set_stock(SetStock(sku="WIDGET", on_hand=100), caller=OWNER)
        oms.accept_order(PLACE, caller=OWNER)
        yield oms


@pytest.fixture
def order(oms: Oms) -> Order:
    return oms.place_order(PLACE, caller=OWNER).order


def refusal(work: Callable[..., object], *arguments: Any, **given: Any) -> OmsError:
    with pytest.raises(OmsError) as caught:
        work(*arguments, **given)
    return caught.value


def test_every_use_case_is_in_the_table() -> None:
    methods = {
        name
        for name, method in vars(Oms).items()
        if inspect.isfunction(method) and "caller" in inspect.signature(method).parameters and name[0] != "_"
    }
    assert methods == {method for method, _, _ in USE_CASES}


@pytest.mark.parametrize(("method", "call", "needed"), USE_CASES, ids=IDS)
def test_a_use_case_needs_its_scopes_and_no_others(
    oms: Oms, order: Order, method: str, call: Call, needed: set[Scope]
) -> None:
    call(oms, order.id, Caller(name="x", scopes=frozenset(needed)))


@pytest.mark.parametrize(("method", "call", "needed"), USE_CASES, ids=IDS)
def test_without_one_of_its_scopes_it_is_forbidden_and_changes_nothing(
    oms: Oms, order: Order, method: str, call: Call, needed: set[Scope]
) -> None:
    for missing in needed:
        held = ALL_SCOPES - {missing, Scope.ADMIN}
        before = oms.get_product("WIDGET", caller=OWNER), oms.list_orders(caller=OWNER)
        error = refusal(call, oms, order.id, Caller(name="x", scopes=held))
        assert (error.code, error.data) == ("forbidden", {"scope": missing.value})
        assert (oms.get_product("WIDGET", caller=OWNER), oms.list_orders(caller=OWNER)) == before


@pytest.mark.parametrize(("method", "call", "needed"), USE_CASES, ids=IDS)
def test_an_admin_may_do_everything(oms: Oms, order: Order, method: str, call: Call, needed: set[Scope]) -> None:
    call(oms, order.id, Caller(name="x", scopes=frozenset({Scope.ADMIN})))


@pytest.fixture
def customer() -> Caller:
    return Caller(name="shop of C2", scopes=ALL_SCOPES, customer_id="C2")


def test_anothers_order_is_not_there_for_a_customer(oms: Oms, order: Order, customer: Caller) -> None:
    for call in (
        lambda: oms.get_order(order.id, caller=customer),
        lambda: oms.list_order_events(order.id, caller=customer),
        lambda: oms.cancel_order(order.id, caller=customer),
        lambda: oms.retry_order(order.id, caller=customer),
        lambda: move(OrderStatus.SHIPPED)(oms, order.id, customer),
        lambda: move(OrderStatus.PENDING)(oms, order.id, customer),
    ):
        assert refusal(call).code == "order_not_found"
    assert oms.get_order(order.id, caller=OWNER) == order


def test_a_customer_lists_its_own_orders_only(oms: Oms, order: Order, customer: Caller) -> None:
    own = PlaceOrder(customer_id="C2", lines=PLACE.lines)
    mine = [oms.place_order(own, caller=customer).order for _ in range(3)]
    assert list(oms.list_orders(caller=customer).items) == mine[::-1]
    assert list(oms.list_orders(OrderFilter(customer_id="C2"), caller=customer).items) == mine[::-1]
    assert oms.list_orders(OrderFilter(customer_id="C1"), caller=customer).items == ()
    first = oms.list_orders(caller=customer, limit=2)
    assert oms.list_orders(caller=customer, cursor=first.next, limit=2).items == (mine[0],)
    others = oms.list_orders(caller=OWNER, limit=2)
    assert oms.list_orders(caller=customer, cursor=others.next, limit=9).items == (mine[0],)


def test_a_customer_places_for_itself_only(oms: Oms, customer: Caller) -> None:
    assert refusal(oms.place_order, PLACE, caller=customer).code == "forbidden"
    own = PlaceOrder(customer_id="C2", lines=PLACE.lines)
    other, mine = oms.place_orders([PLACE, own], caller=customer)
    assert isinstance(other, Refused)
    assert other.error.code == "forbidden"
    assert not isinstance(mine, Refused)
    assert oms.get_product("WIDGET", caller=OWNER).reserved == 1


def test_a_customer_moves_its_own_order(oms: Oms, customer: Caller) -> None:
    placed = oms.place_order(PlaceOrder(customer_id="C2", lines=PLACE.lines), caller=customer)
    assert oms.cancel_order(placed.order.id, caller=customer).status is OrderStatus.CANCELLED


@pytest.mark.parametrize(
    "given", [{"name": ""}, {"name": "n" * 129}, {"name": 5}, {"customer_id": ""}, {"request_id": "\x00"}], ids=str
)
def test_a_caller_is_named_in_words_that_can_be_kept(given: dict[str, Any]) -> None:
    assert refusal(Caller, **({"name": "x", "scopes": ALL_SCOPES} | given)).code == "validation_error"
