"""Orders over HTTP: placing, reading, moving."""

from __future__ import annotations

import pytest

from tests.http.asking import figures, order, place, read, refused, stock
from tests.http.conformance import ConformingClient

pytestmark = pytest.mark.usefixtures("answered_by")

UNKNOWN_ID = "019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10"
UNKNOWN_IDS = [UNKNOWN_ID, "batch", "0", f"{{{UNKNOWN_ID}}}", UNKNOWN_ID.replace("-", ""), "%F0%9F%98%80"]


def test_placing_reserves_the_stock_and_says_where_the_order_is(client: ConformingClient) -> None:
    stock(client, on_hand=10)
    response = client.post("/v1/orders", json=order(quantity=3, reference="R1", metadata={"channel": "web"}))
    assert response.status_code == 201
    placed = read(response)
    assert (placed["status"], placed["version"], placed["reference"]) == ("pending", 1, "R1")
    assert response.headers["Location"] == f"/v1/orders/{placed['id']}"
    assert response.headers["ETag"] == '"1"'
    assert read(client.get(response.headers["Location"])) == placed
    assert figures(client) == (10, 3, 7)


def test_money_is_exact(client: ConformingClient) -> None:
    stock(client)
    lines = [{"sku": "WIDGET", "quantity": 3, "unit_price": "0.1"}, {"sku": "WIDGET", "quantity": 1, "unit_price": "2"}]
    placed = read(client.post("/v1/orders", json={"customer_id": "C1", "lines": lines, "currency": "CHF"}))
    assert (placed["total"], placed["currency"]) == ("2.30", "CHF")
    assert [line["unit_price"] for line in placed["lines"]] == ["0.10", "2.00"]


def test_more_than_there_is_is_refused_with_the_figures(client: ConformingClient) -> None:
    stock(client, on_hand=2)
    problem = refused(client.post("/v1/orders", json=order(quantity=3)), 409, "insufficient_inventory")
    assert problem["shortages"] == [{"sku": "WIDGET", "requested": 3, "available": 2}]
    assert figures(client) == (2, 0, 2)


def test_an_unknown_sku_is_refused_where_it_stands(client: ConformingClient) -> None:
    stock(client)
    document = {"customer_id": "C1", "lines": [{"sku": "WIDGET", "quantity": 1}, {"sku": "widget", "quantity": 1}]}
    refused(client.post("/v1/orders", json=document), 422, "unknown_sku", "/lines/1/sku")


def test_a_total_beyond_the_bound_is_refused(client: ConformingClient) -> None:
    stock(client)
    document = order(lines=[{"sku": "WIDGET", "quantity": 2, "unit_price": "900000000000000"}])
    refused(client.post("/v1/orders", json=document), 422, "total_too_large")


@pytest.mark.parametrize("id", UNKNOWN_IDS)
def test_an_unknown_order_is_not_found(client: ConformingClient, id: str) -> None:
    refused(client.get(f"/v1/orders/{id}"), 404, "order_not_found")
    refused(client.get(f"/v1/orders/{id}/events"), 404, "order_not_found")
    refused(client.put(f"/v1/orders/{id}/status", json={"status": "shipped"}), 404, "order_not_found")


def test_an_id_in_capitals_is_the_same_id(client: ConformingClient) -> None:
    stock(client)
    placed = place(client)
    assert read(client.get(f"/v1/orders/{placed['id'].upper()}")) == placed


def test_orders_are_never_to_be_stored(client: ConformingClient) -> None:
    stock(client)
    path = f"/v1/orders/{place(client)['id']}"
    for response in (client.get(path), client.get("/v1/orders"), client.get(f"{path}/events")):
        assert response.headers["Cache-Control"] == "no-store"


def test_an_order_moves_through_its_life_and_the_stock_with_it(client: ConformingClient) -> None:
    stock(client, on_hand=10)
    path = f"/v1/orders/{place(client, quantity=4)['id']}"
    for status in ("processing", "Shipped", "DELIVERED", "returned"):
        response = client.put(f"{path}/status", json={"status": status, "reason": "asked"})
        assert (response.status_code, read(response)["status"]) == (200, status.lower())
    assert figures(client) == (10, 0, 10)
    events = read(client.get(f"{path}/events"))["items"]
    assert [event["type"] for event in events] == [
        "order.placed",
        "order.processing",
        "shipment.created",
        "order.shipped",
        "shipment.delivered",
        "order.delivered",
        "return.created",
        "order.returned",
    ]
    assert events[-1]["data"] == {"from": "delivered", "to": "returned", "reason": "asked"}
    assert [event["order_version"] for event in events] == [1, 2, 3, 3, 4, 4, 5, 5]


def test_cancelling_releases_the_stock(client: ConformingClient) -> None:
    stock(client, on_hand=10)
    placed = place(client, quantity=4)
    client.put(f"/v1/orders/{placed['id']}/status", json={"status": "cancelled"})
    assert figures(client) == (10, 0, 10)


def test_a_move_that_is_not_in_the_table_is_refused_with_those_that_are(client: ConformingClient) -> None:
    stock(client)
    path = f"/v1/orders/{place(client)['id']}/status"
    client.put(path, json={"status": "shipped"})
    problem = refused(client.put(path, json={"status": "cancelled"}), 409, "invalid_transition")
    assert (problem["current"], problem["allowed"]) == ("shipped", ["delivered", "returned"])


@pytest.mark.parametrize("status", ["queued", "rejected", "failed"])
def test_a_status_that_only_placing_sets_is_refused(client: ConformingClient, status: str) -> None:
    stock(client)
    path = f"/v1/orders/{place(client)['id']}/status"
    refused(client.put(path, json={"status": status}), 409, "invalid_transition")


def test_the_status_that_an_order_has_already_changes_nothing(client: ConformingClient) -> None:
    stock(client)
    path = f"/v1/orders/{place(client)['id']}"
    assert read(client.put(f"{path}/status", json={"status": "pending"}))["version"] == 1
    assert len(read(client.get(f"{path}/events"))["items"]) == 1


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({}, "/status"),
        ({"status": "lost"}, "/status"),
        ({"status": None}, "/status"),
        ({"status": 1}, "/status"),
        ({"status": ["shipped"]}, "/status"),
        ({"status": "shipped", "reason": ""}, "/reason"),
        ({"status": "shipped", "reason": "a\x00"}, "/reason"),
        ({"status": "shipped", "reason": "\ud800"}, "/reason"),
        ({"status": "shipped", "reason": "r" * 501}, "/reason"),
        ({"status": "shipped", "why": "?"}, "/why"),
        ([], ""),
        ("shipped", ""),
    ],
)
def test_a_bad_move_is_refused_where_it_is_wrong(client: ConformingClient, document: object, pointer: str) -> None:
    stock(client)
    placed = place(client)
    path = f"/v1/orders/{placed['id']}"
    refused(client.put(f"{path}/status", json=document), 422, "validation_error", pointer)
    assert read(client.get(path)) == placed
