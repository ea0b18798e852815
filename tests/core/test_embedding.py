"""The surface for programs that embed the core: what it exports, how it opens, and that threads may share it."""

from __future__ import annotations

import inspect
import logging
import os
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from oms_contracts.clock import TickingClock
from oms_contracts.concurrency import run_together
from oms_memory import MemoryStorage

import oms_core
from oms_core import (
    ALL_SCOPES,
    Caller,
    ChangeOrderStatus,
    Oms,
    OmsError,
    OrderLine,
    OrderStatus,
    Placed,
    PlaceOrder,
    Ports,
    ReceiveStock,
    Refused,
    RetryOrder,
    SetStock,
    Settings,
)
from oms_core.ports.storage import Storage
from tests.surface import METHODS

CALLER = Caller(name="program", scopes=ALL_SCOPES)


def order(sku: str = "WIDGET", quantity: int = 1, **given: Any) -> PlaceOrder:
    return PlaceOrder(lines=[OrderLine(sku=sku, quantity=quantity)], **({"customer_id": "C1"} | given))


@pytest.fixture(params=[True, False], ids=["group commit", "one by one"])
def oms(request: pytest.FixtureRequest) -> Iterator[Oms]:
    with Oms.open(Settings(database_url="memory://", group_commit=request.param)) as oms:
        oms.stock.set(SetStock(sku="WIDGET", on_hand=100), caller=CALLER)
        yield oms


@pytest.mark.parametrize("name", oms_core.__all__)
def test_everything_that_is_exported_exists_and_is_documented(name: str) -> None:
    exported = getattr(oms_core, name)
    if inspect.isclass(exported):
        assert exported.__doc__
        assert not exported.__doc__.startswith(f"{name}("), "a dataclass's own signature is no documentation"


def test_exports_are_sorted_and_unique() -> None:
    assert len(set(oms_core.__all__)) == len(oms_core.__all__)


def ours(annotation: object) -> Iterator[type]:
    """List the classes of ours that an annotation names, Protocols apart."""
    for argument in typing.get_args(annotation):
        yield from ours(argument)
    origin = typing.get_origin(annotation) or annotation
    if (
        inspect.isclass(origin)
        and origin.__module__.startswith("oms_core")
        and not getattr(origin, "_is_protocol", False)
    ):
        yield origin


def reachable(found: type, seen: set[type]) -> set[type]:
    """Add a class and those that its fields name."""
    if found not in seen:
        seen.add(found)
        if is_dataclass(found):
            hints = typing.get_type_hints(found)
            for entry in fields(found):
                for inner in ours(hints[entry.name]):
                    reachable(inner, seen)
    return seen


def test_every_type_that_a_program_gives_or_gets_is_exported() -> None:
    met: set[type] = set()
    for method in METHODS.values():
        for annotation in typing.get_type_hints(method).values():
            for found in ours(annotation):
                reachable(found, met)
    exported = {getattr(oms_core, name) for name in oms_core.__all__}
    unset = oms_core.UNSET.__class__
    assert {found.__name__ for found in met - exported - {unset}} == set()
    assert len(met) > 20


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_documented(name: str) -> None:
    assert METHODS[name].__doc__


def test_importing_reads_no_environment_opens_nothing_and_configures_no_logging() -> None:
    probe = (
        "import logging, os, threading\n"
        "class Watched(dict):\n"
        "    def __getitem__(self, key): raise SystemExit(f'read {key}')\n"
        "    get = __getitem__\n"
        "os.environ = Watched()\n"
        "import oms_core\n"
        "assert not logging.root.handlers and logging.root.level == logging.WARNING\n"
        "assert threading.active_count() == 1\n"
        "oms_core.Oms.open(oms_core.Settings(database_url='memory://')).close()\n"
    )
    subprocess.run([sys.executable, "-c", probe], check=True, env=os.environ | {"OMS_PORT": "wrong"})


def test_opening_configures_no_logging(oms: Oms) -> None:
    assert not logging.getLogger("oms_core").handlers


def test_an_order_runs_its_course(oms: Oms) -> None:
    placed = oms.orders.place(order(quantity=3), caller=CALLER)
    assert oms.stock.get("WIDGET", caller=CALLER).available == 97
    oms.orders.change_status(ChangeOrderStatus(order_id=placed.order.id, status=OrderStatus.SHIPPED), caller=CALLER)
    assert oms.orders.get(placed.order.id, caller=CALLER).status is OrderStatus.SHIPPED
    assert [event.event.type for event in oms.orders.events(placed.order.id, caller=CALLER).items] == [
        "order.placed",
        "shipment.created",
        "order.shipped",
    ]
    assert not oms.audit(caller=CALLER).discrepancies


def test_a_refused_order_is_raised_and_one_of_many_is_told(oms: Oms) -> None:
    with pytest.raises(OmsError) as caught:
        oms.orders.place(order(quantity=101), caller=CALLER)
    assert caught.value.data == {"shortages": [{"sku": "WIDGET", "requested": 101, "available": 100}]}
    unread = OmsError("validation_error", "unreadable")
    outcomes = oms.orders.place_many([order(quantity=101), unread, order(quantity=100)], caller=CALLER)
    assert [isinstance(outcome, Placed) for outcome in outcomes] == [False, False, True]
    assert outcomes[1] == Refused(error=unread)


