"""Bodies of returns that are wrong: each is refused at its pointer, and nothing has come back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.http.asking import figures, place, read, refused, stock
from tests.http.conformance import ConformingClient, validator_of
from tests.http.returning import ship

LINE = {"line_no": 1, "quantity": 1}


@pytest.fixture
def path(client: ConformingClient) -> str:
    """The returns of an order of three widgets that was shipped."""
    stock(client)
    order = place(client, quantity=3)
    ship(client, order)
    return f"/v1/orders/{order['id']}/returns"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"more": 1}, "/more"),
        ({"lines": []}, "/lines"),
        ({"lines": {}}, "/lines"),
        ({"lines": [LINE] * 2_001}, "/lines"),
        ({"lines": [LINE, LINE]}, "/lines/1"),
        ({"lines": [LINE, {**LINE, "disposition": "restock"}]}, "/lines/1"),
        ({"lines": [1]}, "/lines/0"),
        ({"lines": [{"line_no": 1}]}, "/lines/0/quantity"),
        ({"lines": [{"quantity": 1}]}, "/lines/0"),
        ({"lines": [{"line_no": None, "sku": None, "quantity": 1}]}, "/lines/0"),
        ({"lines": [{**LINE, "sku": "WIDGET"}]}, "/lines/0"),
        ({"lines": [{**LINE, "quantity": 0}]}, "/lines/0/quantity"),
        ({"lines": [{**LINE, "quantity": 1_000_001}]}, "/lines/0/quantity"),
        ({"lines": [{**LINE, "quantity": "1"}]}, "/lines/0/quantity"),
        ({"lines": [{**LINE, "line_no": 0}]}, "/lines/0/line_no"),
        ({"lines": [{**LINE, "line_no": 2_001}]}, "/lines/0/line_no"),
        ({"lines": [{**LINE, "line_no": 2}]}, "/lines/0/line_no"),
        ({"lines": [{"sku": "GADGET", "quantity": 1}]}, "/lines/0/sku"),
        ({"lines": [{"sku": "x" * 65, "quantity": 1}]}, "/lines/0/sku"),
        ({"lines": [{**LINE, "price": "1"}]}, "/lines/0/price"),
        ({"lines": [{**LINE, "disposition": "burnt"}]}, "/lines/0/disposition"),
        ({"lines": [{**LINE, "disposition": ""}]}, "/lines/0/disposition"),
        ({"lines": [{**LINE, "disposition": 1}]}, "/lines/0/disposition"),
        ({"lines": [{**LINE, "location": ""}]}, "/lines/0/location"),
        ({"lines": [{**LINE, "location": "a/b"}]}, "/lines/0/location"),
        ({"lines": [{**LINE, "location": "nowhere"}]}, "/lines/0/location"),
        ({"lines": [{**LINE, "disposition": "discard", "location": "main"}]}, "/lines/0/location"),
        ({"lines": [{**LINE, "disposition": "missing", "location": "main"}]}, "/lines/0/location"),
        ({"lines": [{**LINE, "disposition": "quarantine", "location": "main"}]}, "/lines/0/location"),
        ({"reference": ""}, "/reference"),
        ({"reference": "x" * 256}, "/reference"),
        ({"reason": ""}, "/reason"),
        ({"reason": 1}, "/reason"),
        ({"location": "main"}, "/location"),
        ({"idempotency_key": "K"}, "/idempotency_key"),
    ],
)
def test_a_wrong_return_is_refused(client: ConformingClient, path: str, body: dict[str, Any], pointer: str) -> None:
    refused(client.post(path, json=body), 422, "validation_error", pointer)
    assert read(client.get(path))["items"] == []
    assert figures(client) == (7, 0, 7)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({"disposition": "burnt"}, "unknown_disposition"),
        ({"location": "nowhere"}, "unknown_location"),
        ({"disposition": "discard", "location": "main"}, "no_location"),
        ({"disposition": "quarantine", "location": "main"}, "sells"),
    ],
)
def test_what_is_wrong_with_a_place_has_a_code(
    client: ConformingClient, path: str, line: dict[str, Any], code: str
) -> None:
    problem = refused(client.post(path, json={"lines": [LINE | line]}), 422, "validation_error")
    assert [found["code"] for found in problem["errors"]] == [code]


def test_all_that_is_wrong_with_a_return_is_told_at_once(client: ConformingClient, path: str) -> None:
    body = {"reference": "", "lines": [{"line_no": 1, "quantity": 0, "disposition": "burnt"}], "reason": ""}
    answer = client.post(path, json=body, headers={"Idempotency-Key": "\u00e9"})
    found = {each["pointer"] for each in refused(answer, 422, "validation_error")["errors"]}
    assert found == {"/reference", "/lines/0/quantity", "/lines/0/disposition", "/reason", "/idempotency_key"}


def test_whole_numbers_may_have_a_point(client: ConformingClient, path: str) -> None:
    made = read(client.post(path, json={"lines": [{"line_no": 1.0, "quantity": 2.0}]}))
    assert (made["lines"][0]["line_no"], made["lines"][0]["quantity"]) == (1, 2)


@pytest.mark.parametrize("body", [{}, {"lines": None, "reference": None, "reason": None}])
def test_what_is_not_said_is_all_that_is_out(client: ConformingClient, path: str, body: dict[str, Any]) -> None:
    assert read(client.post(path, json=body))["lines"][0]["quantity"] == 3


@pytest.mark.parametrize("line", [{"line_no": 1, "sku": None}, {"line_no": None, "sku": "WIDGET"}])
def test_null_is_what_is_not_given(client: ConformingClient, path: str, line: dict[str, Any]) -> None:
    made = read(client.post(path, json={"lines": [{**line, "quantity": 1, "disposition": None, "location": None}]}))
    (shown,) = made["lines"]
    assert (shown["line_no"], shown["disposition"], shown["location"]) == (1, "restock", "main")


@pytest.mark.parametrize(
    ("line", "fits"),
    [
        ({"line_no": 1}, True),
        ({"line_no": 1, "sku": None, "disposition": None, "location": None}, True),
        ({"line_no": None, "sku": "A"}, True),
        ({"line_no": 1, "disposition": "quarantine", "location": "yard"}, True),
        ({"line_no": 1, "location": "yard"}, True),
        ({"line_no": 1, "disposition": "discard"}, True),
        ({"line_no": 1, "disposition": "missing", "location": None}, True),
        ({"line_no": 1, "disposition": "discard", "location": "yard"}, False),
        ({"line_no": 1, "disposition": "missing", "location": "yard"}, False),
        ({"line_no": 1, "disposition": "burnt"}, False),
        ({"line_no": 1, "sku": "A"}, False),
        ({"line_no": None, "sku": None}, False),
        ({}, False),
    ],
)
def test_what_is_published_is_what_is_taken(line: dict[str, Any], fits: bool) -> None:
    validator = validator_of(json.dumps({"$ref": "#/components/schemas/ReturnLineRequest"}))
    assert validator.is_valid({"quantity": 1, **line}) is fits
