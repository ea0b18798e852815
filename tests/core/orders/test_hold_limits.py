"""How long orders are held: what the order says, what the deployment does, and who may do without."""

from __future__ import annotations

import io
import json

import pytest
from oms_contracts.clock import TickingClock
from oms_memory import MemoryStorage

from oms_core import (
    ALL_SCOPES,
    Caller,
    ImportFormat,
    ImportOrders,
    Oms,
    OmsError,
    OrderLine,
    Placed,
    PlaceOrder,
    Ports,
    Scope,
    SetStock,
    Settings,
)
from oms_core.documents.messages import read_command
from oms_core.domain.orders.holds import HoldLimits

CLERK = Caller(name="clerk", scopes=ALL_SCOPES)
SHOP = Caller(name="shop", scopes=frozenset({Scope.ORDERS_WRITE}))


def oms(**settings: int) -> Oms:
    opened = Oms(settings=Settings(**settings), ports=Ports(storage=MemoryStorage(), clock=TickingClock()))  # type: ignore[arg-type]
    opened.stock.set(SetStock(sku="A", on_hand=100), caller=CLERK)
    return opened


def wanted(hold_seconds: int | None = None, key: str | None = None) -> PlaceOrder:
    lines = [OrderLine(sku="A", quantity=1)]
    return PlaceOrder(customer_id="C1", lines=lines, hold_seconds=hold_seconds, idempotency_key=key)


@pytest.mark.parametrize(
    ("usual", "given", "held"),
    [(0, None, None), (0, 60, 60), (0, 0, None), (900, None, 900), (900, 60, 60), (900, 0, None)],
)
def test_an_order_is_held_as_it_says_or_as_the_deployment_does(usual: int, given: int | None, held: int | None) -> None:
    order = oms(hold_seconds=usual).orders.place(wanted(given), caller=CLERK).order
    assert (order.hold_seconds, order.status.value) == (held, "pending" if held is None else "held")
    assert HoldLimits(seconds=usual).hold_of(given) == held


def test_accepted_orders_and_those_of_a_batch_are_held_alike() -> None:
    opened = oms(hold_seconds=900)
    (outcome,) = opened.orders.place_many([wanted()], caller=CLERK)
    accepted = opened.orders.accept(wanted(), caller=CLERK).order
    assert not isinstance(outcome, OmsError)
    assert [getattr(outcome, "order").hold_seconds, accepted.hold_seconds] == [900, 900]  # noqa: B009


def test_who_manages_orders_may_place_one_without_a_hold() -> None:
    opened = oms(hold_seconds=900)
    with pytest.raises(OmsError) as caught:
        opened.orders.place(wanted(0), caller=SHOP)
    assert (caught.value.code, caught.value.data) == ("forbidden", {"scope": "orders:manage"})
    assert opened.orders.place(wanted(60), caller=SHOP).order.hold_seconds == 60


def test_a_hold_is_as_long_as_the_deployment_allows() -> None:
    opened = oms(hold_seconds_max=600)
    assert opened.orders.place(wanted(600), caller=SHOP).order.hold_seconds == 600
    with pytest.raises(OmsError) as caught:
        opened.orders.place(wanted(601), caller=SHOP)
    assert [(each.pointer, each.code) for each in caught.value.errors] == [("/hold_seconds", "out_of_range")]


@pytest.mark.parametrize("given", [-1, True, 1.5, 31_622_401])
def test_a_wrong_hold_is_refused(given: object) -> None:
    with pytest.raises(OmsError, match="/hold_seconds"):
        wanted(given)  # type: ignore[arg-type]


def test_a_key_stands_for_the_hold_that_was_given_and_not_for_the_deployments() -> None:
    opened = oms(hold_seconds=900)
    first = opened.orders.place(wanted(key="K"), caller=CLERK).order
    later = Oms(settings=Settings(hold_seconds=60), ports=opened._ports)
    assert later.orders.place(wanted(key="K"), caller=CLERK).order == first
    with pytest.raises(OmsError, match="idempotency_key_reused"):
        opened.orders.place(wanted(900, key="K"), caller=CLERK)


def test_orders_of_a_file_are_held_where_they_say_so_only() -> None:
    opened = oms(hold_seconds=900)
    rows = [
        {"customer_id": "C1", "reference": f"R{number}", "lines": [{"sku": "A", "quantity": 1}]} for number in (1, 2)
    ]
    rows[1]["hold_seconds"] = 60
    file = io.BytesIO("\n".join(json.dumps(row) for row in rows).encode())
    assert opened.imports.orders(ImportOrders(format=ImportFormat.JSONL), file, caller=CLERK).placed == 2
    held = {order.reference: order.hold_seconds for order in opened.orders.list(caller=CLERK).items}
    assert held == {"R1": None, "R2": 60}


def test_a_command_of_the_queue_is_held_as_it_says_or_as_the_deployment_does() -> None:
    opened = oms(hold_seconds=900)
    document = {"customer_id": "C1", "lines": [{"sku": "A", "quantity": 1}]}
    commands = [
        read_command(json.dumps({**document, "idempotency_key": f"K{number}", **more}).encode())
        for number, more in enumerate(({}, {"hold_seconds": 60}, {"hold_seconds": 0}))
    ]
    outcomes = opened._workers._accept_commands(commands)
    assert [outcome.order.hold_seconds for outcome in outcomes if isinstance(outcome, Placed)] == [900, 60, None]