@pytest.mark.parametrize("count", [0, 1_001])
def test_a_batch_has_one_to_a_thousand_orders(oms: Oms, count: int) -> None:
    with pytest.raises(OmsError) as caught:
        oms.orders.place_many([order()] * count, caller=CALLER)
    assert [found.pointer for found in caught.value.errors] == ["/orders"]
    assert oms.stock.get("WIDGET", caller=CALLER).reserved == 0


def test_an_order_whose_total_is_too_large_is_refused_alone(oms: Oms) -> None:
    line = OrderLine(sku="WIDGET", quantity=1_000_000, unit_price=Decimal(922_337_204))
    too_large = PlaceOrder(customer_id="C1", lines=[line])
    with pytest.raises(OmsError, match="total_too_large"):
        oms.orders.place(too_large, caller=CALLER)
    refused, placed = oms.orders.place_many([too_large, order()], caller=CALLER)
    assert isinstance(refused, Refused)
    assert refused.error.code == "total_too_large"
    assert isinstance(placed, Placed)


def test_threads_may_share_it(oms: Oms) -> None:
    def work(number: int) -> list[bool]:
        replays = []
        for turn in range(20):
            placed = oms.orders.place(order(idempotency_key=f"{turn}"), caller=CALLER)
            replays.append(placed.replayed)
            oms.orders.list(caller=CALLER, limit=5)
            oms.stock.receive(ReceiveStock(sku="WIDGET", quantity=1), caller=CALLER)
            oms.stock.get("WIDGET", caller=CALLER)
        return replays

    replays = [replay for result in run_together([partial(work, number) for number in range(8)]) for replay in result]
    product = oms.stock.get("WIDGET", caller=CALLER)
    assert (replays.count(False), product.reserved, product.on_hand) == (20, 20, 100 + 8 * 20)
    assert not oms.audit(caller=CALLER).discrepancies


def test_locations_are_served_in_the_order_of_the_settings() -> None:
    with Oms.open(Settings(database_url="memory://", locations=("north", "main"))) as oms:
        for location in ("main", "north", "attic"):
            oms.stock.set(SetStock(sku="WIDGET", on_hand=2, location=location), caller=CALLER)
        oms.orders.place(order(quantity=5), caller=CALLER)
        levels = {level.location: level.reserved for level in oms.stock.get("WIDGET", caller=CALLER).levels}
        assert levels == {"north": 2, "main": 2, "attic": 1}
        assert oms.stock.set(SetStock(sku="NEW", on_hand=1), caller=CALLER).product.levels[0].location == "north"


def test_the_currency_of_the_settings_is_the_default() -> None:
    with Oms.open(Settings(database_url="memory://", currency="JPY")) as oms:
        oms.stock.set(SetStock(sku="WIDGET", on_hand=2), caller=CALLER)
        assert oms.orders.place(order(), caller=CALLER).order.currency == "JPY"
        assert oms.orders.place(order(currency="EUR"), caller=CALLER).order.currency == "EUR"


def test_a_closed_system_places_no_further_order() -> None:
    oms = Oms.open(Settings(database_url="memory://"))
    oms.stock.set(SetStock(sku="WIDGET", on_hand=2), caller=CALLER)
    oms.orders.place(order(), caller=CALLER)
    oms.close()
    oms.close()
    with pytest.raises(OmsError, match="stopping"):
        oms.orders.place(order(), caller=CALLER)


def test_its_ports_may_be_given_by_hand() -> None:
    storage: Storage = MemoryStorage()
    with Oms(settings=Settings(), ports=Ports(storage=storage, clock=TickingClock()), waiting_max=1) as oms:
        oms.stock.set(SetStock(sku="WIDGET", on_hand=2), caller=CALLER)
        assert oms.orders.place(order(), caller=CALLER).order.id.version == 7
        oms.check()


@pytest.mark.parametrize("order_id", ["x", "", None, 5, b"x", "0190a1b2-0000-7000-8000-000000000000", "a\0b", "\ud800"])
def test_an_id_that_is_no_uuid_is_no_orders_whatever_the_database(oms: Oms, order_id: Any) -> None:
    asked: dict[str, Callable[[], object]] = {
        "get": lambda: oms.orders.get(order_id, caller=CALLER),
        "events": lambda: oms.orders.events(order_id, caller=CALLER),
        "wait": lambda: oms.orders.wait(order_id, caller=CALLER, timeout_seconds=0),
    }
    for work in asked.values():
        with pytest.raises(OmsError) as caught:
            work()
        assert caught.value.code == "order_not_found"
        assert caught.value.detail.isascii()
    commanded: list[Callable[[], object]] = [
        lambda: oms.orders.cancel(order_id, caller=CALLER),
        lambda: oms.orders.retry(RetryOrder(order_id=order_id), caller=CALLER),
    ]
    for work in commanded:
        with pytest.raises(OmsError) as caught:
            work()
        assert caught.value.code == "validation_error"


@pytest.mark.parametrize("sku", [None, 5, b"x", "a\0b", "\ud800", "x" * 10_000])
def test_what_cannot_be_a_sku_is_no_products_whatever_the_database(oms: Oms, sku: Any) -> None:
    for work in (oms.stock.get, oms.stock.movements):
        with pytest.raises(OmsError) as caught:
            work(sku, caller=CALLER)
        assert (caught.value.code, caught.value.detail.isascii()) == ("sku_not_found", True)
