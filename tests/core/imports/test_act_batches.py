"""Batches of a file of acts: two at once but for one order's, and one that fails is told with what was made."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from oms_memory import MemoryStorage
from oms_memory.orders import MemoryOrders
from oms_memory.tables import Tables

from oms_core import CreateShipment, OmsError, OrderLine, OrderStatus, Placed, PlaceOrder, SetStock
from oms_core.imports import act_spool
from tests.core.imports.import_fixtures import CLERK
from tests.core.imports.shipping_desk import acts_over, json_line


class Away(MemoryOrders):
    """Is away after some transactions."""

    transactions = 1_000

    def change_many(self, *args: Any, **given: Any) -> Any:
        if not self.transactions:
            raise OmsError("storage_unavailable", "the database is away")
        self.transactions -= 1
        return super().change_many(*args, **given)


@pytest.mark.parametrize("noun", ["shipment", "return"])
@pytest.mark.parametrize("transactions", [0, 1, 2])
def test_an_import_that_was_broken_off_tells_how_far_it_came_and_goes_on(noun: str, transactions: int) -> None:
    storage = MemoryStorage()
    orders = storage.orders = Away(storage.tables)
    acts = acts_over(noun, storage)
    oms = acts.desk.importer.oms
    oms.stock.set(SetStock(sku="C", on_hand=1_200), caller=CLERK)
    commands = [PlaceOrder(customer_id="C1", lines=[OrderLine(sku="C", quantity=1)]) for _ in range(1_200)]
    placed = [
        each.order.id
        for part in (commands[:600], commands[600:])
        for each in oms.orders.place_many(part, caller=CLERK)
        if isinstance(each, Placed)
    ]
    if noun == "return":
        for part in (placed[:600], placed[600:]):
            oms.shipments.create_many([CreateShipment(order_id=order_id) for order_id in part], caller=CLERK)
    text = "".join(json_line(order_id, f"K{number}") for number, order_id in enumerate(placed))
    orders.transactions = transactions
    error = acts.refused(text)
    done = OrderStatus.SHIPPED if noun == "shipment" else OrderStatus.RETURNED
    made = sum(each.status is done for each in storage.tables.orders.values())
    assert (error.code, error.data["made"]) == ("storage_unavailable", made)
    assert f"{made} {noun}s were made" in error.detail
    assert bool(made) is bool(transactions)
    orders.transactions = 1_000
    assert acts.do(text) == acts.report(1_200, made=1_200 - made, replayed=made)
    oms.close()


class OneAtATime(MemoryOrders):
    """Orders whose first change waits a while for a second one to begin, which must not happen for the same order."""

    begun = 0
    overlapped = False

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables)
        self.second = threading.Event()

    def change_many(self, *args: Any, **given: Any) -> Any:
        self.begun += 1
        if self.begun == 1:
            self.overlapped = self.second.wait(0.3)
        else:
            self.second.set()
        return super().change_many(*args, **given)


@pytest.mark.parametrize("noun", ["shipment", "return"])
@pytest.mark.parametrize("overlaps", [False, True])
def test_batches_that_act_on_one_order_are_done_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch, noun: str, overlaps: bool
) -> None:
    monkeypatch.setattr(act_spool, "TRANSACTION_ORDERS_MAX", 1)
    storage = MemoryStorage()
    orders = storage.orders = OneAtATime(storage.tables)
    acts = acts_over(noun, storage)
    desk = acts.desk
    of_orders = (desk.first.id, desk.second.id if overlaps else desk.first.id)
    line = {"lines": [{"line_no": 1, "quantity": 1}]}
    rows = [
        json.dumps(line | {"order_id": str(order_id), "idempotency_key": key})
        for key, order_id in zip("KL", of_orders, strict=True)
    ]
    assert acts.do("\n".join(rows)) == acts.report(2, made=2)
    assert (orders.begun, orders.overlapped) == (2, overlaps)
    desk.importer.oms.close()
