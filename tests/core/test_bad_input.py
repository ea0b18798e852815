"""Bad input is refused where it is read, by name, with a pointer to the wrong value and without growing."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest

from oms_core import AdjustStock, Caller, FieldError, OmsError, OrderFilter, ReceiveStock, SetStock
from oms_core.documents.json_text import parse_json
from oms_core.documents.messages import read_command, read_order_ids
from oms_core.documents.orders import read_keyed_order, read_order, show_refusal, whole
from tests.bad_input import BAD_ADJUSTMENTS, BAD_ORDERS, BAD_STOCK_SETS, BadInput
from tests.texts import BAD_NAMES, BAD_TEXTS, GOOD_PROSE


def refusal(read: Any, *arguments: Any, **keywords: Any) -> OmsError:
    with pytest.raises(OmsError) as caught:
        read(*arguments, **keywords)
    return caught.value


def pointers(error: OmsError) -> list[str]:
    return [found.pointer for found in error.errors]


@pytest.mark.parametrize("bad", BAD_ORDERS, ids=str)
def test_a_bad_order_is_refused(bad: BadInput) -> None:
    error = refusal(lambda: read_order(parse_json(bad.body)))
    assert error.code == bad.code
    assert (error.errors[0].pointer if error.errors else None) == bad.pointer


@pytest.mark.parametrize("bad", BAD_ORDERS, ids=str)
def test_a_refusal_can_be_written_as_json_and_stays_small(bad: BadInput) -> None:
    shown = show_refusal(refusal(lambda: read_order(parse_json(bad.body))))
    assert len(json.dumps(shown, ensure_ascii=False).encode()) < 20_000


@pytest.mark.parametrize("bad", BAD_STOCK_SETS, ids=str)
def test_a_bad_set_of_stock_is_refused(bad: BadInput) -> None:
    document: Any = parse_json(bad.body)
    error = refusal(SetStock, sku="WIDGET", **{name: whole(value) for name, value in document.items()})
    assert (error.code, error.errors[0].pointer) == (bad.code, bad.pointer)


@pytest.mark.parametrize("bad", BAD_ADJUSTMENTS, ids=str)
def test_a_bad_adjustment_is_refused(bad: BadInput) -> None:
    document: Any = parse_json(bad.body)
    error = refusal(AdjustStock, sku="WIDGET", **document)
    assert (error.code, error.errors[0].pointer) == (bad.code, bad.pointer)


@pytest.mark.parametrize("quantity", [0, -1, True, 1.0, "1", None, 10**12 + 1])
def test_a_bad_receipt_is_refused(quantity: Any) -> None:
    assert pointers(refusal(ReceiveStock, sku="WIDGET", quantity=quantity)) == ["/quantity"]


@pytest.mark.parametrize("sku", BAD_NAMES.values(), ids=list(BAD_NAMES))
def test_a_bad_sku_is_refused_by_every_command(sku: str) -> None:
    for command in (
        lambda: SetStock(sku=sku),
        lambda: AdjustStock(sku=sku, delta=1, reason="counted"),
        lambda: ReceiveStock(sku=sku, quantity=1),
    ):
        assert pointers(refusal(command)) == ["/sku"]


@pytest.mark.parametrize(
    "sku", ["A", "a.b", "...", "-", "Größe 42", "ß", "😀", "Café", "x" * 64, "a b", "日本", "%_'\""]
)
def test_a_good_sku_is_taken(sku: str) -> None:
    assert SetStock(sku=sku, location=sku).sku == sku


@pytest.mark.parametrize("text", BAD_TEXTS.values(), ids=list(BAD_TEXTS))
def test_a_bad_text_is_refused_as_a_key_a_caller_and_a_filter(text: str) -> None:
    document = {"customer_id": "C1", "lines": [{"sku": "A", "quantity": 1}]}
    assert pointers(refusal(read_order, document, idempotency_key=text)) == ["/idempotency_key"]
    assert pointers(refusal(read_keyed_order, document | {"idempotency_key": text})) == ["/idempotency_key"]
    assert pointers(refusal(Caller, name=text, scopes=frozenset())) == ["/caller/name"]
    assert pointers(refusal(OrderFilter, customer_id=text)) == ["/customer_id"]
    assert pointers(refusal(OrderFilter, sku=text)) == ["/sku"]
    assert pointers(refusal(OrderFilter, reference=text)) == ["/reference"]


@pytest.mark.parametrize("text", GOOD_PROSE.values(), ids=list(GOOD_PROSE))
def test_prose_is_taken_as_it_is_written(text: str) -> None:
    document = {"customer_id": "C1", "lines": [{"sku": "A", "quantity": 1}], "metadata": {"note": text}}
    assert read_order(document).metadata == {"note": text}
    command = SetStock(sku="A", on_hand=1, name=text, reason=text)
    assert (command.name, command.reason) == (text, text)


def test_a_character_that_cannot_be_seen_is_named_by_its_number() -> None:
    error = refusal(SetStock, sku="A\u3164")
    assert error.errors[0].detail == "must not contain U+3164, which cannot be seen or told from another character"
    assert "U+001B" in refusal(SetStock, sku="A", name="\x1b[2J").errors[0].detail


def test_a_key_that_came_beside_the_order_is_not_taken_from_within() -> None:
    document = {"customer_id": "C1", "lines": [{"sku": "A", "quantity": 1}], "idempotency_key": "K"}
    assert pointers(refusal(read_order, document)) == ["/idempotency_key"]
    assert read_keyed_order(document).idempotency_key == "K"


def test_every_wrong_value_is_reported_at_once() -> None:
    document = {
        "customer_id": "",
        "currency": "XX",
        "lines": [{"sku": "A/B", "quantity": 0}, {"sku": "A", "quantity": 1}],
    }
    assert pointers(refusal(read_order, document)) == ["/customer_id", "/currency", "/lines/0/sku", "/lines/0/quantity"]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"colour": 1, "lines": []}, ["/colour", "/customer_id", "/lines"]),
        (
            {"customer_id": "C\u3164", "lines": [{"sku": "A", "quantity": "1", "price": 1}, 7, {}], "colour": 1},
            [
                *("/colour", "/lines/0/price", "/lines/1", "/lines/2/sku", "/lines/2/quantity"),
                *("/customer_id", "/lines/0/quantity"),
            ],
        ),
        (
            {"customer_id": 1, "metadata": [], "lines": [{"sku": "A/", "quantity": 0, "unit_price": 1}]},
            ["/lines/0/unit_price", "/customer_id", "/metadata", "/lines/0/sku", "/lines/0/quantity"],
        ),
    ],
)
def test_fields_types_and_values_are_reported_in_one_answer(document: object, told: list[str]) -> None:
    for read in (read_order, read_keyed_order):
        assert pointers(refusal(read, document)) == told
    assert pointers(refusal(read_command, json.dumps(document).encode())) == ["/idempotency_key", *told]


def test_every_id_of_a_message_that_is_none_is_reported() -> None:
    body = b'{"order_ids": ["x", "019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10", 1]}'
    assert pointers(refusal(read_order_ids, body)) == ["/order_ids/0", "/order_ids/2"]


def test_however_much_is_wrong_a_hundred_findings_are_reported() -> None:
    document = {"customer_id": "C1", "lines": [{"sku": "A", "quantity": 0}] * 2_000}
    error = refusal(read_order, document)
    assert len(error.errors) == 100
    assert error.errors[0] == FieldError(
        pointer="/lines/0/quantity", code="out_of_range", detail="must be between 1 and 1000000"
    )


def test_a_depth_of_32_and_40_digits_are_read() -> None:
    assert parse_json(b"[" * 32 + b"1" + b"]" * 32)
    assert parse_json(b'"' + b"[" * 100 + b'"') == "[" * 100
    assert parse_json(b"9" * 40) == 10**40 - 1


def test_a_whole_number_may_be_written_with_a_point() -> None:
    order = read_order(parse_json(b'{"customer_id": "C1", "lines": [{"sku": "A", "quantity": 5.0}]}'))
    assert order.lines[0].quantity == 5
    assert type(order.lines[0].quantity) is int


def test_what_would_fill_the_memory_is_refused_before_it_is_read() -> None:
    """8 MiB of empty objects would take 250 MiB."""
    most = b"[" + b",".join([b"{}"] * 399_999) + b"]"
    assert len(parse_json(most)) == 399_999  # type: ignore[arg-type]
    hungry = b"[" + b",".join([b'{"":0}'] * 1_198_000) + b"]"
    tracemalloc.start()
    try:
        with pytest.raises(OmsError, match="more than 400,000 objects and arrays"):
            parse_json(hungry)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
