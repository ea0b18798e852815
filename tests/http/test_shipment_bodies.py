"""Bodies of shipments that are wrong: each is refused at its pointer, and nothing has left."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.http.asking import figures, place, read, refused, stock
from tests.http.conformance import ConformingClient, validator_of

LINE = {"line_no": 1, "quantity": 1}
URL = "https://dhl.example/"


@pytest.fixture
def path(client: ConformingClient) -> str:
    """The shipments of an order of three widgets."""
    stock(client)
    return f"/v1/orders/{place(client, quantity=3)['id']}/shipments"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"more": 1}, "/more"),
        ({"location": ""}, "/location"),
        ({"location": 1}, "/location"),
        ({"location": "a/b"}, "/location"),
        ({"lines": []}, "/lines"),
        ({"lines": {}}, "/lines"),
        ({"lines": [LINE] * 2_001}, "/lines"),
        ({"lines": [LINE, LINE]}, "/lines/1"),
        ({"lines": [{"sku": "WIDGET", "quantity": 1}] * 2}, "/lines/1"),
        ({"lines": [1]}, "/lines/0"),
        ({"lines": [{"line_no": 1}]}, "/lines/0/quantity"),
        ({"lines": [{"quantity": 1}]}, "/lines/0"),
        ({"lines": [{"line_no": None, "sku": None, "quantity": 1}]}, "/lines/0"),
        ({"lines": [{**LINE, "sku": "WIDGET"}]}, "/lines/0"),
        ({"lines": [{**LINE, "quantity": 0}]}, "/lines/0/quantity"),
        ({"lines": [{**LINE, "quantity": 1_000_001}]}, "/lines/0/quantity"),
        ({"lines": [{**LINE, "quantity": "1"}]}, "/lines/0/quantity"),
        ({"lines": [{**LINE, "quantity": True}]}, "/lines/0/quantity"),
        ({"lines": [{**LINE, "line_no": 0}]}, "/lines/0/line_no"),
        ({"lines": [{**LINE, "line_no": 2_001}]}, "/lines/0/line_no"),
        ({"lines": [{**LINE, "line_no": 2}]}, "/lines/0/line_no"),
        ({"lines": [{"sku": "GADGET", "quantity": 1}]}, "/lines/0/sku"),
        ({"lines": [{"sku": "x" * 65, "quantity": 1}]}, "/lines/0/sku"),
        ({"lines": [{"line_no": "1", "quantity": 1}]}, "/lines/0/line_no"),
        ({"lines": [{"sku": 1, "quantity": 1}]}, "/lines/0/sku"),
        ({"lines": [{**LINE, "price": "1"}]}, "/lines/0/price"),
        ({"carrier": ""}, "/carrier"),
        ({"carrier": "x" * 65}, "/carrier"),
        ({"carrier": "D\x1bHL"}, "/carrier"),
        ({"tracking_number": "x" * 129}, "/tracking_number"),
        ({"tracking_number": " 1Z"}, "/tracking_number"),
        ({"tracking_number": 17}, "/tracking_number"),
        ({"tracking_url": "javascript:alert(1)"}, "/tracking_url"),
        ({"tracking_url": "//dhl.example/1Z"}, "/tracking_url"),
        ({"tracking_url": f"{URL}a b"}, "/tracking_url"),
        ({"tracking_url": URL + "x" * 2_048}, "/tracking_url"),
        ({"reference": ""}, "/reference"),
        ({"idempotency_key": "K"}, "/idempotency_key"),
    ],
)
def test_a_wrong_shipment_is_refused(client: ConformingClient, path: str, body: dict[str, Any], pointer: str) -> None:
    refused(client.post(path, json=body), 422, "validation_error", pointer)
    assert figures(client) == (10, 3, 7)


def test_all_that_is_wrong_with_a_shipment_is_told_at_once(client: ConformingClient, path: str) -> None:
    body = {"carrier": "", "lines": [{"line_no": 1, "quantity": 0}], "tracking_url": "x"}
    answer = client.post(path, json=body, headers={"Idempotency-Key": "\u00e9"})
    found = {each["pointer"] for each in refused(answer, 422, "validation_error")["errors"]}
    assert found == {"/carrier", "/lines/0/quantity", "/tracking_url", "/idempotency_key"}


@pytest.mark.parametrize("url", ["HTTPS://dhl.example/", "http://[::1]/?q=%20", URL + "x" * 2_028])
def test_an_url_of_the_web_is_kept_as_it_is(client: ConformingClient, path: str, url: str) -> None:
    assert read(client.post(path, json={"tracking_url": url}))["tracking_url"] == url


def test_whole_numbers_may_have_a_point(client: ConformingClient, path: str) -> None:
    answer = client.post(path, json={"lines": [{"line_no": 1.0, "quantity": 2.0}]})
    assert read(answer)["lines"] == [{"line_no": 1, "sku": "WIDGET", "quantity": 2}]


@pytest.mark.parametrize(
    "body", [{}, {"location": None, "lines": None, "carrier": None, "reference": None, "tracking_url": None}]
)
def test_what_is_not_said_is_all_that_is_reserved(client: ConformingClient, path: str, body: dict[str, Any]) -> None:
    assert read(client.post(path, json=body))["lines"][0]["quantity"] == 3


@pytest.mark.parametrize("line", [{"line_no": 1, "sku": None}, {"line_no": None, "sku": "WIDGET"}])
def test_null_is_what_is_not_given(client: ConformingClient, path: str, line: dict[str, Any]) -> None:
    made = read(client.post(path, json={"lines": [{**line, "quantity": 1}]}))
    assert made["lines"] == [{"line_no": 1, "sku": "WIDGET", "quantity": 1}]
    changed = read(client.put(f"{path}/1", json={"status": None, "carrier": "DHL"}))
    assert (changed["status"], changed["carrier"]) == ("shipped", "DHL")
    assert read(client.put(f"{path}/1", json={"carrier": None}))["carrier"] is None


@pytest.mark.parametrize(
    ("schema", "body", "fits"),
    [
        ("ShipmentLineRequest", {"quantity": 1, "line_no": 1}, True),
        ("ShipmentLineRequest", {"quantity": 1, "line_no": 1, "sku": None}, True),
        ("ShipmentLineRequest", {"quantity": 1, "line_no": None, "sku": "A"}, True),
        ("ShipmentLineRequest", {"quantity": 1, "line_no": 1, "sku": "A"}, False),
        ("ShipmentLineRequest", {"quantity": 1, "line_no": None, "sku": None}, False),
        ("ShipmentLineRequest", {"quantity": 1}, False),
        ("ShipmentUpdateRequest", {"status": "delivered"}, True),
        ("ShipmentUpdateRequest", {"status": None, "carrier": None}, True),
        ("ShipmentUpdateRequest", {"status": None}, False),
        ("ShipmentUpdateRequest", {}, False),
    ],
)
def test_what_is_published_is_what_is_taken(schema: str, body: dict[str, Any], fits: bool) -> None:
    validator = validator_of(json.dumps({"$ref": f"#/components/schemas/{schema}"}))
    assert validator.is_valid(body) is fits


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"status": None}, ""),
        ({"status": "cancelled"}, "/status"),
        ({"status": "lost"}, "/status"),
        ({"status": 1}, "/status"),
        ({"status": "delivered", "reason": "x"}, "/reason"),
        ({"carrier": ""}, "/carrier"),
        ({"tracking_url": "ftp://dhl.example/"}, "/tracking_url"),
        ({"tracking_number": "a\u200bb"}, "/tracking_number"),
    ],
)
def test_a_wrong_update_is_refused(client: ConformingClient, path: str, body: dict[str, Any], pointer: str) -> None:
    made = read(client.post(path, json={}))
    refused(client.put(f"{path}/1", json=body), 422, "validation_error", pointer)
    assert read(client.get(f"{path}/1")) == made


@pytest.mark.parametrize(
    ("body", "pointer"), [({"reason": ""}, "/reason"), ({"reason": 1}, "/reason"), ({"why": "x"}, "/why")]
)
def test_a_wrong_cancellation_is_refused(
    client: ConformingClient, path: str, body: dict[str, Any], pointer: str
) -> None:
    made = read(client.post(path, json={}))
    refused(client.post(f"{path}/1/cancel", json=body), 422, "validation_error", pointer)
    assert read(client.get(f"{path}/1")) == made
