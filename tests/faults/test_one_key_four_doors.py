"""One idempotency key at sixteen threads through four doors: REST, the queue, the library and the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from oms_contracts.concurrency import run_together

from oms_core import ALL_SCOPES, AdjustStock, Caller, Oms, Order, OrderLine, PlaceOrder, SetStock, Settings
from oms_http.app import create_app
from tests.adapters.rabbitmq_broker import RabbitmqVhost
from tests.cli.programs import Program
from tests.services.waiting import wait_until

SECONDS = 60
KEY = "cart-1"
SKU = "WIDGET"
STOCK = 100
ORDER: dict[str, Any] = {"customer_id": "C1", "reference": KEY, "lines": [{"sku": SKU, "quantity": 2}]}
IMPORT = f"reference,customer_id,sku,quantity\n{KEY},C1,{SKU},2\n".encode()
LOOKING = Caller(name="somebody else", scopes=ALL_SCOPES)
# A name for each door, as it was before they could be given one.
APART = {"queue": "commands", "library": "checkout", "cli": "ann"}

Door = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """One installation, and how its orders and its stock are asked for at each of its doors."""

    oms: Oms
    app: Flask
    broker: RabbitmqVhost
    program: Program
    actor: tuple[str, ...]
    library: Caller

    def orders(self) -> list[Door]:
        """Return the doors through which an order comes; a file of orders comes by the command line as well."""
        return [self._rest, self._queue, self._library, self._cli, partial(self._cli, "import")]

    def stock(self) -> list[Door]:
        """Return the doors through which a correction of stock comes."""
        return [self._rest_stock, self._library_stock, self._cli_stock]

    def all_orders(self) -> list[Order]:
        return list(self.oms.orders.list(caller=LOOKING).items)

    def wait_for_the_queue(self) -> None:
        def is_done() -> bool:
            is_taken = self.broker.waiting("commands.v1") == 0
            return is_taken and all(order.status.value == "pending" for order in self.all_orders())

        wait_until(is_done, SECONDS, "every command is taken, and every order placed")

    def _rest(self) -> str:
        answer = self.app.test_client().post("/v1/orders", json=ORDER, headers={"Idempotency-Key": f'"{KEY}"'})
        assert answer.status_code in {201, 202}, answer.text
        return str(answer.get_json()["id"])

    def _queue(self) -> None:
        self.broker.send_command(json.dumps({**ORDER, "idempotency_key": KEY}).encode())

    def _library(self) -> str:
        lines = [OrderLine(sku=SKU, quantity=2)]
        command = PlaceOrder(customer_id="C1", reference=KEY, lines=lines, idempotency_key=KEY)
        return str(self.oms.orders.place(command, caller=self.library).order.id)

    def _cli(self, verb: str = "place") -> None:
        place = ("--customer", "C1", "--reference", KEY, "--line", f"{SKU}:2", "--key", KEY)
        words = place if verb == "place" else ("-",)
        ran = self.program.run("orders", verb, *words, *self.actor, given=b"" if verb == "place" else IMPORT)
        assert ran.returncode == 0, ran.stderr

    def _rest_stock(self) -> None:
        path, document = f"/v1/inventory/{SKU}/adjustments", {"delta": -3, "reason": "broken"}
        answer = self.app.test_client().post(path, json=document, headers={"Idempotency-Key": KEY})
        assert answer.status_code == 200, answer.text

    def _library_stock(self) -> None:
        command = AdjustStock(sku=SKU, delta=-3, reason="broken", idempotency_key=KEY)
        self.oms.stock.adjust(command, caller=self.library)

    def _cli_stock(self) -> None:
        words = ("inventory", "adjust", SKU, "--reason", "broken", "--key", KEY, *self.actor)
        ran = self.program.run(*words, "--", "-3")
        assert ran.returncode == 0, ran.stderr


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/oms.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")


@pytest.fixture
def open_doors(
    database_url: str, rabbitmq_url: str, unique_name: str, tmp_path: Path
) -> Iterator[Callable[..., Doors]]:
    """Open an installation, as it comes, or with a name of its own for each door. Leave nothing of it."""
    broker = RabbitmqVhost(rabbitmq_url, unique_name)
    opened: list[Oms] = []

    def open_them(**names: str) -> Doors:
        apart = {"commands_caller": names["queue"]} if names else {}
        settings = Settings(database_url=database_url, queue_url=broker.url, queue_prefix=broker.prefix, **apart)
        oms = Oms.open(settings)
        opened.append(oms)
        oms.schema.upgrade()
        oms.stock.set(SetStock(sku=SKU, on_hand=STOCK), caller=LOOKING)
        assert oms.queue.dead_letters.list(caller=LOOKING) == []  # Which declares the queues.
        oms.start_worker()
        shared = oms.settings.local_caller_in_force
        variables = {"OMS_QUEUE_URL": broker.url, "OMS_QUEUE_PREFIX": broker.prefix}
        return Doors(
            oms=oms,
            app=create_app(oms),
            broker=broker,
            program=Program(folder=tmp_path, database_url=database_url).under(**variables),
            actor=("--actor", names["cli"]) if names else (),
            library=Caller(name=names.get("library", shared), scopes=ALL_SCOPES),
        )

    yield open_them
    for oms in opened:
        oms.close()
    broker.delete_all()


def sixteen(doors: list[Door]) -> list[Door]:
    return [doors[number % len(doors)] for number in range(16)]


def test_one_key_at_every_door_is_one_order(open_doors: Callable[..., Doors]) -> None:
    doors = open_doors()
    told = run_together(sixteen(doors.orders()))
    doors.wait_for_the_queue()
    (order,) = doors.all_orders()
    assert {each for each in told if each is not None} == {str(order.id)}
    product = doors.oms.stock.get(SKU, caller=LOOKING)
    assert (product.reserved, product.available) == (2, STOCK - 2)
    assert doors.oms.queue.dead_letters.list(caller=LOOKING) == []
    assert not doors.oms.audit(caller=LOOKING).discrepancies
    assert {event.actor for event in doors.oms.orders.events(order.id, caller=LOOKING).items} <= {"local", "worker"}


def test_a_name_for_each_door_is_an_order_for_each(open_doors: Callable[..., Doors]) -> None:
    """The control of the test above: what makes it one order is the name that the doors share."""
    doors = open_doors(**APART)
    run_together(sixteen(doors.orders()))
    doors.wait_for_the_queue()
    wait_until(lambda: len(doors.all_orders()) == 4, SECONDS, "REST, queue, library and command line have one each")
    assert doors.oms.stock.get(SKU, caller=LOOKING).reserved == 8


def test_one_key_at_every_door_corrects_stock_once(open_doors: Callable[..., Doors]) -> None:
    doors = open_doors()
    run_together(sixteen(doors.stock()))
    assert doors.oms.stock.get(SKU, caller=LOOKING).on_hand == STOCK - 3


def test_a_name_for_each_door_corrects_stock_at_each(open_doors: Callable[..., Doors]) -> None:
    """The control of the test above."""
    doors = open_doors(**APART)
    run_together(sixteen(doors.stock()))
    assert doors.oms.stock.get(SKU, caller=LOOKING).on_hand == STOCK - 9


def test_one_key_for_another_order_at_the_next_door_is_refused(open_doors: Callable[..., Doors]) -> None:
    """Whoever comes second by another door is told that the key is used, and nothing of the order that has it."""
    doors = open_doors()
    doors.broker.send_command(json.dumps({**ORDER, "customer_id": "C2", "idempotency_key": KEY}).encode())
    wait_until(lambda: len(doors.all_orders()) == 1, SECONDS, "the command is an order")
    answer = doors.app.test_client().post("/v1/orders", json=ORDER, headers={"Idempotency-Key": KEY})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "idempotency_key_reused")
    assert str(doors.all_orders()[0].id) not in answer.text
    ran = doors.program.run("orders", "place", "--customer", "C1", "--line", f"{SKU}:2", "--key", KEY)
    assert "idempotency_key_reused" in ran.stderr
    assert len(doors.all_orders()) == 1
