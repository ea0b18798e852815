"""Fingerprints: the same command is the same through every driver, and any difference shows."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from typing import Any

import pytest

from oms_core import AdjustStock, OrderLine, PlaceOrder, ReceiveStock
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


def test_http_a_batch_a_file_and_the_library_give_the_same() -> None:
    from_library = PlaceOrder(
        customer_id="C1",
        currency="EUR",
        reference="PO-1",
        metadata={"a": "1", "b": "2"},
        lines=(OrderLine(sku="ß", quantity=2, unit_price=Decimal("12.5")), OrderLine(sku="A", quantity=1)),
        idempotency_key="K",
    )
    from_batch = read_keyed_order(parse_json(json.dumps(DOCUMENT | {"idempotency_key": "other"}).encode()))
    (row,) = csv.reader(io.StringIO("C1,EUR,PO-1"))
    from_file = read_order(DOCUMENT | dict(zip(["customer_id", "currency", "reference"], row, strict=True)))
    assert {order_fingerprint(command, "EUR") for command in (from_library, from_batch, from_file)} == {fingerprint()}
    assert len(fingerprint()) == 32


def test_what_means_the_same_is_the_same() -> None:
    lines = [{"sku": "ß", "quantity": 2.0, "unit_price": "12.5000"}, {"sku": "A", "quantity": 1, "unit_price": None}]
    assert fingerprint(lines=lines) == fingerprint()
    assert fingerprint(metadata={"a": "1", "b": "2"}) == fingerprint()
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
    ],
    ids=str,
)
def test_any_difference_shows(changes: dict[str, Any]) -> None:
    assert fingerprint(**changes) != fingerprint()


def test_the_currency_that_was_not_given_counts() -> None:
    command = read_order({name: value for name, value in DOCUMENT.items() if name != "currency"})
    assert order_fingerprint(command, "EUR") != order_fingerprint(command, "JPY")


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
