"""Fingerprints: the same command is the same through every driver, and any difference shows."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import pytest

from oms_core import (
    ALL_SCOPES,
    AdjustStock,
    Caller,
    ImportOrders,
    Oms,
    OrderLine,
    PlaceOrder,
    ReceiveStock,
    SetStock,
    Settings,
)
from oms_core.documents.json_text import parse_json
from oms_core.documents.orders import read_keyed_order, read_order
from oms_core.domain.fingerprints import order_fingerprint, stock_fingerprint

DOCUMENT: dict[str, Any] = {
    "customer_id": "C1",
    "currency": "EUR",
    "reference": "PO-1",
    "metadata": {"b": "2", "a": "1"},
    "lines": [{"sku": "ß", "quantity": 2, "unit_price": "12.50"}, {"sku": "A", "quantity": 1}],
}


def fingerprint(**changes: Any) -> bytes:
    return order_fingerprint(read_order(DOCUMENT | changes), "EUR")


def test_http_a_batch_and_the_library_give_the_same() -> None:
    from_library = PlaceOrder(
        customer_id="C1",
        currency="EUR",
        reference="PO-1",
        metadata={"a": "1", "b": "2"},
        lines=(OrderLine(sku="ß", quantity=2, unit_price=Decimal("12.5")), OrderLine(sku="A", quantity=1)),
        idempotency_key="K",
    )
    from_batch = read_keyed_order(parse_json(json.dumps(DOCUMENT | {"idempotency_key": "other"}).encode()))
    assert {order_fingerprint(command, "EUR") for command in (from_library, from_batch)} == {fingerprint()}
    assert len(fingerprint()) == 32


CSV = "idempotency_key,reference,customer_id,sku,quantity,unit_price\nK,PO-1,C1,ß,2,12.50\nK,PO-1,C1,A,1,\n"
JSONL = json.dumps({**DOCUMENT, "metadata": {}, "idempotency_key": "K"}) + "\n"


@pytest.mark.parametrize("file", [CSV, JSONL], ids=["CSV", "JSONL"])
def test_an_order_that_the_library_placed_is_replayed_by_an_import(file: str) -> None:
    caller = Caller(name="shop", scopes=ALL_SCOPES)
    with Oms.open(Settings(database_url="memory://")) as oms:
        for sku in ("ß", "A"):
            oms.stock.set(SetStock(sku=sku, on_hand=9), caller=caller)
        oms.orders.place(read_order(DOCUMENT | {"metadata": {}}, idempotency_key="K"), caller=caller)
        report = oms.imports.orders(ImportOrders(), io.BytesIO(file.encode()), caller=caller)
    assert (report.orders, report.replayed) == (1, 1)


def test_what_means_the_same_is_the_same() -> None:
    lines = [{"sku": "ß", "quantity": 2.0, "unit_price": "12.5000"}, {"sku": "A", "quantity": 1, "unit_price": None}]
    assert fingerprint(lines=lines) == fingerprint()
    assert fingerprint(metadata={"a": "1", "b": "2"}) == fingerprint()
    assert fingerprint(locations=None) == fingerprint()
    without = {name: value for name, value in DOCUMENT.items() if name != "currency"}
    assert order_fingerprint(read_order(without), "EUR") == fingerprint()


@pytest.mark.parametrize(
    "changes",
    [
        {"customer_id": "C2"},
        {"reference": None},
        {"reference": "PO-2"},
        {"metadata": {}},
        {"metadata": {"b": "2", "a": "1 "}},
        {"lines": DOCUMENT["lines"][:1]},
        {"lines": DOCUMENT["lines"][::-1]},
        {"lines": [DOCUMENT["lines"][0] | {"unit_price": "12.5001"}, DOCUMENT["lines"][1]]},
        {"lines": [DOCUMENT["lines"][0] | {"unit_price": None}, DOCUMENT["lines"][1]]},
        {"lines": [DOCUMENT["lines"][0] | {"quantity": 3}, DOCUMENT["lines"][1]]},
        {"lines": [DOCUMENT["lines"][0] | {"sku": "ss"}, DOCUMENT["lines"][1]]},
        {"locations": ["north"]},
    ],
    ids=str,
)
def test_any_difference_shows(changes: dict[str, Any]) -> None:
    assert fingerprint(**changes) != fingerprint()


def test_the_currency_that_was_not_given_counts() -> None:
    command = read_order({name: value for name, value in DOCUMENT.items() if name != "currency"})
    assert order_fingerprint(command, "EUR") != order_fingerprint(command, "JPY")


def test_the_locations_count_in_their_order() -> None:
    given = [["north"], ["north", "east"], ["east", "north"], ["northeast"]]
    assert len({fingerprint(locations=locations) for locations in given}) == len(given)


def test_fields_do_not_run_into_each_other() -> None:
    one = AdjustStock(sku="A", delta=1, reason="x", reference="yz")
    other = AdjustStock(sku="A", delta=1, reason="xy", reference="z")
    assert stock_fingerprint(one, "main") != stock_fingerprint(other, "main")


def test_every_part_of_a_change_of_stock_counts() -> None:
    changes = [
        stock_fingerprint(AdjustStock(sku="A", delta=1, reason="x"), "main"),
        stock_fingerprint(AdjustStock(sku="A", delta=1, reason="x"), "north"),
        stock_fingerprint(AdjustStock(sku="A", delta=-1, reason="x"), "main"),
        stock_fingerprint(AdjustStock(sku="a", delta=1, reason="x"), "main"),
        stock_fingerprint(AdjustStock(sku="A", delta=1, reason="y"), "main"),
        stock_fingerprint(AdjustStock(sku="A", delta=1, reason="x", reference="r"), "main"),
        stock_fingerprint(ReceiveStock(sku="A", quantity=1, reason="x"), "main"),
    ]
    assert len(set(changes)) == len(changes)
    again = AdjustStock(sku="A", delta=1, reason="x", location="main", idempotency_key="K")
    assert stock_fingerprint(again, "main") == changes[0]


def test_the_digest_stays_that_of_orders_stored_before() -> None:
    lines = [OrderLine(sku="A-1", quantity=2, unit_price=Decimal("9.99")), OrderLine(sku="B", quantity=1)]
    command = PlaceOrder(customer_id="Cé1", reference="R/1", metadata={"b": "2\n", "a": '"1"'}, lines=lines)
    assert order_fingerprint(command, "EUR").hex() == "7071f27214ed1b275c54b377c63cdf258f837074fb6369a43a4e30572252f775"
