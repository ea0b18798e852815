"""Bodies of changes of lines that are wrong: each is refused at its pointer, and nothing is changed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.http.asking import figures, place, refused, stock
from tests.http.changing import change, further, of_line, shown, try_out
from tests.http.conformance import ConformingClient, validator_of

LINE = of_line(1)


@pytest.fixture
def placed(client: ConformingClient) -> dict[str, Any]:
    """A placed order of three widgets and two more."""
    stock(client)
    return place(client, lines=[further(quantity=3), further(quantity=2)])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/lines"),
        ({"lines": None}, "/lines"),
        ({"lines": []}, "/lines"),
        ({"lines": {}}, "/lines"),
        ({"lines": [LINE] * 2_001}, "/lines"),
        ({"lines": [LINE, of_line(2)]}, "/lines/1"),
        ({"lines": [1]}, "/lines/0"),
        ({"lines": [{"line_no": 1}]}, "/lines/0/quantity"),
        ({"lines": [{"quantity": 1}]}, "/lines/0"),
        ({"lines": [{"line_no": None, "sku": None, "quantity": 1}]}, "/lines/0"),
        ({"lines": [{**LINE, "sku": "WIDGET"}]}, "/lines/0"),
        ({"lines": [of_line(-1)]}, "/lines/0/quantity"),
        ({"lines": [of_line(1_000_001)]}, "/lines/0/quantity"),
        ({"lines": [{**LINE, "quantity": "1"}]}, "/lines/0/quantity"),
        ({"lines": [{**LINE, "quantity": 1.5}]}, "/lines/0/quantity"),
        ({"lines": [further(quantity=0)]}, "/lines/0/quantity"),
        ({"lines": [of_line(1, 0)]}, "/lines/0/line_no"),
        ({"lines": [of_line(1, 2_001)]}, "/lines/0/line_no"),
        ({"lines": [LINE, of_line(1, 3)]}, "/lines/1/line_no"),
        ({"lines": [further("x" * 65)]}, "/lines/0/sku"),
        ({"lines": [further("a/b")]}, "/lines/0/sku"),
        ({"lines": [{**LINE, "unit_price": "1.00"}]}, "/lines/0/unit_price"),
        ({"lines": [further(unit_price=1)]}, "/lines/0/unit_price"),
        ({"lines": [further(unit_price="1.23456")]}, "/lines/0/unit_price"),
        ({"lines": [further(unit_price="-1")]}, "/lines/0/unit_price"),
        ({"lines": [further(unit_price="922337203685477.5808")]}, "/lines/0/unit_price"),
        ({"lines": [{**LINE, "price": "1"}]}, "/lines/0/price"),
        ({"lines": [LINE], "reason": ""}, "/reason"),
        ({"lines": [LINE], "dry_run": True}, "/dry_run"),
        ({"lines": [LINE], "idempotency_key": "K"}, "/idempotency_key"),
    ],
)
def test_a_wrong_change_is_refused(
    client: ConformingClient, placed: dict[str, Any], body: dict[str, Any], pointer: str
) -> None:
    answer = client.patch(f"/v1/orders/{placed['id']}/lines", json=body)
    refused(answer, 422, "validation_error", pointer)
    assert (shown(client, placed), figures(client)) == (placed, (10, 5, 5))


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (of_line(1, 3), "unknown_line"),
        ({"quantity": 1}, "line_or_sku"),
        ({**LINE, "unit_price": "1"}, "not_allowed"),
        (further(unit_price="1,00"), "bad_amount"),
    ],
)
def test_what_is_wrong_with_a_line_has_a_code(
    client: ConformingClient, placed: dict[str, Any], line: dict[str, Any], code: str
) -> None:
    problem = refused(change(client, placed, line), 422, "validation_error")
    assert [found["code"] for found in problem["errors"]] == [code]


@pytest.mark.parametrize(
    ("line", "fits"),
    [
        (of_line(0), True),
        ({**of_line(2), "sku": None, "unit_price": None}, True),
        ({**further(), "line_no": None}, True),
        (further(unit_price="12.50"), True),
        (further(quantity=0), False),
        ({**LINE, "unit_price": "12.50"}, False),
        ({**LINE, "sku": "A"}, False),
        ({"line_no": None, "sku": None, "quantity": 1}, False),
        ({"quantity": 1}, False),
        (of_line(-1), False),
    ],
)
def test_what_is_published_is_what_is_taken(line: dict[str, Any], fits: bool) -> None:
    validator = validator_of(json.dumps({"$ref": "#/components/schemas/LineChangeRequest"}))
    assert validator.is_valid(line) is fits


def test_all_that_is_wrong_is_told_at_once(client: ConformingClient, placed: dict[str, Any]) -> None:
    lines = [{"line_no": 0, "quantity": -1}, further(unit_price="x")]
    answer = change(client, placed, *lines, reason="", headers={"Idempotency-Key": "\u00e9"})
    found = {each["pointer"] for each in refused(answer, 422, "validation_error")["errors"]}
    assert found == {"/idempotency_key", "/lines/0/line_no", "/lines/0/quantity", "/lines/1/unit_price", "/reason"}


def test_a_dry_run_takes_no_key(client: ConformingClient, placed: dict[str, Any]) -> None:
    answer = try_out(client, placed, LINE, headers={"Idempotency-Key": "K"})
    refused(answer, 422, "validation_error", "/idempotency_key")
    assert change(client, placed, LINE, headers={"Idempotency-Key": "K"}).status_code == 200
